from __future__ import annotations

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.errors import StoreUnavailableError
from gateway.worker import loop
from tests.unit.worker.shelf import Shelf, running, until


@pytest.fixture(autouse=True)
def quick_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_BACKOFF_FIRST_S", 0.001)


def now_s() -> float:
    return asyncio.get_running_loop().time()


async def test_idle_worker_stops_at_once() -> None:
    shelf = Shelf()
    async with running(shelf, poll_s=60.0) as run:
        await until(lambda: shelf.claims == 1)
        started_s = now_s()
        await run.drain(drain_s=60.0)
        assert now_s() - started_s < 1.0


async def test_idle_claimers_that_share_the_doorbell_all_hear_the_stop() -> None:
    """The first to wake takes the ring; one that ends its claim later must not wait a poll long."""
    shelf = Shelf(range(4), claim_max=1)
    async with running(shelf, capacity=8, claimers=4, inline=True) as run:
        await until(lambda: len(shelf.settled) == 4)
        shelf.claim_gate.clear()
        run.wake.ring()
        await until(lambda: shelf.claiming >= 1)
        run.stop.request(drain_s=60.0)
        await asyncio.sleep(0.01)
        started_s = now_s()
        shelf.claim_gate.set()
        await run.drain()
        assert now_s() - started_s < 1.0


async def test_work_in_hand_ends_and_is_settled() -> None:
    shelf = Shelf(range(10))
    shelf.work_gate.clear()
    async with running(shelf, capacity=5) as run:
        await until(lambda: run.worker.in_hand == 5)
        run.stop.request(drain_s=10.0)
        await asyncio.sleep(0.01)
        shelf.work_gate.set()
        await run.drain()

    assert set(shelf.settled) == set(range(5))
    assert shelf.released == []
    assert len(shelf.ready) == 5


@pytest.mark.parametrize("inline", [False, True], ids=["tasks", "inline"])
async def test_claim_in_flight_ends_and_what_it_brings_is_settled(inline: bool) -> None:
    shelf = Shelf(range(5))
    shelf.claim_gate.clear()
    async with running(shelf, inline=inline) as run:
        await until(lambda: shelf.claiming == 1)
        run.stop.request(drain_s=10.0)
        await asyncio.sleep(0.01)
        shelf.claim_gate.set()
        await run.drain()

    assert set(shelf.settled) == set(range(5))
    assert shelf.claims == 1
    assert shelf.released == []


async def test_claim_that_outlasts_the_deadline_is_given_up() -> None:
    shelf = Shelf()
    shelf.claim_gate.clear()
    async with running(shelf) as run:
        await until(lambda: shelf.claiming == 1)
        await run.drain(drain_s=0.05)

    assert shelf.claiming == 0


@pytest.mark.parametrize("inline", [False, True], ids=["tasks", "inline"])
async def test_work_that_is_cut_off_is_given_back(inline: bool) -> None:
    shelf = Shelf(range(5))
    shelf.work_gate.clear()
    async with running(shelf, inline=inline) as run:
        await until(lambda: run.worker.in_hand == 5)
        started_s = now_s()
        await run.drain(drain_s=0.05)
        assert now_s() - started_s < 1.0

    assert sorted(shelf.released) == list(range(5))
    assert not shelf.settled


async def test_work_that_answers_the_cut_with_a_fault_is_given_back() -> None:
    class Stubborn(Shelf):
        async def work(self, item: int) -> int | None:
            try:
                return await super().work(item)
            except asyncio.CancelledError:
                raise ConnectionError("closed under us") from None

    shelf = Stubborn([1])
    shelf.work_gate.clear()
    with capture_logs() as logs:
        async with running(shelf) as run:
            await until(lambda: run.worker.in_hand == 1)
            await run.drain(drain_s=0.05)

    assert shelf.released == [1]
    assert logs == []


async def test_work_that_ends_in_spite_of_the_cut_is_settled() -> None:
    class Stubborn(Shelf):
        async def work(self, item: int) -> int | None:
            try:
                return await super().work(item)
            except asyncio.CancelledError:
                return item

    shelf = Stubborn([1])
    shelf.work_gate.clear()
    async with running(shelf) as run:
        await until(lambda: run.worker.in_hand == 1)
        await run.drain(drain_s=0.05)

    assert shelf.released == []
    assert shelf.settled == {1: 1}


async def test_work_that_never_ends_does_not_keep_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop, "_CUT_OFF_S", 0.01)
    released = asyncio.Event()

    class Deaf(Shelf):
        async def work(self, item: int) -> int | None:
            while not released.is_set():
                try:
                    await released.wait()
                except asyncio.CancelledError:
                    continue
            return item

    shelf = Deaf([1])
    with capture_logs() as logs:
        async with running(shelf) as run:
            await until(lambda: run.worker.in_hand == 1)
            await run.drain(drain_s=0.05)
    released.set()
    await asyncio.sleep(0)

    assert shelf.released == [1]
    assert [entry["event"] for entry in logs] == ["stage.work_lasts"]


async def test_what_was_finished_is_given_back_when_the_store_stays_away() -> None:
    class Away(Shelf):
        async def settle(self, results: Any) -> None:
            raise StoreUnavailableError("away")

    shelf = Away(range(5))
    async with running(shelf, batch=2) as run:
        await until(lambda: run.worker.in_hand == 5)
        await run.drain(drain_s=0.05)

    assert sorted(shelf.released) == list(range(5))


async def test_poison_found_at_the_end_hits_only_itself() -> None:
    shelf = Shelf(range(5))
    shelf.settle_gate.clear()
    shelf.poison = {3}
    async with running(shelf, linger_s=0.2) as run:
        await until(lambda: len(shelf.worked) == 5)
        run.stop.request(drain_s=0.0)
        shelf.settle_gate.set()
        with capture_logs() as logs:
            await run.drain()

    assert set(shelf.settled) == {0, 1, 2, 4}
    assert shelf.released == []
    assert [entry["event"] for entry in logs] == ["stage.settle_defect"]


async def test_release_that_fails_is_noted_and_leases_end_by_themselves() -> None:
    shelf = Shelf([1])
    shelf.work_gate.clear()
    shelf.faults["release"].append(StoreUnavailableError("away"))
    with capture_logs() as logs:
        async with running(shelf) as run:
            await until(lambda: run.worker.in_hand == 1)
            await run.drain(drain_s=0.05)

    assert [entry["event"] for entry in logs] == ["stage.release_failed"]


@pytest.mark.parametrize("method", ["claim", "extend"])
async def test_crash_of_the_stage_is_raised_and_work_in_hand_given_back(method: str) -> None:
    shelf = Shelf([1, 2])
    shelf.work_gate.clear()
    async with running(shelf, extend_s=0.02 if method == "extend" else 20.0) as run:
        await until(lambda: run.worker.in_hand == 2)
        shelf.faults[method].append(RuntimeError("defect"))
        run.wake.ring()
        with pytest.raises(RuntimeError, match="defect"):
            await run.task

    assert sorted(shelf.released) == [1, 2]


async def test_being_cancelled_gives_work_back() -> None:
    shelf = Shelf([1, 2])
    shelf.work_gate.clear()
    async with running(shelf) as run:
        await until(lambda: run.worker.in_hand == 2)
        run.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run.task

    assert sorted(shelf.released) == [1, 2]


async def test_stop_during_back_off_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_BACKOFF_FIRST_S", 60.0)
    shelf = Shelf()
    shelf.faults["claim"].append(StoreUnavailableError("away"))
    async with running(shelf) as run:
        await until(lambda: run.worker.healths[0].fault)
        started_s = now_s()
        await run.drain(drain_s=60.0)
        assert now_s() - started_s < 1.0
