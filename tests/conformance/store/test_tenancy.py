"""What a tenant sees, on each database."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.endpoints import Endpoint
from gateway.errors import ConflictError, NotFoundError
from gateway.model import DeliveryState, NewEvent
from gateway.store import Store
from gateway.store.tenancy import Tenancy
from tests.conformance.store.test_endpoints import _secret
from tests.conformance.store.world import World


async def _of(world: World, tenant: str | None, *events: str) -> Endpoint:
    endpoint = await world.endpoint(events=events, secrets=[_secret(f"sec_{tenant}{events}")])
    endpoint = replace(endpoint, tenant=tenant)
    await world.store.endpoints.update(endpoint)
    return endpoint


async def _publish(world: World, kind: str) -> NewEvent:
    world.clock.at_ms += 1
    event = world.event(kind)
    await world.store.outbox.publish(event)
    return event


async def test_endpoints_of_a_tenant(world: World, store: Store) -> None:
    acme = [await _of(world, "acme", f"a{n}") for n in range(3)]
    await _of(world, "globex", "g")
    nobodys = await _of(world, None, "n")
    first = await store.endpoints.list(tenant="acme", limit=2)
    rest = await store.endpoints.list(tenant="acme", limit=2, after=first[-1].id)
    assert [e.id for e in (*first, *rest)] == [e.id for e in acme]
    assert await store.tenancy.endpoint_ids("acme") == {e.id for e in acme}
    assert await store.tenancy.owns_endpoint("acme", acme[0].id)
    assert not await store.tenancy.owns_endpoint("globex", acme[0].id)
    assert not await store.tenancy.owns_endpoint("acme", nobodys.id)


async def test_events_and_deliveries_of_a_tenant(world: World, store: Store) -> None:
    acme = await _of(world, "acme", "both.*", "acme.*")
    globex = await _of(world, "globex", "both.*")
    kinds = ("both.a", "acme.b", "none.c", "both.d")
    events = {kind: await _publish(world, kind) for kind in kinds}

    found = await store.tenancy.events(after=None, limit=9, tenant="acme")
    assert [e.type for e in found.items] == ["both.d", "acme.b", "both.a"]
    assert found.after is None
    found = await store.tenancy.events(after=None, limit=9, tenant="globex")
    assert [e.type for e in found.items] == ["both.d", "both.a"]
    everything = await store.tenancy.events(after=None, limit=9)
    assert [e.type for e in everything.items] == list(kinds[::-1])
    assert not await store.tenancy.sees_event("globex", events["acme.b"].id)
    assert await store.tenancy.sees_event("acme", events["acme.b"].id)

    deliveries = await store.tenancy.deliveries(after=None, limit=9, tenant="globex")
    assert {d.endpoint_id for d in deliveries.items} == {globex.id}
    assert len(deliveries.items) == 2
    one = await store.tenancy.deliveries(
        after=None, limit=9, tenant="acme", endpoint_id=acme.id, event_id=events["both.a"].id
    )
    assert [d.event_id for d in one.items] == [events["both.a"].id]
    for other in (
        {"endpoint_id": globex.id},
        {"state": DeliveryState.DEAD},
        {"event_id": events["none.c"].id},
    ):
        none = await store.tenancy.deliveries(after=None, limit=9, tenant="acme", **other)  # type: ignore[arg-type]
        assert none.items == []


async def test_pages_go_on_through_what_is_others(world: World, store: Store) -> None:
    await _of(world, "acme", "acme.*")
    await _of(world, "globex", "globex.*")
    wanted = []
    for n in range(12):
        kind = "acme.x" if n % 5 == 0 else "globex.x"
        event = await _publish(world, kind)
        wanted += [event.id] if kind == "acme.x" else []
    narrow = Tenancy(store._driver, scanned=4)
    for limit in (1, 2, 4, 9):
        found, after, pages = [], None, 0
        while True:
            page = await narrow.events(after=after, limit=limit, tenant="acme")
            found += [event.id for event in page.items]
            after, pages = page.after, pages + 1
            if after is None:
                break
        assert found == wanted[::-1]
        assert pages <= 12


async def test_who_changes_an_old_copy_is_told(world: World, store: Store) -> None:
    endpoint = await world.endpoint()
    since = endpoint.updated_at_ms
    await store.endpoints.update(replace(endpoint, description="a"), unless_changed_since=since)
    with pytest.raises(ConflictError, match="meanwhile"):
        await store.endpoints.update(replace(endpoint, description="b"), unless_changed_since=since)
    kept = await store.endpoints.get(endpoint.id)
    assert kept.description == "a"
    assert kept.updated_at_ms > since
    with pytest.raises(NotFoundError):
        await store.endpoints.update(replace(endpoint, id="ep_x"), unless_changed_since=since)


async def test_a_rotated_secret_leaves_an_overlap(world: World, store: Store) -> None:
    old, ended, other = _secret("sec_1"), _secret("sec_2"), _secret("sec_3")
    endpoint = await world.endpoint(
        secrets=[old, replace(ended, expires_at_ms=5), replace(other, kind="v1a")]
    )
    version = await store.endpoints.version()
    await store.endpoints.rotate_secret(endpoint.id, _secret("sec_4"), expire_others_at_ms=99)
    kept = (await store.endpoints.get(endpoint.id)).secrets
    assert {s.id: s.expires_at_ms for s in kept} == {
        "sec_1": 99,
        "sec_2": 5,
        "sec_3": None,
        "sec_4": None,
    }
    assert await store.endpoints.version() != version
    with pytest.raises(NotFoundError):
        await store.endpoints.rotate_secret("ep_x", _secret("sec_5"), expire_others_at_ms=99)


async def test_the_health_of_one_endpoint(world: World, store: Store) -> None:
    endpoint = await world.endpoint()
    assert (await store.queries.health_of(endpoint.id)).endpoint_id == endpoint.id
    with pytest.raises(NotFoundError):
        await store.queries.health_of("ep_x")
