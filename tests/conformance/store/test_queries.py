from __future__ import annotations

import pytest

from gateway.errors import NotFoundError
from gateway.model import DeliveryState, HandlingState, NotificationState, Owed
from gateway.store import Store
from tests.conformance.store.world import World


async def test_pages_run_from_the_newest_and_join(world: World, store: Store) -> None:
    ids = []
    for _ in range(5):
        arrival = world.arrival()
        await world.accept(arrival)
        ids.append(arrival.id)
    first = await store.lists.notifications(limit=2)
    second = await store.lists.notifications(limit=9, after=first[-1].id)
    assert [n.id for n in (*first, *second)] == ids[::-1]


async def test_filters(world: World, store: Store) -> None:
    await world.endpoint()
    await world.accept(world.arrival(seller="A1"), world.arrival(seller="A2", owed=()))
    queries, lists = store.queries, store.lists
    assert len(await lists.notifications(seller_id="A2")) == 1
    assert len(await lists.notifications(notification_type="ORDER_CHANGE")) == 2
    assert not await lists.notifications(notification_type="X")
    assert len(await lists.notifications(state=NotificationState.IGNORED)) == 1
    assert len(await lists.handlings(state=HandlingState.PENDING)) == 1
    assert not await lists.handlings(handler="none")
    (claimed,) = (await world.claim()).items
    await world.settle(world.result(claimed, events=[world.event(), world.event("b", "A2")]))
    assert len(await lists.events(event_type="b")) == 1
    assert len(await lists.events(seller_id="A1")) == 1
    (event,) = await lists.events(event_type="b")
    detail = await queries.event(event.id)
    assert (detail.event, detail.body) == (event, b'{"type":"order.changed"}')
    (delivery,) = detail.deliveries
    assert delivery.event_type == "b"
    assert len(await lists.deliveries(state=DeliveryState.PENDING)) == 2
    assert len(await lists.deliveries(endpoint_id=delivery.endpoint_id)) == 2
    assert not await lists.deliveries(endpoint_id="ep_none")
    detail_of = await queries.delivery(delivery.id)
    assert (detail_of.delivery, list(detail_of.attempts)) == (delivery, [])
    (handling,) = (await queries.notification(claimed.notification.id)).handlings
    assert (handling.state, handling.seller_id) == (HandlingState.HANDLED, "A1")


async def test_quarantine_is_listed(world: World, store: Store) -> None:
    item = world.unreadable(body=b"\xff\xfe")
    await world.accept(item)
    (view,) = await store.lists.quarantine()
    assert (view.id, view.reason, view.size_bytes) == (item.id, "no JSON", 2)
    assert not await store.lists.quarantine(after=view.id)


@pytest.mark.parametrize("noun", ["notification", "event", "delivery", "quarantined_body"])
async def test_what_is_missing_is_named(store: Store, noun: str) -> None:
    with pytest.raises(NotFoundError, match="x_1"):
        await getattr(store.queries, noun)("x_1")


async def test_counts(world: World, store: Store) -> None:
    await world.endpoint()
    counts = await store.queries.counts()
    assert (counts.handlings.pending, counts.deliveries.pending, counts.quarantined) == (0, 0, 0)
    assert counts.handlings.oldest_ready_ms is None
    await world.accept(world.unreadable())
    for _ in range(4):
        await world.accept(world.arrival())
    await world.accept(world.arrival(owed=[Owed(handler="h", key="k")]))
    await world.accept(world.arrival(owed=[Owed(handler="h", key="k")]))
    done, later, dead = (await world.claim(3)).items
    await world.settle(
        world.result(done, events=[world.event()]),
        world.result(later, HandlingState.PENDING, due_in_ms=9_000),
        world.result(dead, HandlingState.DEAD, error="x"),
    )
    assert len((await world.claim(1)).items) == 1
    oldest_ms = world.clock.at_ms
    counts = await store.queries.counts()
    work = counts.handlings
    assert (work.ready, work.waiting, work.parked, work.leased) == (1, 1, 1, 1)
    assert (work.dead, work.held, work.pending) == (1, 0, 3)
    assert work.oldest_ready_ms is not None
    assert work.oldest_ready_ms <= oldest_ms
    assert (counts.deliveries.ready, counts.quarantined) == (1, 1)
