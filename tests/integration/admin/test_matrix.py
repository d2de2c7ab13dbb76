"""Every route, every kind of key, everybody's objects: made from the table of routes itself.

A new route is in it by itself; one that takes a body must give an example of it below.
"""

from __future__ import annotations

from typing import Any

import pytest

from gateway.access import Scope
from gateway.admin.routes import Route
from gateway.admin.table import ROUTES
from tests.integration.admin.objects import Objects, make_objects
from tests.integration.admin.world import AdminWorld, Caller

RECEIVED = {
    "webhook_id": "evt_1",
    "webhook_timestamp": "1",
    "webhook_signature": "v1,AAAA",
    "body": "{}",
}

# A body that each route accepts.
BODIES: dict[str, dict[str, Any]] = {
    "create_endpoint": {"url": "http://127.0.0.1:1/hook"},
    "update_endpoint": {"description": "ERP"},
    "disable_endpoint": {"reason": "maintenance"},
    "rotate_secret": {"kind": "v1a"},
    "publish_event": {"type": "order.packed", "data": {"order": "1"}},
    "request_job": {"job": "tidy", "seller_ids": ["A1"], "options": {"day": "2026-11-01"}},
    "start_operation": {"kind": "replay", "from_time": "2026-01-31T09:00:00Z", "state": "dead"},
    "preview_operation": {"kind": "redeliver", "from_time": "2026-01-31T09:00:00Z"},
    "add_seller": {
        "id": "A1",
        "region": "eu",
        "application_id": "main",
        "refresh_token": "Atzr|hidden-token-3",
    },
    "update_seller": {"add_tags": ["gold"]},
    "pause_seller": {"reason": "holiday"},
    "make_authorization_link": {"marketplace": "DE"},
    "start_erasure": {"order_id": "902-0000001-0000001"},
    "preview_erasure": {"order_id": "902-0000001-0000001"},
    "create_key": {"scopes": ["read"]},
    "acknowledge_events": {"cursor": "p1"},
    "verify_webhook": {**RECEIVED, "secrets": ["whsec_" + "MTIz" * 11]},
    "verify_with_endpoint": RECEIVED,
}

# Tests and questions change nothing; acknowledging is what consumers do all day.
ASKS = ("test_", "verify_", "preview_", "acknowledge_")

# Parameters whose objects belong to a tenant; the others are the same for everybody.
OWNED = {"endpoint_id", "secret_id", "event_id", "delivery_id", "attempt_id"}

ACME, GLOBEX = "acme", "globex"
ALLOWED = {
    Scope.READ: {*Scope},
    Scope.WRITE: {Scope.WRITE, Scope.ADMIN},
    Scope.ADMIN: {Scope.ADMIN},
}


def every(condition: Any = lambda _: True) -> Any:
    routes = [route for route in ROUTES if condition(route)]
    return pytest.mark.parametrize("route", routes, ids=lambda route: route.name)


def owned(route: Route) -> bool:
    return bool(OWNED & set(route.parameters))


async def ask(caller: Caller, route: Route, objects: Objects) -> tuple[int, bytes]:
    body = BODIES[route.name] if route.body is not None else None
    told = await caller(route.method, objects.path(route.path), json=body)
    return told.status, told.raw


def test_names_and_paths_are_given_once() -> None:
    assert len({route.name for route in ROUTES}) == len(ROUTES)
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)
    assert all(route.path.startswith("/v1/") for route in ROUTES)
    assert set(BODIES) == {route.name for route in ROUTES if route.body is not None}


def test_only_the_document_needs_no_key() -> None:
    assert [route.name for route in ROUTES if route.scope is None] == ["show_openapi"]


def test_what_changes_something_takes_more_than_read() -> None:
    asks_only = {"verify_webhook", "verify_with_endpoint", "preview_operation"}
    changing = [r for r in ROUTES if r.method != "GET" and r.name not in asks_only]
    assert not [r.name for r in changing if r.scope in {None, Scope.READ}]


@every(lambda route: route.scope is not None)
async def test_nobody(world: AdminWorld, route: Route) -> None:
    status, _ = await ask(await world.caller(), route, await make_objects(world, None))
    assert status == 401


@every(lambda route: route.scope is not None)
async def test_every_scope_of_an_operator_and_of_a_tenant(world: AdminWorld, route: Route) -> None:
    assert route.scope is not None
    for tenant in (None, ACME):
        for scope in Scope:
            caller = await world.caller(scope, tenant=tenant)
            status, raw = await ask(caller, route, await make_objects(world, tenant))
            for_operators = tenant is not None and route.operators_only
            if scope not in ALLOWED[route.scope] or for_operators:
                assert status == 403, (scope, tenant)
            else:
                assert 200 <= status < 300, (scope, tenant, raw)


@every(lambda route: owned(route) and not route.operators_only)
async def test_what_is_others_is_not_there(world: AdminWorld, route: Route) -> None:
    others = [await make_objects(world, owner) for owner in (None, GLOBEX)]
    await make_objects(world, ACME)
    caller = await world.caller(Scope.ADMIN, tenant=ACME)
    before = await _state(world)
    for objects in others:
        status, raw = await ask(caller, route, objects)
        assert status == 404, raw
    # As what nobody ever made.
    nothing = Objects({name: value[:-32] + "0" * 32 for name, value in others[0].ids.items()})
    assert (await ask(caller, route, nothing))[0] == 404
    assert await _state(world) == before


@every(lambda route: owned(route) and not route.operators_only)
async def test_a_mixture_of_own_and_others_is_not_there(world: AdminWorld, route: Route) -> None:
    mine, others = await make_objects(world, ACME), await make_objects(world, GLOBEX)
    caller = await world.caller(Scope.ADMIN, tenant=ACME)
    for name in OWNED & set(route.parameters):
        mixed = Objects(mine.ids | {name: others.ids[name]})
        status, raw = await ask(caller, route, mixed)
        assert status == 404, raw


@every(lambda route: not route.operators_only and route.scope is not None)
async def test_answers_name_nothing_of_others(world: AdminWorld, route: Route) -> None:
    others = [await make_objects(world, owner) for owner in (GLOBEX, None)]
    mine = await make_objects(world, ACME)
    status, raw = await ask(await world.caller(Scope.ADMIN, tenant=ACME), route, mine)
    assert 200 <= status < 300, raw
    foreign = {each.ids[name] for each in others for name in OWNED}
    assert not [one for one in foreign if one.encode() in raw]


@every(
    lambda route: (
        route.scope is not None
        and (route.method == "GET" or route.name.startswith(("test_", "verify_", "preview_")))
    )
)
async def test_looking_changes_nothing(world: AdminWorld, route: Route) -> None:
    objects = await make_objects(world, None)
    caller = await world.caller(Scope.ADMIN)
    before = await _state(world)
    await ask(caller, route, objects)
    assert await _state(world) == before


@every(lambda route: route.method != "GET" and not route.name.startswith(ASKS))
async def test_each_change_is_in_the_log_once(world: AdminWorld, route: Route) -> None:
    objects = await make_objects(world, None)
    caller = await world.caller(Scope.ADMIN)
    await ask(caller, route, objects)
    if route.name in {"enable_endpoint", "resume_operation"}:  # it was so all along
        assert list(await world.store.audit.list()) == []
        return
    (entry,) = await world.store.audit.list()
    assert entry.actor.startswith("key_")
    assert entry.object_id is not None


async def _state(world: AdminWorld) -> list[Any]:
    """What stands in the store, save when keys were used."""
    lists = world.store.lists
    endpoints = [
        await world.store.endpoints.get(one.id)
        for one in await world.store.endpoints.list(limit=100)
    ]
    return [
        endpoints,
        [*await lists.deliveries()],
        [*await lists.events()],
        [*await lists.notifications()],
        await world.store.audit.list(),
        [await world.store.feeds.consumers(one.id) for one in endpoints],
        [key.revoked_at_ms for key in await world.store.api_keys.list()],
    ]
