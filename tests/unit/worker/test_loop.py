from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from gateway.clock import SystemClock
from gateway.errors import StoreUnavailableError
from gateway.worker import loop
from tests.unit.worker.shelf import Shelf, running, until


@pytest.fixture(autouse=True)
def quick_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_BACKOFF_FIRST_S", 0.001)


@pytest.mark.parametrize("inline", [False, True], ids=["tasks", "inline"])
async def test_every_item_is_settled_once_in_groups(inline: bool) -> None:
    shelf = Shelf(range(1000))
    async with running(shelf, capacity=200, batch=50, inline=inline) as run:
        await until(lambda: len(shelf.settled) == 1000)
        await until(lambda: run.worker.in_hand == 0)

    assert set(shelf.settled.values()) == {1}
    assert max(len(batch) for batch in shelf.batches) <= 50
    assert len(shelf.batches) < 200
    assert shelf.released == []


@pytest.mark.parametrize("claimers", [1, 4])
@pytest.mark.parametrize("inline", [False, True], ids=["tasks", "inline"])
async def test_capacity_is_never_exceeded(claimers: int, inline: bool) -> None:
    shelf = Shelf(range(500), claim_max=10)
    shelf.settle_gate.clear()
    async with running(shelf, capacity=30, claimers=claimers, inline=inline) as run:
        await until(lambda: len(shelf.in_hand) == 30)
        shelf.settle_gate.set()
        await until(lambda: len(shelf.settled) == 500)
        await until(lambda: run.worker.in_hand == 0)

    assert shelf.most_in_hand <= 30


async def test_claimers_grow_with_full_batches_and_shrink_when_idle() -> None:
    shelf = Shelf(range(400), claim_max=10)
    async with running(shelf, capacity=1000, claimers=4, poll_s=0.0, inline=True):
        await until(lambda: len(shelf.settled) == 400)
        assert shelf.most_claiming == 4
        await until(lambda: shelf.claiming <= 1)
        shelf.claim_gate.clear()
        await until(lambda: shelf.claiming == 1)
        before = shelf.claims
        await asyncio.sleep(0.02)
        assert (shelf.claims, shelf.claiming) == (before, 1)
        shelf.claim_gate.set()


async def test_what_is_more_is_claimed_at_once() -> None:
    shelf = Shelf(range(100), claim_max=3)
    async with running(shelf):
        await until(lambda: len(shelf.settled) == 100)


async def test_doorbell_ends_the_pause() -> None:
    shelf = Shelf()
    async with running(shelf) as run:
        await until(lambda: shelf.claims == 1)
        shelf.ready.append(7)
        run.wake.ring()
        await until(lambda: shelf.settled[7] == 1)


async def test_ring_during_a_claim_is_not_lost() -> None:
    shelf = Shelf()
    shelf.claim_gate.clear()
    async with running(shelf) as run:
        await until(lambda: shelf.claiming == 1)
        run.wake.ring()
        shelf.claim_gate.set()
        await until(lambda: shelf.claims == 2)


async def test_pause_ends_when_a_row_falls_due() -> None:
    shelf = Shelf()
    shelf.next_due_ms = SystemClock().now_ms() + 30
    async with running(shelf):
        await until(lambda: shelf.claims == 1)
        shelf.next_due_ms = None
        shelf.ready.append(7)
        await until(lambda: shelf.settled[7] == 1)


async def test_one_item_costs_an_idle_stage_two_claims() -> None:
    shelf = Shelf()
    async with running(shelf) as run:
        await until(lambda: shelf.claims == 1)
        shelf.ready.append(7)
        run.wake.ring()
        await until(lambda: shelf.settled[7] == 1 and run.worker.in_hand == 0)
        await asyncio.sleep(0.01)
        # One that brought it, one because its place came free.
        assert shelf.claims <= 3


async def test_claiming_goes_on_when_the_store_is_back() -> None:
    shelf = Shelf([7])
    shelf.faults["claim"].extend(StoreUnavailableError("away") for _ in range(3))
    with capture_logs() as logs:
        async with running(shelf) as run:
            claim_health, _ = run.worker.healths
            await until(lambda: claim_health.fault == "away")
            await until(lambda: shelf.settled[7] == 1)
            assert claim_health.fault is None

    assert [entry["event"] for entry in logs] == ["stage.fault", "stage.recovered"]


async def test_settling_is_repeated_while_the_store_is_away() -> None:
    shelf = Shelf(range(5))
    shelf.faults["settle"].extend(StoreUnavailableError("away") for _ in range(4))
    with capture_logs() as logs:
        async with running(shelf) as run:
            _, settle_health = run.worker.healths
            await until(lambda: settle_health.fault == "away")
            assert run.worker.in_hand == 5
            await until(lambda: len(shelf.settled) == 5)
            await until(lambda: settle_health.fault is None)

    assert set(shelf.settled.values()) == {1}
    assert [entry["event"] for entry in logs] == ["stage.fault", "stage.recovered"]


async def test_poison_result_hits_only_itself() -> None:
    shelf = Shelf(range(20))
    shelf.poison = {13}
    with capture_logs() as logs:
        async with running(shelf) as run:
            await until(lambda: len(shelf.settled) == 19)
            await until(lambda: run.worker.in_hand == 0)
            shelf.ready.append(100)
            run.wake.ring()
            await until(lambda: shelf.settled[100] == 1)

    assert shelf.settled[13] == 0
    assert set(shelf.settled.values()) == {1}
    assert [entry["event"] for entry in logs] == ["stage.settle_defect"]


@pytest.mark.parametrize("defect", [ValueError("defect"), asyncio.CancelledError()], ids=repr)
@pytest.mark.parametrize("inline", [False, True], ids=["tasks", "inline"])
async def test_defect_of_one_item_hits_only_itself(defect: BaseException, inline: bool) -> None:
    """An author's code may raise CancelledError by itself: of a task that it cancelled."""
    shelf = Shelf(range(20))
    shelf.faults["work"].append(defect)
    with capture_logs() as logs:
        async with running(shelf, inline=inline) as run:
            await until(lambda: len(shelf.settled) == 19)
            await until(lambda: run.worker.in_hand == 0)

    assert [entry["event"] for entry in logs] == ["stage.defect"]


async def test_work_without_a_result_is_not_settled_and_frees_its_place() -> None:
    shelf = Shelf(range(-50, 0))
    async with running(shelf, capacity=5) as run:
        await until(lambda: len(shelf.worked) == 50)
        await until(lambda: run.worker.in_hand == 0)

    assert shelf.batches == []


async def test_claims_on_long_work_are_extended() -> None:
    shelf = Shelf([1, 2])
    shelf.work_gate.clear()
    shelf.faults["extend"].append(StoreUnavailableError("away"))
    async with running(shelf, extend_s=0.02) as run:
        _, health = run.worker.healths
        await until(lambda: health.fault == "away")
        await until(lambda: set(shelf.extended) == {1, 2})
        shelf.work_gate.set()
        await until(lambda: run.worker.in_hand == 0)
        shelf.extended.clear()
        await asyncio.sleep(0.03)
        assert shelf.extended == []
        assert health.fault is None
