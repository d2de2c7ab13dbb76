"""Subscriptions and destinations over HTTP: what is known of Amazon's side, and having it looked at."""

from __future__ import annotations

from dataclasses import replace

from gateway.access import Scope
from gateway.model import Seller
from gateway.store.destinations import SeenDestination
from gateway.store.subscriptions import Look, SeenSubscription
from tests.integration.admin.world import AdminWorld


async def _known(world: AdminWorld) -> None:
    for seller_id in ("A1", "A2"):
        await world.store.sellers.put_seller(
            Seller(id=seller_id, application_id="app", region="eu", refresh_token="Atzr|1")
        )
    seen = SeenSubscription(
        id="s1", payload_version="1.0", destination_id="d1", directive="{}", managed=True
    )
    common = {"application_id": "app", "region": "eu", "type": "PRICING_HEALTH", "digest": "d"}
    await world.store.subscriptions.looked(Look(seller_id="A1", seen=[seen], **common))
    filtered = replace(seen, id="s2", directive='{"filterExpression":"true"}', managed=False)
    await world.store.subscriptions.looked(
        Look(seller_id="A2", seen=[filtered], fault="403: no role", **common)
    )


async def test_subscriptions_as_they_were_seen_last(world: AdminWorld) -> None:
    await _known(world)
    reader = await world.caller(Scope.READ)
    page = await reader.get("/v1/subscriptions?limit=1")
    (first,) = page["items"]
    assert (first["id"], first["seller_id"], first["directive"]) == ("s1", "A1", None)
    assert first["managed_since"].endswith("Z")
    (second,) = (await reader.get(f"/v1/subscriptions?cursor={page['next_cursor']}"))["items"]
    assert second["directive"] == {"filterExpression": "true"}
    assert second["managed_since"] is None
    of_seller = await reader.get("/v1/subscriptions?seller_id=A2&type=PRICING_HEALTH")
    assert [one["id"] for one in of_seller["items"]] == ["s2"]


async def test_the_plan_in_pages(world: AdminWorld) -> None:
    await _known(world)
    reader = await world.caller(Scope.READ)
    found, cursor = [], ""
    while True:
        page = await reader.get(f"/v1/subscriptions/plan?limit=3{cursor}")
        found += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert [(one["seller_id"], one["type"], one["standing"]) for one in found] == [
        ("A1", "FEE_PROMOTION", "pending"),
        ("A1", "PRICING_HEALTH", "pending"),
        ("A2", "FEE_PROMOTION", "pending"),
        ("A2", "PRICING_HEALTH", "faulty"),
    ]
    assert found[3]["reason"] == "403: no role"
    assert found[0]["destinations"] == ["main"]
    faulty = await reader.get("/v1/subscriptions/plan?standing=faulty&seller_id=A2")
    assert faulty["items"] == found[3:]


async def test_a_run_is_asked_for_and_who_asked_is_known(world: AdminWorld) -> None:
    writer, admin = await world.caller(Scope.WRITE), await world.caller(Scope.ADMIN)
    assert (await writer("POST", "/v1/subscriptions/reconcile")).status == 403
    await world.store.subscription_runs.begin("one", "d")
    await world.store.subscription_runs.release("one", through=True)
    told = await admin("POST", "/v1/subscriptions/reconcile")
    assert told.status == 202
    last = await world.store.subscription_runs.last()
    assert last is not None
    assert last.asked
    (entry,) = await world.store.audit.list()
    assert (entry.action, entry.request_id is not None) == ("subscription.reconcile", True)


async def test_where_nobody_would_do_it_that_is_said(world: AdminWorld) -> None:
    object.__setattr__(world.api, "amazon", replace(world.api.amazon, reconciles=False))
    admin = await world.caller(Scope.ADMIN)
    told = await admin("POST", "/v1/subscriptions/reconcile")
    assert told.status == 409
    assert "reconcile.every_s" in told.body["detail"]


async def test_destinations_and_those_that_are_missing(world: AdminWorld) -> None:
    there = SeenDestination(id="d1", name="main", kind="sqs", place="arn", declared="main")
    missing = SeenDestination(
        id="missing.1", name=None, kind=None, place=None, declared="bus", fault="409: taken"
    )
    await world.store.destinations.looked("app", "eu", [there, missing])
    reader = await world.caller(Scope.READ)
    page = await reader.get("/v1/destinations?limit=1")
    assert [(one["id"], one["place"]) for one in page["items"]] == [("d1", "arn")]
    (last,) = (await reader.get(f"/v1/destinations?cursor={page['next_cursor']}"))["items"]
    assert (last["declared"], last["fault"]) == ("bus", "409: taken")
