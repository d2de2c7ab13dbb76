"""What arrived and what became of it, over HTTP; for operators."""

from __future__ import annotations

from gateway.usage import Called, UsageCount
from tests.integration.admin.objects import make_objects
from tests.integration.admin.world import AdminWorld, Caller


async def test_a_notification_with_its_handlings(world: AdminWorld, admin: Caller) -> None:
    objects = await make_objects(world, None)
    path = objects.path("/v1/notifications/{notification_id}")
    shown = await admin.get(path)
    (handling,) = shown["handlings"]
    assert (shown["type"], shown["state"], shown["body"]) == ("ORDER_CHANGE", "accepted", None)
    assert (await admin.get(f"{path}?body=true"))["body"] == {}
    assert await admin.get(f"/v1/handlings/{handling['id']}") == handling
    listed = await admin.get("/v1/handlings?state=pending&handler=order_change")
    assert listed["items"] == [handling]
    assert (await admin.get("/v1/notifications?type=FEED"))["items"] == []
    for about in (
        "order_id=1",
        "sku=MUG-BLUE",
        "report_id=1",
        "marketplace_id=M9",
        "sku=1&cursor=0",
    ):
        assert (await admin.get(f"/v1/notifications?{about}"))["items"] == []
    both = await admin("GET", "/v1/notifications?order_id=1&sku=2")
    assert both.status == 422
    # The job that was asked for waits too.
    assert (await admin.get("/v1/counts"))["handlings"]["ready"] == 2


async def test_a_quarantined_message_is_a_deliberate_look(world: AdminWorld, admin: Caller) -> None:
    objects = await make_objects(world, None)
    (listed,) = (await admin.get("/v1/quarantine"))["items"]
    assert (listed["id"], listed["reason"]) == (objects.ids["quarantine_id"], "no JSON")
    shown = await admin("GET", objects.path("/v1/quarantine/{quarantine_id}"))
    assert "refresh" in shown.body["text"]
    assert b"hidden-token-1" not in shown.raw


async def test_usage_is_paged_by_its_own_cursor(world: AdminWorld, admin: Caller) -> None:
    counts = [
        UsageCount(
            called=Called(
                day=f"2026-01-0{n}",
                application_id="main/ä",
                region="eu",
                seller_id="" if n == 1 else "A1",
                operation="orders.2026-01-01.getOrder",
                method="GET",
                outcome="ok",
            ),
            calls=n,
        )
        for n in (1, 2, 3)
    ]
    await world.store.usage.add(counts)
    first = await admin.get("/v1/usage?limit=2")
    assert [(one["day"], one["seller_id"], one["calls"]) for one in first["items"]] == [
        ("2026-01-01", None, 1),
        ("2026-01-02", "A1", 2),
    ]
    path = "/v1/usage"
    rest = await admin("GET", path, params={"cursor": first["next_cursor"]})
    assert [one["calls"] for one in rest.body["items"]] == [3]
    only = await admin.get(f"{path}?seller_id=A1&operation=getOrder&from_day=2026-01-03")
    assert [one["calls"] for one in only["items"]] == [3]
    for cursor in ("x", "%00/a/b/c/d/e/f", "a//"):
        assert (await admin("GET", path, params={"cursor": cursor})).status == 422


async def test_the_story_of_one_thing(world: AdminWorld, admin: Caller) -> None:
    objects = await make_objects(world, None)
    told = await admin.get(objects.path("/v1/traces/{notification_id}"))
    assert [one["what"] for one in told["items"]] == ["received", "owed", "pending"]
    assert told["items"] == (await admin.get(objects.path("/v1/traces/{handling_id}")))["items"]
    told = await admin.get(objects.path("/v1/traces/{attempt_id}"))
    assert [one["what"] for one in told["items"]][-1] == "dead"
    assert (await admin("GET", "/v1/traces/902-0000000-0000000")).status == 404
