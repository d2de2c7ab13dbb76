"""The one way data flows, through the store."""

from __future__ import annotations

from gateway.model import HandlingState, Owed, Verdict
from tests.conformance.store.world import HANDLER, RecordedSignals, World


async def test_a_notification_becomes_a_delivery(world: World, signals: RecordedSignals) -> None:
    endpoint = await world.endpoint(events=["order.*"])
    arrival = world.arrival("n1", body=b'{"x":1}')
    assert await world.accept(arrival) == [Verdict.ACCEPTED]
    assert signals.topics[-1] == "handlings"

    claims = await world.claim()
    (claimed,) = claims.items
    assert claimed.notification.identity == "n1"
    assert claimed.notification.body == b'{"x":1}'
    assert (claimed.tries, claimed.claims, claimed.run) == (0, 1, 0)
    assert (await world.claim()).items == []

    event = world.event()
    settled = await world.settle(world.result(claimed, events=[event]))
    assert (settled.stale, settled.events, settled.deliveries) == (frozenset(), 1, 1)
    assert signals.topics[-1] == "deliveries"

    (delivery,) = (await world.claim_deliveries()).items
    assert (delivery.endpoint_id, delivery.event_id) == (endpoint.id, event.id)
    assert (delivery.body, delivery.event_type) == (event.body, "order.changed")
    assert not (await world.store.deliveries.settle([world.attempt(delivery)])).stale
    assert (await world.claim_deliveries()).items == []


async def test_coalesced_changes_cost_one_run(world: World) -> None:
    ids = [await world.keyed("order-1", at=n) for n in (5, 9, 7)]
    (claimed,) = (await world.claim()).items
    assert claimed.notification.id == ids[1]
    later = await world.keyed("order-1", at=11)
    assert (await world.claim()).items == []
    await world.settle(world.result(claimed))
    (claimed,) = (await world.claim()).items
    assert claimed.notification.id == later


async def test_a_retry_waits_until_it_is_due(world: World) -> None:
    await world.accept(world.arrival(owed=[Owed(handler=HANDLER)]))
    (claimed,) = (await world.claim()).items
    again = world.result(claimed, HandlingState.PENDING, due_in_ms=5_000, tries=1, error="x")
    await world.settle(again)
    claims = await world.claim()
    assert (claims.items, claims.next_due_ms) == ([], again.due_at_ms)
    world.clock.at_ms += 5_000
    (claimed,) = (await world.claim()).items
    assert (claimed.tries, claimed.claims) == (1, 1)
