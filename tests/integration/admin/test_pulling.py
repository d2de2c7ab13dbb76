"""Events pulled over HTTP by customers whom nobody can post to."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook

from gateway.access import Scope
from gateway.clock import SystemClock
from gateway.endpoints import Transport
from tests.integration.admin.objects import make_endpoint, publish
from tests.integration.admin.world import AdminWorld, Caller, open_world


async def _pull_only(caller: Caller, **fields: Any) -> tuple[str, str]:
    """The path of the feed of a fresh endpoint that is only pulled, and its secret."""
    made = await caller.post("/v1/endpoints", {"transport": "pull", **fields}, status=201)
    assert made["url"] == ""
    return f"/v1/endpoints/{made['id']}/events", made["secret"]


async def test_what_is_pulled_is_verified_as_a_webhook_is(tmp_path: Path) -> None:
    async with open_world(tmp_path, clock=SystemClock()) as world:
        admin = await world.caller(Scope.ADMIN)
        path, secret = await _pull_only(admin)
        event = await publish(world, "order.packed", '{"type": "order.packed", "n": "ä"}'.encode())
        page = await admin.get(path)
        (item,) = page["items"]
        told = Webhook(secret).verify(item["body"], item["headers"])
        assert told == {"type": "order.packed", "n": "ä"}
        assert item["headers"]["webhook-id"] == item["id"] == event.id


async def test_what_is_not_acknowledged_comes_again(world: AdminWorld, admin: Caller) -> None:
    path, _ = await _pull_only(admin)
    ids = [(await publish(world, "a.b")).id for _ in range(4)]
    first = await admin.get(f"{path}?limit=3")
    assert [one["id"] for one in first["items"]] == ids[:3]
    assert (await admin.get(f"{path}?limit=3"))["items"][0]["id"] == ids[0]
    ahead = await admin.get(f"{path}?cursor={first['next_cursor']}")
    assert [one["id"] for one in ahead["items"]] == ids[3:]

    second = first["items"][1]["cursor"]
    told = await admin.post(f"{path}/ack", {"cursor": second})
    assert (told["name"], told["cursor"], told["behind"]) == ("default", second, 2)
    assert [one["id"] for one in (await admin.get(path))["items"]] == ids[2:]
    other = await admin.get(f"{path}?consumer=other")
    assert [one["id"] for one in other["items"]] == ids
    await admin.post(f"{path}/ack", {"cursor": ahead["next_cursor"]})
    assert await admin.get(path) == {"items": [], "next_cursor": ahead["next_cursor"]}


async def test_a_cursor_of_ones_own_making_is_refused(world: AdminWorld, admin: Caller) -> None:
    path, _ = await _pull_only(admin)
    await publish(world, "a.b")
    await admin.get(path)
    for cursor in ("p2", "1", "p", "p-1", "p" + "9" * 30):
        assert (await admin("POST", f"{path}/ack", json={"cursor": cursor})).status == 422
    assert len((await admin.get(path))["items"]) == 1


async def test_who_waits_is_told_when_something_comes(world: AdminWorld, admin: Caller) -> None:
    path, _ = await _pull_only(admin)
    waiting = asyncio.create_task(admin.get(f"{path}?wait_s=30"))
    while not world.api.waiting._waiting:
        await asyncio.sleep(0)
    event = await publish(world, "a.b")
    page = await waiting
    assert [one["id"] for one in page["items"]] == [event.id]
    assert not world.api.waiting._waiting


async def test_who_waits_in_vain_gets_an_empty_page(admin: Caller) -> None:
    path, _ = await _pull_only(admin)
    assert await admin.get(f"{path}?wait_s=0.05") == {"items": [], "next_cursor": "p0"}


async def test_who_waits_is_let_go_when_the_port_closes(world: AdminWorld, admin: Caller) -> None:
    path, _ = await _pull_only(admin)
    waiting = asyncio.create_task(admin.get(f"{path}?wait_s=30"))
    while not world.api.waiting._waiting:
        await asyncio.sleep(0)
    world.api.waiting.close()
    assert (await waiting)["items"] == []


async def test_pushing_and_pulling_go_side_by_side(world: AdminWorld, admin: Caller) -> None:
    endpoint = await make_endpoint(world, None, transport=Transport.BOTH, event_types=())
    pushed = await make_endpoint(world, None, transport=Transport.PUSH, event_types=())
    event = await publish(world, "a.b")
    page = await admin.get(f"/v1/endpoints/{endpoint.id}/events")
    assert [one["id"] for one in page["items"]] == [event.id]
    deliveries = (await admin.get(f"/v1/events/{event.id}"))["deliveries"]
    assert {one["endpoint_id"] for one in deliveries} == {endpoint.id, pushed.id}
    told = await admin("GET", f"/v1/endpoints/{pushed.id}/events")
    assert (told.status, "transport" in told.body["detail"]) == (409, True)


async def test_a_disabled_endpoint_keeps_what_comes_until_it_is_enabled(
    world: AdminWorld, admin: Caller
) -> None:
    path, _ = await _pull_only(admin)
    of = path.removesuffix("/events")
    await admin.post(f"{of}/disable")
    event = await publish(world, "a.b")
    assert (await admin("GET", path)).status == 409
    await admin.post(f"{of}/enable")
    assert [one["id"] for one in (await admin.get(path))["items"]] == [event.id]


async def test_an_endpoint_that_is_pulled_names_no_url_and_one_that_is_pushed_names_one(
    admin: Caller,
) -> None:
    for fields in ({"transport": "pull", "url": "http://127.0.0.1:1/"}, {}, {"transport": "both"}):
        told = await admin("POST", "/v1/endpoints", json=fields)
        assert told.status == 422
        assert b"url" in told.raw
    path, _ = await _pull_only(admin)
    of = path.removesuffix("/events")
    assert (await admin("PATCH", of, json={"transport": "push"})).status == 422
    both = await admin("PATCH", of, json={"transport": "both", "url": "http://127.0.0.1:1/"})
    assert both.status == 200
    tested = await admin("POST", f"{of}/test", json={})
    assert tested.status == 200


async def test_a_tenant_pulls_its_own(world: AdminWorld) -> None:
    acme = await world.caller(Scope.WRITE, tenant="acme")
    globex = await world.caller(Scope.WRITE, tenant="globex")
    path, _ = await _pull_only(acme)
    event = await publish(world, "a.b")
    page = await acme.get(path)
    assert [one["id"] for one in page["items"]] == [event.id]
    assert (await acme.get(f"/v1/events/{event.id}"))["id"] == event.id
    assert (await globex("GET", path)).status == 404
    assert (await globex("GET", f"/v1/events/{event.id}")).status == 404
    told = await globex("POST", f"{path}/ack", json={"cursor": page["next_cursor"]})
    assert told.status == 404


async def test_a_consumer_that_is_forgotten_begins_anew(world: AdminWorld, admin: Caller) -> None:
    path, _ = await _pull_only(admin)
    event = await publish(world, "a.b")
    page = await admin.get(path)
    await admin.post(f"{path}/ack", {"cursor": page["next_cursor"]})
    of = path.removesuffix("/events")
    (consumer,) = (await admin.get(f"{of}/consumers"))["items"]
    assert (consumer["name"], consumer["behind"]) == ("default", 0)
    assert (await admin("DELETE", f"{of}/consumers/default")).body == {"items": []}
    assert (await admin("DELETE", f"{of}/consumers/default")).status == 404
    assert [one["id"] for one in (await admin.get(path))["items"]] == [event.id]
