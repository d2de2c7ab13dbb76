"""Operations on both databases: each selected thing is done once, wherever the process died."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from gateway.endpoints import Endpoint, PayloadForm, Transport
from gateway.errors import ConflictError, NotFoundError
from gateway.identifiers import ReferenceKind
from gateway.model import Arrival, DeliveryState, Envelope, HandlingState, Owed, Verdict
from gateway.operations import Operation, OperationKind, OperationState, Selection
from gateway.replay.redeliveries import RedeliveryWork
from gateway.replay.replays import ReplayWork
from gateway.replay.runner import OperationRunner
from gateway.replay.starting import new_operation, preview
from gateway.store import Store
from tests.conformance.store.world import HANDLER, START_MS, World
from tests.support.world import pricing_health

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def owed(envelope: Envelope) -> Sequence[Owed]:
    del envelope
    return [Owed(handler=HANDLER)]


class Bulk:
    """Operations in a store, and processes that run them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.owed = owed

    def selection(self, **members: Any) -> Selection:
        span = {"from_ms": START_MS, "to_ms": self.world.clock.at_ms + 1}
        return Selection(**(span | members))

    async def start(
        self, kind: OperationKind = OperationKind.REPLAY, *, concurrency: int = 200, **members: Any
    ) -> Operation:
        operation = new_operation(
            kind, self.selection(**members), self.world.clock.at_ms, concurrency=concurrency
        )
        self.world.clock.at_ms += 1
        await self.world.store.operations.start(operation)
        return operation

    def works(self) -> dict[OperationKind, Any]:
        redeliveries = RedeliveryWork(self.world.store.redeliveries)
        return {
            OperationKind.REPLAY: ReplayWork(self.world.store.replays, self.owed, self.owed),
            OperationKind.REDELIVER: redeliveries,
            OperationKind.BACKFILL: redeliveries,
        }

    def process(self) -> OperationRunner:
        return OperationRunner(self.world.store.operations, self.works(), self.world.clock)

    async def handle_all(self, state: HandlingState = HandlingState.HANDLED, **how: Any) -> int:
        count = 0
        while claimed := (await self.world.claim()).items:
            await self.world.settle(*(self.world.result(one, state, **how) for one in claimed))
            count += len(claimed)
        return count

    async def runs(self) -> list[tuple[object, ...]]:
        return await self.world.rows(
            "SELECT notification_id, run, replayed_from FROM handlings ORDER BY notification_id, run"
        )

    async def look(self, operation: Operation) -> Operation:
        return await self.world.store.operations.get(operation.id)


@pytest.fixture
def bulk(world: World) -> Bulk:
    return Bulk(world)


async def taken_in(world: World, count: int, **members: Any) -> list[str]:
    arrivals = [world.arrival(**members) for _ in range(count)]
    await world.accept(*arrivals)
    return [one.id for one in arrivals]


async def test_each_is_handled_again_once_and_says_of_what(bulk: Bulk, world: World) -> None:
    ids = await taken_in(world, 5)
    await bulk.handle_all()
    live = {row[0]: row[0] for row in await world.rows("SELECT id FROM handlings")}
    operation = await bulk.start()
    later = await taken_in(world, 1)  # after the operation began: none of its business
    process = bulk.process()
    await process.tick()
    assert (await bulk.look(operation)).state is OperationState.RUNNING
    assert await bulk.handle_all() == 6
    await process.tick()
    rows = await bulk.runs()
    assert [(row[0], row[1]) for row in rows] == [
        *((one, run) for one in ids for run in (0, 1)),
        (later[0], 0),
    ]
    assert {row[2] for row in rows if row[1] == 1} == set(live)
    told = [step.details for step in await world.store.traces.trace(ids[0]) if step.what == "owed"]
    assert [(one["run"], one["operation_id"]) for one in told] == [(0, None), (1, operation.id)]
    ended = await bulk.look(operation)
    assert (ended.state, ended.looked, ended.done) == (OperationState.FINISHED, 5, 5)
    assert await world.store.operations.outcome(operation.id) == {"handled": 5}
    await process.tick()
    assert await bulk.runs() == rows


async def test_processes_that_die_between_any_steps_miss_and_repeat_nothing(
    bulk: Bulk, world: World
) -> None:
    ids = await taken_in(world, 60)
    await bulk.handle_all()
    operation = await bulk.start(concurrency=7)
    while (await bulk.look(operation)).state is OperationState.RUNNING:
        await bulk.process().tick()  # and dies with its lease
        await bulk.process().tick()  # comes too early, and does nothing
        await bulk.handle_all()
        world.clock.at_ms += 10_001
    again = [row[0] for row in await bulk.runs() if row[1] == 1]
    assert again == ids
    assert {row[1] for row in await bulk.runs()} == {0, 1}


async def test_a_process_that_lost_its_lease_does_nothing(bulk: Bulk, world: World) -> None:
    await taken_in(world, 3)
    await bulk.handle_all()
    operation = await bulk.start()
    (held,) = await world.store.operations.claim(1, lease_ms=10)
    world.clock.at_ms += 11
    assert await world.store.operations.claim(2, lease_ms=10_000)
    work = bulk.works()[OperationKind.REPLAY]
    step = await work.step(held, 1, 100, world.clock.at_ms)
    assert (step.lost, step.moved) == (True, False)
    assert {row[1] for row in await bulk.runs()} == {0}
    step = await work.step(held, 2, 100, world.clock.at_ms)
    assert (step.lost, step.done) == (False, 3)
    # The cursor has moved: what is asked for twice is done once.
    assert (await work.step(held, 2, 100, world.clock.at_ms)).lost
    assert (await bulk.look(operation)).done == 3


async def test_only_what_is_dead_is_handled_again(bulk: Bulk, world: World) -> None:
    await taken_in(world, 2)
    await bulk.handle_all()
    dead = await taken_in(world, 2)
    await bulk.handle_all(HandlingState.DEAD, error="a defect")
    operation = await bulk.start(state="dead")
    await bulk.process().tick()
    assert [row[0] for row in await bulk.runs() if row[1] == 1] == dead
    assert (await bulk.look(operation)).looked == 2
    await bulk.handle_all()
    world.clock.at_ms += 20_000
    await bulk.start(state="dead")  # the newest run counts: none is dead any more
    await bulk.process().tick()
    assert max(int(str(row[1])) for row in await bulk.runs()) == 1


async def test_what_was_ignored_finds_the_handler_that_there_is_now(
    bulk: Bulk, world: World
) -> None:
    (ignored,) = await taken_in(world, 1, owed=())
    await bulk.start(state="ignored")
    await bulk.process().tick()
    assert await bulk.runs() == [(ignored, 1, ignored)]
    detail = await world.store.queries.notification(ignored)
    assert detail.notification.state == "accepted"


async def test_what_is_selected_by_seller_type_and_handler(bulk: Bulk, world: World) -> None:
    await taken_in(world, 2, seller="A1")
    wanted = await taken_in(world, 2, seller="A2")
    await bulk.handle_all()
    for members in ({"seller_id": "A2"}, {"handler": "other"}, {"notification_type": "OTHER"}):
        await bulk.start(**members)
    await bulk.process().tick()
    assert [row[0] for row in await bulk.runs() if row[1] == 1] == wanted


async def test_what_is_still_at_work_is_left_to_that(bulk: Bulk, world: World) -> None:
    await taken_in(world, 1)
    operation = await bulk.start()
    await bulk.process().tick()
    ended = await bulk.look(operation)
    assert (ended.done, ended.skipped, ended.state) == (0, 1, OperationState.FINISHED)
    assert [row[1] for row in await bulk.runs()] == [0]


async def test_replays_of_one_key_wait_for_each_other(bulk: Bulk, world: World) -> None:
    bulk.owed = lambda _: [Owed(handler=HANDLER, key="902-1")]
    for at in (2, 1, 3):
        await world.keyed("902-1", coalesce=False, at=at)
    await bulk.handle_all()
    await bulk.start()
    await bulk.process().tick()
    order = []
    while claimed := (await world.claim()).items:
        assert len(claimed) == 1
        order.append(claimed[0].notification.event_time_ms)
        await world.settle(world.result(claimed[0]))
    assert order == [START_MS + 1, START_MS + 2, START_MS + 3]


async def test_messages_in_quarantine_are_read_again(bulk: Bulk, world: World) -> None:
    readable = world.unreadable("m1", pricing_health("n-1").encode())
    broken = world.unreadable("m2", b"\xff")
    assert await world.accept(readable, broken) == [Verdict.QUARANTINED] * 2
    operation = await bulk.start(state="quarantined")
    await bulk.process().tick()
    ended = await bulk.look(operation)
    assert (ended.done, ended.skipped, ended.state) == (1, 1, OperationState.FINISHED)
    assert broken.id in str(ended.last_error)
    assert [one.id for one in await world.store.lists.quarantine()] == [broken.id]
    (found,) = await world.store.lists.notifications()
    assert (found.identity, found.type) == ("n-1", "PRICING_HEALTH")
    assert len(await bulk.runs()) == 1


@pytest.mark.parametrize("chosen", ["one", "none", "all"])
async def test_events_go_only_where_they_may(bulk: Bulk, world: World, chosen: str) -> None:
    endpoints = [await world.endpoint() for _ in range(2)]
    await taken_in(world, 1)
    await bulk.handle_all()
    targets = {"one": (endpoints[1].id,), "none": (), "all": None}[chosen]
    await bulk.start(to_endpoints=targets)
    await bulk.process().tick()
    (claimed,) = (await world.claim()).items
    assert claimed.replayed_from is not None
    event = replace(world.event(), replayed_from=claimed.replayed_from)
    await world.settle(world.result(claimed, events=[event]))
    detail = await world.store.queries.event(event.id)
    assert detail.event.replayed_from == claimed.replayed_from
    expected = [one.id for one in endpoints] if targets is None else list(targets)
    assert sorted(one.endpoint_id for one in detail.deliveries) == sorted(expected)


async def test_pause_resume_and_cancel(bulk: Bulk, world: World) -> None:
    await taken_in(world, 2)
    await bulk.handle_all()
    operation = await bulk.start()
    operations = world.store.operations
    assert await operations.change(operation.id, OperationState.PAUSED)
    assert not await operations.change(operation.id, OperationState.PAUSED)
    await bulk.process().tick()
    assert {row[1] for row in await bulk.runs()} == {0}
    assert await operations.change(operation.id, OperationState.RUNNING)
    process = bulk.process()
    await process.tick()
    await bulk.handle_all()
    await process.tick()
    assert (await bulk.look(operation)).state is OperationState.FINISHED
    with pytest.raises(ConflictError):
        await operations.change(operation.id, OperationState.CANCELLED)
    with pytest.raises(NotFoundError):
        await operations.change("op_" + "0" * 32, OperationState.PAUSED)


async def test_a_defect_fails_the_operation_and_can_be_mended(bulk: Bulk, world: World) -> None:
    await taken_in(world, 1)
    await bulk.handle_all()
    operation = await bulk.start()

    def defective(envelope: Envelope) -> Sequence[Owed]:
        raise RuntimeError(envelope.type)

    bulk.owed = defective
    await bulk.process().tick()
    failed = await bulk.look(operation)
    assert (failed.state, failed.last_error) == (
        OperationState.FAILED,
        "RuntimeError: ORDER_CHANGE",
    )
    bulk.owed = owed
    await world.store.operations.change(operation.id, OperationState.RUNNING)
    await bulk.process().tick()
    assert [row[1] for row in await bulk.runs()] == [0, 1]


async def test_a_dry_run_counts_what_the_operation_then_does(bulk: Bulk, world: World) -> None:
    ids = await taken_in(world, 7)
    await bulk.handle_all(HandlingState.DEAD)
    await taken_in(world, 3)
    await bulk.handle_all()
    before = await bulk.runs()
    work = ReplayWork(world.store.replays)
    found = await preview(work, OperationKind.REPLAY, bulk.selection(state="dead"))
    assert (found.count, found.looked, found.complete) == (7, 7, True)
    assert found.sample == tuple(ids[:5])
    assert dict(found.by_type) == {"ORDER_CHANGE": 7}
    assert found.first_at_ms is not None
    assert found.first_at_ms < (found.last_at_ms or 0)
    assert await bulk.runs() == before


# ── events sent again ────────────────────────────────────────────────────────────────────────────


async def sent(
    world: World, state: DeliveryState = DeliveryState.DELIVERED, count: int = 1
) -> list[str]:
    """Publish events and let each delivery of theirs end; return the events' ids."""
    ids = []
    for _ in range(count):
        world.clock.at_ms += 1
        event = world.event()
        await world.publish(event)
        ids.append(event.id)
        for claimed in (await world.claim_deliveries()).items:
            await world.store.deliveries.settle([world.attempt(claimed, state)])
    return ids


async def due(world: World) -> list[tuple[str, str]]:
    return sorted((one.event_id, one.endpoint_id) for one in (await world.claim_deliveries()).items)


async def test_failed_deliveries_are_sent_again_and_the_others_not(
    bulk: Bulk, world: World
) -> None:
    endpoint = await world.endpoint()
    failed = await sent(world, DeliveryState.DEAD, 3)
    await sent(world, count=2)
    operation = await bulk.start(OperationKind.REDELIVER, state="failed")
    await bulk.process().tick()
    assert await due(world) == [(one, endpoint.id) for one in failed]
    ended = await bulk.look(operation)
    assert (ended.looked, ended.done, ended.state) == (3, 3, OperationState.FINISHED)


async def died(world: World, *, about: Arrival | None = None) -> str:
    """Publish an event, let its delivery die an hour later, and return the delivery's id."""
    if about is None:
        await world.publish(world.event())
    else:
        await world.accept(about)
        (claimed,) = (await world.claim()).items
        await world.settle(world.result(claimed, HandlingState.HANDLED, events=[world.event()]))
    (delivery,) = (await world.claim_deliveries(lease_ms=2 * HOUR_MS)).items
    world.clock.at_ms += HOUR_MS
    await world.store.deliveries.settle([world.attempt(delivery, DeliveryState.DEAD)])
    world.clock.at_ms += 1
    return delivery.id


@pytest.mark.parametrize("about_one_order", [False, True])
async def test_what_failed_since_then_is_sent_again_whenever_it_was_published(
    bulk: Bulk, world: World, about_one_order: bool
) -> None:
    await world.endpoint()
    order = (ReferenceKind.ORDER, "902-1")
    only = {"order_id": order[1]} if about_one_order else {}
    about = [world.arrival(references=[order]) if about_one_order else None for _ in range(2)]
    await died(world, about=about[0])
    outage_ms = world.clock.at_ms + HOUR_MS // 2
    failed = await died(world, about=about[1])
    operation = await bulk.start(OperationKind.REDELIVER, from_ms=outage_ms, state="failed", **only)
    await bulk.process().tick()
    (again,) = (await world.claim_deliveries()).items
    assert again.id == failed
    # It dies once more: after the operation began, so it is none of it.
    await world.store.deliveries.settle([world.attempt(again, DeliveryState.DEAD)])
    await bulk.process().tick()
    ended = await bulk.look(operation)
    assert (ended.done, ended.state) == (1, OperationState.FINISHED)
    assert not (await world.claim_deliveries()).items


async def test_what_failed_is_sent_again_by_endpoint_and_seller_step_by_step(
    bulk: Bulk, world: World
) -> None:
    endpoints = [await world.endpoint() for _ in range(2)]
    failed = await sent(world, DeliveryState.DEAD, 5)
    operation = await bulk.start(
        OperationKind.REDELIVER,
        concurrency=2,
        state="failed",
        endpoint_id=endpoints[1].id,
        seller_id=world.event().seller_id,
    )
    shown = await preview(
        RedeliveryWork(world.store.redeliveries), OperationKind.REDELIVER, operation.selection
    )
    assert (shown.count, shown.looked, shown.complete) == (5, 10, True)
    await bulk.process().tick()
    assert await due(world) == [(one, endpoints[1].id) for one in failed]
    ended = await bulk.look(operation)
    assert (ended.done, ended.looked, ended.state) == (5, 10, OperationState.FINISHED)
    await bulk.start(OperationKind.REDELIVER, state="failed", seller_id="A2NOBODY")
    await bulk.process().tick()
    assert await due(world) == []


async def test_one_event_and_one_endpoint(bulk: Bulk, world: World) -> None:
    endpoints = [await world.endpoint() for _ in range(2)]
    ids = await sent(world, count=2)
    await bulk.start(OperationKind.REDELIVER, event_id=ids[0], endpoint_id=endpoints[1].id)
    await bulk.process().tick()
    assert await due(world) == [(ids[0], endpoints[1].id)]


async def change(world: World, endpoint: Endpoint, **members: Any) -> None:
    await world.store.endpoints.update(replace(endpoint, **members))


@pytest.mark.parametrize("thin", [False, True])
async def test_a_new_endpoint_gets_what_it_takes_and_never_had(
    bulk: Bulk, world: World, thin: bool
) -> None:
    old = await world.endpoint()
    ids = await sent(world, count=3)
    new = await world.endpoint(events=["order.*"])
    if thin:
        await change(world, new, payload=PayloadForm.THIN)
    await world.endpoint(events=["other"])
    operation = await bulk.start(OperationKind.BACKFILL, state="never", endpoint_id=new.id)
    await bulk.process().tick()
    claimed = (await world.claim_deliveries()).items
    assert sorted((one.event_id, one.endpoint_id) for one in claimed) == [
        (one, new.id) for one in ids
    ]
    assert all((b"/v1/events/" in one.body) is thin for one in claimed)
    assert (await bulk.look(operation)).done == 3
    await bulk.start(OperationKind.REDELIVER, state="never")
    await bulk.process().tick()
    assert await due(world) == []
    del old


async def test_what_stands_in_a_feed_is_not_missing(bulk: Bulk, world: World) -> None:
    endpoint = await world.endpoint()
    await change(world, endpoint, transport=Transport.PULL)
    await sent(world, count=2)
    found = await preview(
        RedeliveryWork(world.store.redeliveries),
        OperationKind.REDELIVER,
        bulk.selection(state="never"),
    )
    assert (found.count, found.looked) == (0, 2)


async def test_nothing_is_written_where_no_operation_runs(
    bulk: Bulk, store: Store, world: World
) -> None:
    await bulk.process().tick()
    assert await world.store.operations.list() == []
    del store
