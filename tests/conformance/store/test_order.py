"""Order per key: one delivery of a key at a time, the oldest first."""

from __future__ import annotations

import dataclasses
import random
from collections import defaultdict

from gateway.endpoints import Endpoint, PayloadForm
from gateway.model import ClaimedDelivery, DeliveryState, NewEvent
from tests.conformance.store.world import World


async def keeper(world: World, **fields: object) -> Endpoint:
    endpoint = dataclasses.replace(await world.endpoint(events=["order.*"]), ordered=True)
    endpoint = dataclasses.replace(endpoint, **fields)  # type: ignore[arg-type]
    await world.store.endpoints.update(endpoint)
    return endpoint


def event(world: World, key: str | None) -> NewEvent:
    world.clock.at_ms += 1
    return dataclasses.replace(world.event(), order_key=key)


async def owed(world: World, *keys: str | None) -> list[str]:
    events = [event(world, key) for key in keys]
    for one in events:
        await world.publish(one)
    return [one.id for one in events]


async def claimed(world: World) -> list[ClaimedDelivery]:
    return list((await world.claim_deliveries(limit=1000)).items)


def result(world: World, one: ClaimedDelivery, state: DeliveryState, **more: int):
    return dataclasses.replace(world.attempt(one, state, **more), order_key=one.order_key)


async def settle(world: World, one: ClaimedDelivery, state=DeliveryState.DELIVERED, **more) -> None:
    await world.store.deliveries.settle([result(world, one, state, **more)])


async def test_a_later_one_waits_until_the_earlier_is_delivered(world: World) -> None:
    await keeper(world)
    first, second, other = await owed(world, "A1:1", "A1:1", "A1:2")
    found = await claimed(world)
    assert {one.event_id for one in found} == {first, other}
    await settle(world, next(one for one in found if one.event_id == first))
    (then,) = await claimed(world)
    assert then.event_id == second


async def test_a_retry_keeps_its_place(world: World) -> None:
    await keeper(world)
    first, second = await owed(world, "k", "k")
    (head,) = await claimed(world)
    await settle(world, head, DeliveryState.PENDING, due_in_ms=60_000)
    assert await claimed(world) == []
    world.clock.at_ms += 60_000
    (again,) = await claimed(world)
    assert again.event_id == first
    await settle(world, again, DeliveryState.DEAD)
    (then,) = await claimed(world)
    assert then.event_id == second


async def test_events_of_one_transaction_keep_their_order(world: World) -> None:
    await keeper(world)
    events = [event(world, "k") for _ in range(20)]
    await world.publish(*events)
    seen = []
    while found := await claimed(world):
        (one,) = found
        seen.append(one.event_id)
        await settle(world, one)
    assert seen == [one.id for one in events]


async def test_without_order_or_without_a_key_nothing_waits(world: World) -> None:
    await keeper(world, ordered=False)
    await owed(world, "k", "k", "k")
    assert len(await claimed(world)) == 3
    await keeper(world)
    await owed(world, None, None)
    assert len(await claimed(world)) == 4


async def test_the_wait_is_bounded_where_the_endpoint_says_so(world: World) -> None:
    await keeper(world, order_max_wait_s=60.0)
    first, second, third = await owed(world, "k", "k", "k")
    (head,) = await claimed(world)
    await settle(world, head, DeliveryState.PENDING, due_in_ms=3_600_000)
    world.clock.at_ms += 50_000
    await keep_order(world)
    assert await claimed(world) == []
    world.clock.at_ms += 20_000
    await keep_order(world)
    (then,) = await claimed(world)
    assert then.event_id == second
    # One in flight is never passed.
    await keep_order(world)
    assert await claimed(world) == []
    await settle(world, then)
    (last,) = await claimed(world)
    assert last.event_id == third
    await settle(world, last)
    world.clock.at_ms += 3_600_000
    (late,) = await claimed(world)
    assert late.event_id == first


async def keep_order(world: World) -> None:
    for _ in range(100):
        if await world.store.deliveries.keep_order() < 0:
            return
    raise AssertionError("it never came round")


async def test_order_holds_over_disabling_and_enabling(world: World) -> None:
    endpoint = await keeper(world)
    ids = await owed(world, "k", "k", "k")
    (head,) = await claimed(world)
    gone = dataclasses.replace(result(world, head, DeliveryState.HELD), disable_endpoint="gone")
    await world.store.deliveries.settle([gone])
    ids += await owed(world, "k")
    while await world.store.deliveries.hold_disabled():
        pass
    await keep_order(world)
    assert await claimed(world) == []
    stored = await world.store.endpoints.get(endpoint.id)
    await world.store.endpoints.update(
        dataclasses.replace(stored, state=endpoint.state, disabled_reason=None)
    )
    while await world.store.deliveries.hold_disabled():
        pass
    seen = []
    for _ in range(len(ids)):
        await keep_order(world)
        (one,) = await claimed(world)
        seen.append(one.event_id)
        await settle(world, one)
    assert seen == ids


async def test_turning_order_off_frees_what_waits(world: World) -> None:
    endpoint = await keeper(world)
    await owed(world, "k", "k", "k")
    await world.store.endpoints.update(dataclasses.replace(endpoint, ordered=False))
    await keep_order(world)
    assert len(await claimed(world)) == 3


async def test_what_waits_is_cancelled_with_its_endpoint(world: World) -> None:
    endpoint = await keeper(world)
    await owed(world, "k", "k", "k")
    await world.store.endpoints.delete(endpoint.id)
    while await world.store.deliveries.hold_disabled():
        pass
    await keep_order(world)
    rows = await world.rows("SELECT DISTINCT state FROM deliveries")
    assert rows == [("cancelled",)]


async def test_at_most_one_of_a_key_is_in_flight_whatever_happens(world: World) -> None:
    endpoints = [await keeper(world), await keeper(world, order_max_wait_s=30.0)]
    chance = random.Random(7)
    in_flight: dict[str, ClaimedDelivery] = {}
    done: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    published: list[str] = []
    for _ in range(120):
        if chance.random() < 0.4:
            published += await owed(world, chance.choice(["a", "b", "c"]))
        for one in await claimed(world):
            in_flight[one.id] = one
        keys = [(o.endpoint_id, o.order_key) for o in in_flight.values() if o.order_key is not None]
        assert len(keys) == len(set(keys))
        for one in list(in_flight.values()):
            state = chance.choice(
                [None, DeliveryState.DELIVERED, DeliveryState.PENDING, DeliveryState.DEAD]
            )
            if state is None:
                continue
            del in_flight[one.id]
            due = {"due_in_ms": chance.choice([0, 5_000])} if state is DeliveryState.PENDING else {}
            await settle(world, one, state, **due)
            if state is not DeliveryState.PENDING:
                done[one.endpoint_id, str(one.order_key)].append(one.event_id)
        world.clock.at_ms += 1_000
        if chance.random() < 0.3:
            await keep_order(world)
    strict = [ids for (endpoint, _), ids in done.items() if endpoint == endpoints[0].id]
    assert sum(map(len, strict)) > 10
    assert all(ids == sorted(ids) for ids in strict)


# ── thin form, sending again, maximum age ────────────────────────────────────────────────────────


async def test_each_delivery_keeps_the_form_it_was_made_in(world: World) -> None:
    endpoint = await keeper(world, payload=PayloadForm.THIN, ordered=False)
    full = await world.endpoint(events=["order.*"])
    await owed(world, "k")
    bodies = {one.endpoint_id: one.body for one in await claimed(world)}
    assert bodies[full.id] == b'{"type":"order.changed"}'
    (row,) = await world.rows("SELECT id, occurred_at_ms FROM events")
    assert b'"url":"/v1/events/' + str(row[0]).encode() in bodies[endpoint.id]
    assert bodies[endpoint.id].startswith(b'{"type":"order.changed","timestamp":"20')
    await world.store.endpoints.update(dataclasses.replace(endpoint, payload=PayloadForm.FULL))
    await world.store.deliveries.release_all()
    again = {one.endpoint_id: one.body for one in await claimed(world)}
    assert again == bodies


async def test_no_thin_form_is_kept_where_nobody_takes_it(world: World) -> None:
    await world.endpoint(events=["order.*"])
    await owed(world, None)
    assert await world.rows("SELECT thin_body FROM events") == [(None,)]


async def test_a_resend_has_a_whole_budget_from_any_state(world: World) -> None:
    await world.endpoint(events=["order.*"])
    await owed(world, *[None] * 4)
    delivered, dead, waiting, leased = await claimed(world)
    await settle(world, delivered)
    await settle(world, dead, DeliveryState.DEAD)
    await settle(world, waiting, DeliveryState.PENDING, due_in_ms=3_600_000)
    world.clock.at_ms += 1_000
    wanted = [delivered.id, dead.id, waiting.id, leased.id, "dlv_none"]
    resent = await world.store.deliveries.resend(wanted)
    assert resent.ids == {delivered.id, dead.id, waiting.id}
    assert set(resent.refused) == {leased.id, "dlv_none"}
    found = {one.id: one for one in await claimed(world)}
    assert set(found) == resent.ids
    for one in found.values():
        assert (one.attempts, one.attempts_before) == (1, 1)
        assert one.resent_at_ms == world.clock.at_ms
    view = (await world.store.queries.delivery(delivered.id)).delivery
    assert (view.ended_at_ms, view.attempts_before) == (None, 1)


async def test_nothing_is_sent_again_to_an_endpoint_that_is_off(world: World) -> None:
    endpoint = await world.endpoint(events=["order.*"])
    await owed(world, None, None)
    one, other = await claimed(world)
    await settle(world, one)
    stored = await world.store.endpoints.get(endpoint.id)
    gone = dataclasses.replace(result(world, other, DeliveryState.HELD), disable_endpoint="gone")
    await world.store.deliveries.settle([gone])
    refused = (await world.store.deliveries.resend([one.id])).refused
    assert "disabled" in refused[one.id]
    await world.store.endpoints.delete(stored.id)
    assert "gone" in (await world.store.deliveries.resend([one.id])).refused[one.id]


async def test_a_delivery_given_up_without_an_attempt_says_why(world: World) -> None:
    await world.endpoint(events=["order.*"])
    await owed(world, None)
    (one,) = await claimed(world)
    given_up = dataclasses.replace(
        result(world, one, DeliveryState.DEAD), attempt=None, reason="too old"
    )
    await world.store.deliveries.settle([given_up])
    detail = await world.store.queries.delivery(one.id)
    assert (detail.delivery.state, detail.delivery.reason) == (DeliveryState.DEAD, "too old")
    assert (detail.delivery.attempts, detail.attempts) == (0, [])
