"""Sellers over HTTP; their tokens go in and never come out."""

from __future__ import annotations

from gateway.access import Scope
from gateway.model import Application
from tests.integration.admin.world import AdminWorld

NEW = {
    "id": "A2EXAMPLE",
    "region": "eu",
    "application_id": "main",
    "refresh_token": "Atzr|hidden-token",
    "tags": ["gold", "b2b"],
}


async def add_application(world: AdminWorld) -> None:
    await world.store.sellers.put_application(
        Application(id="main", client_id="c", client_secret="hidden-secret")
    )


async def test_a_seller_is_added_changed_paused_and_resumed(world: AdminWorld) -> None:
    await add_application(world)
    caller = await world.caller(Scope.ADMIN)
    added = await caller("POST", "/v1/sellers", json=NEW)
    assert added.status == 201, added.body
    (seller,) = added.body["authorisations"]
    assert (seller["state"], seller["tags"]) == ("active", ["b2b", "gold"])
    (kept,) = await world.store.sellers.of("A2EXAMPLE")
    assert kept.refresh_token == "Atzr|hidden-token"
    path = "/v1/sellers/A2EXAMPLE"
    changed = await caller(
        "PATCH",
        path,
        json={"add_tags": ["new"], "remove_tags": ["b2b"], "marketplace_ids": ["A1PA6795UKMFR9"]},
    )
    (seller,) = changed.body["authorisations"]
    assert seller["tags"] == ["gold", "new"]
    assert seller["marketplace_ids"] == ["A1PA6795UKMFR9"]
    paused = await caller.post(f"{path}/pause", {"reason": "holiday"})
    assert paused["authorisations"][0]["paused_reason"] == "holiday"
    assert paused["authorisations"][0]["paused_by"] == "operator"
    told = await caller("POST", f"{path}/resume")
    assert told.body["authorisations"][0]["state"] == "active"
    assert (await caller.get(path))["id"] == "A2EXAMPLE"
    log = await world.store.audit.list()
    assert [one.action for one in reversed(log)] == [
        "seller.add",
        "seller.update",
        "seller.pause",
        "seller.resume",
    ]
    said = added.raw + changed.raw + told.raw + str(log).encode()
    assert b"hidden" not in said


async def test_sellers_are_listed_in_pages_and_by_what_they_have(world: AdminWorld) -> None:
    await add_application(world)
    caller = await world.caller(Scope.ADMIN)
    for number in range(7):
        body = NEW | {"id": f"A{number}", "tags": ["gold"] if number % 2 else []}
        assert (await caller("POST", "/v1/sellers", json=body)).status == 201
    assert (await caller("POST", "/v1/sellers", json=NEW | {"id": "A0", "region": "na"})).status
    seen, cursor = [], None
    while True:
        page = await caller.get(
            "/v1/sellers", params={"limit": 3} | ({"cursor": cursor} if cursor else {})
        )
        seen += [(one["id"], one["region"]) for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [("A0", "eu"), ("A0", "na"), *((f"A{number}", "eu") for number in range(1, 7))]
    gold = await caller.get("/v1/sellers", params={"tag": "gold", "region": "eu"})
    assert [one["id"] for one in gold["items"]] == ["A1", "A3", "A5"]
    assert (await caller.get("/v1/sellers", params={"state": "paused"}))["items"] == []
    assert (await caller.get("/v1/sellers", params={"application_id": "x"}))["items"] == []


async def test_links_are_made_and_logged_without_their_token(world: AdminWorld) -> None:
    await add_application(world)
    caller = await world.caller(Scope.ADMIN)
    made = await caller("POST", "/v1/authorization-links", json={"marketplace": "DE", "days": 1})
    assert made.status == 201
    assert made.body["url"].startswith("https://gateway.test/oauth/start?link=")
    assert (made.body["application_id"], made.body["region"]) == ("main", "eu")
    await caller("POST", "/v1/sellers", json=NEW)
    bound = await caller("POST", "/v1/authorization-links", json={"seller_id": "A2EXAMPLE"})
    assert (bound.status, bound.body["seller_id"]) == (201, "A2EXAMPLE")
    entry = (await world.store.audit.list())[0]
    assert (entry.action, entry.object_id) == ("seller.link", "A2EXAMPLE")
    assert "link=" not in str(entry)


async def test_what_is_refused(world: AdminWorld) -> None:
    await add_application(world)
    caller = await world.caller(Scope.ADMIN)
    for path, body, status in (
        ("/v1/sellers", NEW | {"application_id": "other"}, 422),
        ("/v1/sellers", NEW | {"region": "us"}, 422),
        ("/v1/sellers", NEW | {"refresh_token": ""}, 422),
        ("/v1/authorization-links", {}, 422),
        ("/v1/authorization-links", {"marketplace": "MOON"}, 422),
        ("/v1/authorization-links", {"seller_id": "A9"}, 404),
        ("/v1/sellers/A9/pause", {}, 404),
    ):
        told = await caller("POST", path, json=body)
        assert told.status == status, (path, body)
        assert b"hidden" not in told.raw
    assert (await caller("PATCH", "/v1/sellers/A9", json={"add_tags": ["x"]})).status == 404
    assert (await caller("GET", "/v1/sellers/A9")).status == 404
    assert list(await world.store.audit.list()) == []
