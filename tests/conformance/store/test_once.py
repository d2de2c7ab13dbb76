"""`once`: however many notifications name one thing, at most one handling of it ends handled."""

from __future__ import annotations

import asyncio

import pytest

from gateway.model import HandlingState, NewEvent, Owed
from gateway.results import HandlingResult, Memory
from gateway.store import Store
from gateway.store.memories import DAY_MS
from tests.conformance.store.world import HANDLER, World


async def _about(world: World, report: str, *, seller: str = "A1", key: str | None = None) -> str:
    arrival = world.arrival(seller=seller, owed=[Owed(handler=HANDLER, once=report, key=key)])
    await world.accept(arrival)
    return arrival.id


async def _states(world: World) -> list[str]:
    return [str(r[0]) for r in await world.rows("SELECT state FROM handlings ORDER BY id")]


def _event(world: World) -> list[NewEvent]:
    return [world.event("report.completed")]


async def test_ten_notifications_of_one_report_are_handled_once(world: World) -> None:
    for _ in range(10):
        await _about(world, "r1")
    (claimed,) = (await world.claim()).items
    settled = await world.settle(world.result(claimed, events=_event(world)))
    assert (settled.events, settled.duplicates) == (1, frozenset())
    assert (await world.claim()).items == []
    assert await _states(world) == ["handled"] + ["duplicate"] * 9


async def test_what_comes_in_later_ends_on_arrival(world: World) -> None:
    await _about(world, "r1")
    (claimed,) = (await world.claim()).items
    await world.settle(world.result(claimed))
    await _about(world, "r1")
    assert (await world.claim()).items == []
    rows = await world.rows("SELECT state, readiness, ended_at_ms FROM handlings ORDER BY id")
    assert rows[1] == ("duplicate", 0, world.clock.at_ms)


async def test_sellers_have_the_same_id_each_for_itself(world: World) -> None:
    await _about(world, "r1", seller="A1")
    await _about(world, "r1", seller="A2")
    claimed = (await world.claim()).items
    settled = await world.settle(*[world.result(c, events=_event(world)) for c in claimed])
    assert (settled.events, settled.duplicates) == (2, frozenset())


async def test_other_ends_than_handled_leave_it_to_the_next(world: World) -> None:
    for _ in range(3):
        await _about(world, "r1")
    for state in (HandlingState.DEAD, HandlingState.SKIPPED, HandlingState.HANDLED):
        (claimed,) = (await world.claim()).items
        await world.settle(world.result(claimed, state))
    assert await _states(world) == ["dead", "skipped", "handled"]


@pytest.mark.parametrize("together", [True, False])
async def test_two_that_ran_at_once_make_one_outcome(world: World, together: bool) -> None:
    """A key of its own lets two of one `once` run at once; the settling transaction decides."""
    await _about(world, "r1", key="a")
    await _about(world, "r1", key="b")
    first, second = (await world.claim()).items
    results = [world.result(c, events=_event(world), due_in_ms=None) for c in (first, second)]
    if together:
        settled = await world.settle(*results)
        assert (settled.events, settled.duplicates) == (1, {second.id})
    else:
        outcomes = await asyncio.gather(*(world.settle(r) for r in results))
        assert sum(s.events for s in outcomes) == 1
        assert sum(len(s.duplicates) for s in outcomes) == 1
    assert sorted(await _states(world)) == ["duplicate", "handled"]
    assert len(await world.rows("SELECT id FROM events")) == 1


async def test_a_replay_of_the_one_that_was_handled_passes(world: World) -> None:
    handled = await _about(world, "r1")
    (claimed,) = (await world.claim()).items
    await world.settle(world.result(claimed))
    await world.change(
        """
        INSERT INTO handlings (id, notification_id, handler, run, lane, key, coalesces, state,
          readiness, due_at_ms, event_time_ms, created_at_ms, once)
        VALUES ('hdl_again', $1, $2, 1, 'A1', 'r1', $3, 'pending', 2, 0, 0, 0, 'r1')
        """,
        handled,
        HANDLER,
        False,
    )
    (again,) = (await world.claim()).items
    settled = await world.settle(world.result(again, events=_event(world)))
    assert (settled.events, settled.duplicates) == (1, frozenset())


async def test_keys_are_forgotten_after_the_horizon(world: World, store: Store) -> None:
    await _about(world, "r1")
    (claimed,) = (await world.claim()).items
    await world.settle(world.result(claimed))
    assert await store.once_keys.forget(world.clock.at_ms) == 0
    assert await store.once_keys.forget(world.clock.at_ms + 1) == 1
    await _about(world, "r1")
    assert len((await world.claim()).items) == 1


async def test_memories_are_written_with_the_outcome(world: World, store: Store) -> None:
    await world.accept(world.arrival(seller="A1"), world.arrival(seller=None))
    claimed = (await world.claim()).items
    first, second = sorted(claimed, key=lambda c: c.notification.seller_id or "", reverse=True)
    await world.settle(
        HandlingResult(
            id=first.id,
            token=first.token,
            state=HandlingState.HANDLED,
            tries=0,
            memories=[Memory(name="order", value=b"1"), Memory(name="order", value=b"2")],
        ),
        world.result(second),
    )
    asked = [(HANDLER, "A1", "order"), (HANDLER, "A1", "other"), (HANDLER, "", "order")]
    assert await store.memories.recall(asked) == {(HANDLER, "A1", "order"): b"2"}


async def test_a_late_result_and_a_duplicate_leave_no_memory(world: World, store: Store) -> None:
    await _about(world, "r1", key="a")
    await _about(world, "r1", key="b")
    first, second = (await world.claim()).items
    await world.settle(world.result(first))
    for token in (second.token + 1, second.token):
        await world.settle(
            HandlingResult(
                id=second.id,
                token=token,
                state=HandlingState.HANDLED,
                tries=0,
                memories=[Memory(name="n", value=b"1")],
            )
        )
    assert await store.memories.recall([(HANDLER, "A1", "n")]) == {}


async def test_memories_that_nothing_changes_are_forgotten(world: World, store: Store) -> None:
    await world.accept(world.arrival())
    (claimed,) = (await world.claim()).items
    kept = Memory(name="n", value=b"1")
    await world.settle(
        HandlingResult(
            id=claimed.id,
            token=claimed.token,
            state=HandlingState.HANDLED,
            tries=0,
            memories=[kept],
        )
    )
    assert await store.memories.forget(world.clock.at_ms) == 0
    assert await store.memories.forget(world.clock.at_ms + DAY_MS) == 1
    assert await store.memories.recall([(HANDLER, "A1", "n")]) == {}
