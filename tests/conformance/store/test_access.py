"""API keys, the audit log and events of a team's own, on each database."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

import pytest

from gateway.access import ApiKey, Scope, new_api_key
from gateway.errors import ConflictError, NotFoundError
from gateway.model import IdPrefix, new_id
from gateway.store import Store
from gateway.store.audit import AuditEntry
from gateway.store.outbox import Idempotency, IdempotencyConflictError
from tests.conformance.store.world import START_MS, World

DAY_MS = 24 * 3_600_000


def _key(at_ms: int = START_MS, **fields: object) -> ApiKey:
    key, _ = new_api_key(at_ms, name="ERP", scopes=[Scope.WRITE, Scope.READ])
    return replace(key, **fields)  # type: ignore[arg-type]


def _entry(world: World, action: str = "endpoint.update", **fields: object) -> AuditEntry:
    world.clock.at_ms += 1
    entry = AuditEntry(
        id=new_id(IdPrefix.AUDIT, world.clock.at_ms),
        at_ms=world.clock.at_ms,
        actor="key_1",
        action=action,
    )
    return replace(entry, **fields)  # type: ignore[arg-type]


async def test_all_of_a_key_is_kept(store: Store) -> None:
    assert not await store.api_keys.exist()
    key = _key(tenant="acme", expires_at_ms=9, last_used_at_ms=8)
    await store.api_keys.add(key)
    assert await store.api_keys.get(key.id) == key
    assert await store.api_keys.exist()
    with pytest.raises(ConflictError):
        await store.api_keys.add(key)


async def test_keys_are_listed_used_and_revoked(store: Store) -> None:
    keys = [_key(START_MS + n) for n in range(3)]
    for key in keys:
        await store.api_keys.add(key)
    assert list(await store.api_keys.list(after=keys[0].id, limit=1)) == [keys[1]]
    await store.api_keys.used(keys[0].id, 5)
    await store.api_keys.revoke(keys[0].id, 6)
    await store.api_keys.revoke(keys[0].id, 7)
    kept = await store.api_keys.get(keys[0].id)
    assert (kept.last_used_at_ms, kept.revoked_at_ms) == (5, 6)
    for work in (store.api_keys.get("key_0"), store.api_keys.revoke("key_0", 1)):
        with pytest.raises(NotFoundError, match="key_0"):
            await work


async def test_a_change_and_its_entry_stand_or_fall_together(world: World, store: Store) -> None:
    endpoint = await world.endpoint()
    entry = _entry(
        world,
        object_id=endpoint.id,
        tenant="acme",
        request_id="req_1",
        changes={"description": {"from": "", "to": "ERP"}},
    )
    await store.changing(entry).endpoints.update(replace(endpoint, description="ERP"))
    assert (await store.endpoints.get(endpoint.id)).description == "ERP"
    assert list(await store.audit.list()) == [entry]

    with pytest.raises(NotFoundError):
        await store.changing(_entry(world)).endpoints.delete("ep_none")
    with pytest.raises(ConflictError):
        await store.changing(_entry(world)).endpoints.add(endpoint)
    with pytest.raises(ConflictError):
        # The entry itself is refused, so the change is not made.
        await store.changing(entry).endpoints.delete(endpoint.id)
    assert (await store.endpoints.get(endpoint.id)).description == "ERP"
    assert list(await store.audit.list()) == [entry]


async def test_the_log_is_read_from_the_newest(world: World, store: Store) -> None:
    entries = [
        _entry(world, "key.create", object_id=f"key_{n % 2}", actor=f"cli:{n % 2}")
        for n in range(4)
    ]
    for entry in entries:
        await store.changing(entry).api_keys.add(_key(entry.at_ms))
    newest = entries[::-1]
    assert list(await store.audit.list(limit=2)) == newest[:2]
    assert list(await store.audit.list(after=newest[1].id)) == newest[2:]
    assert list(await store.audit.list(object_id="key_1")) == newest[::2]
    assert list(await store.audit.list(actor="cli:0", limit=1)) == [newest[1]]


async def test_an_event_of_ones_own_goes_the_way_of_all_events(world: World, store: Store) -> None:
    taken = await world.endpoint(events=["order.*"])
    await world.endpoint(events=["report.*"])
    event = world.event("order.packed")
    published = await store.outbox.publish(event)
    assert (published.event_id, published.deliveries, published.repeated) == (event.id, 1, False)
    (claimed,) = (await world.claim_deliveries()).items
    assert (claimed.endpoint_id, claimed.event_id, claimed.body) == (taken.id, event.id, event.body)


async def test_an_idempotency_key_publishes_once(world: World, store: Store) -> None:
    await world.endpoint()
    idempotency = Idempotency(key="k1", fingerprint=b"1")
    event = world.event()
    first = await store.outbox.publish(event, idempotency=idempotency)
    again = await store.outbox.publish(world.event(), idempotency=idempotency)
    assert (again.event_id, again.deliveries) == (first.event_id, 1)
    assert (first.repeated, again.repeated) == (False, True)
    with pytest.raises(IdempotencyConflictError):
        await store.outbox.publish(
            world.event(), idempotency=Idempotency(key="k1", fingerprint=b"2")
        )
    assert [e.id for e in await store.lists.events()] == [event.id]


async def test_what_was_not_published_now_is_not_logged(world: World, store: Store) -> None:
    for key, fingerprint in (("k1", b"1"), ("k1", b"1"), ("k1", b"2"), ("k2", b"1")):
        changing = store.changing(_entry(world, "event.publish"))
        with contextlib.suppress(IdempotencyConflictError):
            await changing.outbox.publish(
                world.event(), idempotency=Idempotency(key=key, fingerprint=fingerprint)
            )
    assert len(await store.audit.list()) == 2


async def test_many_at_once_under_one_key_publish_once(world: World, store: Store) -> None:
    idempotency = Idempotency(key="k1", fingerprint=b"1")
    published = await asyncio.gather(
        *(store.outbox.publish(world.event(), idempotency=idempotency) for _ in range(8))
    )
    assert len({one.event_id for one in published}) == 1
    assert sum(not one.repeated for one in published) == 1
    assert len(await store.lists.events()) == 1


async def test_idempotency_keys_are_forgotten_after_a_day(world: World, store: Store) -> None:
    for name in ("k1", "k2"):
        await store.outbox.publish(
            world.event(), idempotency=Idempotency(key=name, fingerprint=b"")
        )
    world.clock.at_ms += DAY_MS + 1
    again = await store.outbox.publish(
        world.event(), idempotency=Idempotency(key="k1", fingerprint=b"another")
    )
    assert not again.repeated
    assert await world.rows("SELECT key FROM idempotency_keys") == [("k1",)]
