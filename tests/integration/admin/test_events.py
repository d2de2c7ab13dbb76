"""Events and deliveries over HTTP: shown, and a team's own published."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from gateway.access import Scope
from tests.integration.admin.objects import make_endpoint, make_objects, publish
from tests.integration.admin.world import AdminWorld, Caller

NEW = {
    "type": "order.packed",
    "data": {"order": {"order_id": "1-2"}},
    "seller_id": "A1",
    "occurred_at": "2026-01-31T09:00:00+01:00",
}


async def test_a_published_event_is_as_a_handlers(world: AdminWorld, admin: Caller) -> None:
    endpoint = await make_endpoint(world, None, event_types=("order.*",))
    published = await admin.post("/v1/events", NEW, status=201)
    assert (published["deliveries"], published["repeated"]) == (1, False)
    shown = await admin.get(f"/v1/events/{published['id']}?body=true")
    assert shown["body"] == {
        "type": "order.packed",
        "timestamp": "2026-01-31T08:00:00.000Z",
        "data": {
            "seller": "A1",
            "region": None,
            "marketplace": None,
            "notification": None,
            "replayed_from": None,
            "order": {"order_id": "1-2"},
        },
    }
    (delivery,) = shown["deliveries"]
    assert (delivery["endpoint_id"], delivery["state"]) == (endpoint.id, "pending")
    assert (await admin.get(f"/v1/events/{published['id']}"))["body"] is None


async def test_the_same_key_publishes_once_however_often_it_is_asked(admin: Caller) -> None:
    headers = {"Idempotency-Key": "k-1"}
    told = await asyncio.gather(
        *(admin("POST", "/v1/events", json=NEW, headers=headers) for _ in range(8))
    )
    assert sorted(one.status for one in told) == [200] * 7 + [201]
    assert len({one.body["id"] for one in told}) == 1
    assert len((await admin.get("/v1/events"))["items"]) == 1
    other = await admin("POST", "/v1/events", json={**NEW, "data": {}}, headers=headers)
    assert other.status == 422
    assert other.body["type"] == "urn:gateway:problem:idempotency-key"


@pytest.mark.parametrize(
    "change",
    [
        {"type": "order..packed"},
        {"type": "endpoint.test"},
        {"type": "order.*"},
        {"data": {"seller": "A2"}},
        {"data": []},
        {"data": {"n": 10**30}},
        {"data": {"text": "x" * 300_000}},
        {"occurred_at": "yesterday"},
        {"occurred_at": "9999-12-31T23:59:59-12:00"},
        {"seller_id": "A1\n"},
        {"body": {}},
    ],
)
async def test_what_is_refused_is_not_published(admin: Caller, change: dict[str, Any]) -> None:
    told = await admin("POST", "/v1/events", json=NEW | change)
    assert told.status == 422
    assert (await admin.get("/v1/events"))["items"] == []


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "é"])
async def test_an_idempotency_key_that_is_none(admin: Caller, key: str) -> None:
    told = await admin("POST", "/v1/events", json=NEW, headers={"Idempotency-Key": key})
    assert told.status == 422
    assert (await admin.get("/v1/events"))["items"] == []


async def test_credentials_in_a_body_stay_hidden(world: AdminWorld, admin: Caller) -> None:
    body = json.dumps({"data": {"refresh_token": "Atzr|secret", "note": "x"}}).encode()
    event = await publish(world, "order.packed", body)
    shown = await admin("GET", f"/v1/events/{event.id}?body=true")
    assert b"Atzr|secret" not in shown.raw
    assert shown.body["body"]["data"]["note"] == "x"


async def test_lists_are_filtered_and_paged(world: AdminWorld, admin: Caller) -> None:
    endpoint = await make_endpoint(world, None, event_types=("a.*",))
    events = [await publish(world, kind) for kind in ("a.x", "b.x", "a.y", "a.x")]
    page = await admin.get("/v1/events?type=a.x&limit=1")
    assert [one["id"] for one in page["items"]] == [events[3].id]
    page = await admin.get(f"/v1/events?type=a.x&limit=1&cursor={page['next_cursor']}")
    assert [one["id"] for one in page["items"]] == [events[0].id]
    path = f"/v1/deliveries?endpoint_id={endpoint.id}"
    assert len((await admin.get(path))["items"]) == 3
    assert len((await admin.get(f"{path}&event_id={events[2].id}&state=pending"))["items"]) == 1
    assert (await admin.get(f"{path}&state=dead"))["items"] == []


async def test_a_tenant_sees_an_event_with_its_own_deliveries(world: AdminWorld) -> None:
    mine = await make_endpoint(world, "acme", event_types=("order.*",))
    await make_endpoint(world, "globex", event_types=("order.*",))
    event = await publish(world, "order.packed")
    acme = await world.caller(Scope.READ, tenant="acme")
    shown = await acme.get(f"/v1/events/{event.id}")
    assert [one["endpoint_id"] for one in shown["deliveries"]] == [mine.id]
    listed = await acme.get("/v1/deliveries")
    assert [one["endpoint_id"] for one in listed["items"]] == [mine.id]


async def test_a_delivery_is_shown_with_its_attempts(world: AdminWorld, admin: Caller) -> None:
    objects = await make_objects(world, None)
    shown = await admin.get(objects.path("/v1/deliveries/{delivery_id}"))
    (attempt,) = shown["attempts_made"]
    assert (attempt["status"], attempt["answer"]) == (500, "� no")
    attempts = await admin.get(objects.path("/v1/deliveries/{delivery_id}/attempts"))
    assert attempts["items"] == [attempt]


async def test_a_delivery_is_sent_again_with_the_same_id(world: AdminWorld, admin: Caller) -> None:
    objects = await make_objects(world, "acme")
    acme = await world.caller(Scope.WRITE, tenant="acme")
    path = objects.path("/v1/deliveries/{delivery_id}")
    assert (await acme.get(path))["state"] == "dead"
    resent = await acme.post(f"{path}/resend")
    assert (resent["state"], resent["event_id"]) == ("pending", objects.ids["event_id"])
    assert resent["resent_at"] is not None
    (entry,) = (await admin.get("/v1/audit"))["items"]
    assert (entry["action"], entry["tenant"]) == ("delivery.resend", "acme")


async def test_what_cannot_be_sent_again_is_no_change(world: AdminWorld, admin: Caller) -> None:
    objects = await make_objects(world, None)
    await admin.post(objects.path("/v1/endpoints/{endpoint_id}/disable"))
    path = objects.path("/v1/deliveries/{delivery_id}")
    told = await admin("POST", f"{path}/resend")
    assert (told.status, "disabled" in told.body["detail"]) == (409, True)
    assert (await admin.get(path))["state"] == "dead"
    assert [one["action"] for one in (await admin.get("/v1/audit"))["items"]] == [
        "endpoint.disable"
    ]


async def test_a_publication_is_logged_once_however_often_it_is_asked(admin: Caller) -> None:
    headers = {"Idempotency-Key": "k-1"}
    for change in ({}, {}, {"data": {}}):
        await admin("POST", "/v1/events", json=NEW | change, headers=headers)
    assert len((await admin.get("/v1/audit"))["items"]) == 1
