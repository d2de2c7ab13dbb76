"""Feeds that are pulled, on each database: nothing is missed, in an order that stays."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from gateway.endpoints import Endpoint, EndpointState, Transport
from gateway.errors import InvalidInputError, NotFoundError
from gateway.model import IdPrefix, NewEvent, new_id
from gateway.store import Store
from gateway.store.feeds import FEEDS_TOPIC, FeedPage
from gateway.store.publishing import Publication
from gateway.store.statements import Plan
from tests.conformance.store.world import RecordedSignals, World


async def _pulled(world: World, transport: Transport = Transport.PULL, *events: str) -> Endpoint:
    endpoint = await world.endpoint(events=events)
    await world.store.endpoints.update(replace(endpoint, transport=transport))
    return endpoint


async def _publish(world: World, kind: str = "order.changed", *, at_ms: int = 0) -> NewEvent:
    world.clock.at_ms += 1
    event = world.event(kind)
    if at_ms:
        event = replace(event, id=new_id(IdPrefix.EVENT, at_ms))
    await world.store.outbox.publish(event)
    return event


async def _read(
    world: World, endpoint: Endpoint, after: int | None = None, limit: int = 100, by: str = "a"
) -> FeedPage:
    return await world.store.feeds.read(endpoint.id, by, after=after, limit=limit)


def _ids(page: FeedPage) -> list[str]:
    return [item.id for item in page.items]


async def test_events_are_read_in_order_until_they_are_acknowledged(
    world: World, store: Store
) -> None:
    endpoint = await _pulled(world)
    assert await _read(world, endpoint) == FeedPage(items=[], position=0)
    events = [await _publish(world) for _ in range(5)]
    ids = [event.id for event in events]

    first = await _read(world, endpoint, limit=3)
    assert _ids(first) == ids[:3]
    assert first.items[0].body == events[0].body
    assert _ids(await _read(world, endpoint, limit=3)) == ids[:3]
    ahead = await _read(world, endpoint, after=first.position)
    assert _ids(ahead) == ids[3:]

    assert await store.feeds.acknowledge(endpoint.id, "a", first.position) == first.position
    assert _ids(await _read(world, endpoint)) == ids[3:]
    assert _ids(await _read(world, endpoint, by="b")) == ids
    assert await store.feeds.acknowledge(endpoint.id, "a", 1) == first.position
    await store.feeds.acknowledge(endpoint.id, "a", ahead.position)
    assert await _read(world, endpoint) == FeedPage(items=[], position=ahead.position)


async def test_what_is_committed_late_comes_later_instead_of_never(world: World) -> None:
    endpoint = await _pulled(world)
    newer = await _publish(world)
    seen = await _read(world, endpoint)
    older = await _publish(world, at_ms=world.clock.at_ms - 60_000)
    assert older.id < newer.id
    late = await _read(world, endpoint, after=seen.position)
    assert (_ids(seen), _ids(late)) == ([newer.id], [older.id])


async def test_a_position_that_nobody_was_handed_is_refused(world: World, store: Store) -> None:
    endpoint = await _pulled(world)
    with pytest.raises(InvalidInputError):
        await store.feeds.acknowledge(endpoint.id, "a", 1)
    await _publish(world)
    with pytest.raises(InvalidInputError):
        await store.feeds.acknowledge(endpoint.id, "a", 1)
    await _read(world, endpoint)
    assert await store.feeds.acknowledge(endpoint.id, "a", 1) == 1
    assert await store.feeds.acknowledge(endpoint.id, "b", 0) == 0


async def test_who_pulls_is_not_pushed_to_unless_both_are_wanted(
    world: World, store: Store, signals: RecordedSignals
) -> None:
    pulled = await _pulled(world, Transport.PULL, "order.*")
    both = await _pulled(world, Transport.BOTH, "order.*")
    pushed = await _pulled(world, Transport.PUSH, "order.*")
    disabled = await _pulled(world, Transport.PULL, "order.*")
    await store.endpoints.update(
        replace(disabled, transport=Transport.PULL, state=EndpointState.DISABLED)
    )
    signals.topics.clear()
    event = await _publish(world)
    assert FEEDS_TOPIC in signals.topics
    claims = await world.claim_deliveries()
    assert {one.endpoint_id for one in claims.items} == {both.id, pushed.id}
    for endpoint, expected in ((pulled, [event.id]), (both, [event.id]), (pushed, []),
                               (disabled, [event.id])):  # fmt: skip
        assert _ids(await _read(world, endpoint)) == expected
    await _publish(world, "report.ready")
    assert _ids(await _read(world, pulled)) == [event.id]


async def test_consumers_are_told_how_far_they_are(world: World, store: Store) -> None:
    endpoint = await _pulled(world)
    for _ in range(3):
        await _publish(world)
    page = await _read(world, endpoint, limit=2)
    await store.feeds.acknowledge(endpoint.id, "b", page.position)
    await store.feeds.acknowledge(endpoint.id, "a", 0)
    await _publish(world)
    first, second = await store.feeds.consumers(endpoint.id)
    assert (first.name, first.position, first.behind) == ("a", 0, 4)
    assert (second.name, second.position, second.behind) == ("b", 2, 2)
    assert second.acknowledged_at_ms == world.clock.at_ms - 1
    await store.feeds.forget(endpoint.id, "a")
    with pytest.raises(NotFoundError):
        await store.feeds.forget(endpoint.id, "a")


async def test_old_entries_are_dropped_and_positions_go_on(world: World, store: Store) -> None:
    endpoint = await _pulled(world)
    for _ in range(3):
        await _publish(world)
    seen = await _read(world, endpoint)
    await store.feeds.acknowledge(endpoint.id, "a", seen.position)
    world.clock.at_ms += 1_000
    assert await store.feeds.prune(world.clock.at_ms, limit=2) == 2
    assert await store.feeds.prune(world.clock.at_ms) == 1
    new = await _publish(world)
    assert _ids(await _read(world, endpoint)) == [new.id]


async def test_an_event_that_is_gone_stops_nobody(world: World, store: Store) -> None:
    endpoint = await _pulled(world)
    gone, kept = await _publish(world), await _publish(world)
    await _read(world, endpoint)
    await world.change("DELETE FROM events WHERE id = $1", gone.id)
    page = await _read(world, endpoint, limit=1)
    assert (_ids(page), page.position) == ([], 1)
    assert _ids(await _read(world, endpoint, after=page.position)) == [kept.id]


async def test_a_deleted_endpoint_leaves_no_consumers(world: World, store: Store) -> None:
    endpoint, other = await _pulled(world), await _pulled(world)
    await _publish(world)
    for one in (endpoint, other):
        page = await _read(world, one)
        await store.feeds.acknowledge(one.id, "a", page.position)
    await store.endpoints.delete(endpoint.id)
    assert await store.feeds.consumers(endpoint.id) == []
    assert [c.name for c in await store.feeds.consumers(other.id)] == ["a"]
    assert await world.rows("SELECT endpoint_id FROM feeds") == [(other.id,)]


async def test_many_writers_and_readers_miss_and_repeat_nothing(world: World, store: Store) -> None:
    """Readers look while events are committed in any order, by transactions that overlap."""
    endpoint = await _pulled(world)
    chance = random.Random(7)
    made: set[str] = set()
    start_ms = world.clock.at_ms

    async def write(count: int) -> None:
        for _ in range(count):
            batch = [
                replace(world.event(), id=new_id(IdPrefix.EVENT, start_ms + chance.randrange(9)))
                for _ in range(chance.randrange(1, 4))
            ]
            await _publish_slowly(store, batch, chance.random() / 200)
            made.update(event.id for event in batch)

    async def read(by: str) -> Sequence[str]:
        seen: list[str] = []
        while not writers.done() or (await _read(world, endpoint, by=by)).items:
            page = await _read(world, endpoint, limit=5, by=by)
            seen += _ids(page)
            await store.feeds.acknowledge(endpoint.id, by, page.position)
        return seen

    writers = asyncio.gather(*(write(12) for _ in range(4)))
    one, two, _ = await asyncio.gather(read("one"), read("two"), writers)
    assert len(one) == len(set(one))
    assert set(one) == made
    assert one == two


async def _publish_slowly(store: Store, events: Sequence[NewEvent], pause_s: float) -> None:
    def plan() -> Plan[int]:
        return (yield from store._publisher.publish([Publication(event=e) for e in events], 1))

    await asyncio.sleep(pause_s)
    await store._driver.write(plan)
