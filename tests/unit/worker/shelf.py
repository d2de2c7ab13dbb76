"""A stage whose work is a shelf of numbers, with gates and faults that tests set."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from gateway.clock import SystemClock
from gateway.model import Claims
from gateway.worker.loop import Pace, Worker
from gateway.worker.stop import Stop, Wake

DEADLINE_S = 10.0


async def until(condition: Callable[[], Any]) -> None:
    """Return once `condition` holds."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.001)


def opened() -> asyncio.Event:
    """Return a gate that stands open."""
    gate = asyncio.Event()
    gate.set()
    return gate


class Shelf:
    """Items wait in `ready`; what became of them is noted.

    Attributes:
        claim_max: Most items that one claim brings, as with SQS.
        poison: Items whose presence makes a settling transaction fail.
        faults: By method, exceptions that its next calls raise.
        most_in_hand: Highest number of items claimed, or being claimed, and not done with.
    """

    name = "shelf"

    def __init__(self, items: Sequence[int] = (), *, claim_max: int = 1000) -> None:
        self.ready = deque(items)
        self.claim_max = claim_max
        self.claim_gate, self.work_gate, self.settle_gate = opened(), opened(), opened()
        self.faults: dict[str, deque[BaseException]] = {
            name: deque() for name in ("claim", "work", "settle", "extend", "release")
        }
        self.poison: set[int] = set()
        self.next_due_ms: int | None = None
        self.claims = self.claiming = self.most_claiming = 0
        self.rooms = 0
        self.in_hand: set[int] = set()
        self.most_in_hand = 0
        self.worked: list[int] = []
        self.settled: Counter[int] = Counter()
        self.batches: list[list[int]] = []
        self.extended: list[int] = []
        self.released: list[int] = []

    def _fail(self, name: str) -> None:
        if self.faults[name]:
            raise self.faults[name].popleft()

    async def claim(self, room: int) -> Claims[int]:
        self.claims += 1
        self.claiming += 1
        self.rooms += room
        self.most_claiming = max(self.most_claiming, self.claiming)
        self.most_in_hand = max(self.most_in_hand, len(self.in_hand) + self.rooms)
        try:
            await asyncio.sleep(0)
            await self.claim_gate.wait()
            self._fail("claim")
        finally:
            self.claiming -= 1
            self.rooms -= room
        items = [self.ready.popleft() for _ in range(min(room, self.claim_max, len(self.ready)))]
        self.in_hand.update(items)
        return Claims(items=items, next_due_ms=self.next_due_ms, more=bool(self.ready))

    async def work(self, item: int) -> int | None:
        await self.work_gate.wait()
        self._fail("work")
        self.worked.append(item)
        if item < 0:
            self.in_hand.discard(item)
            return None
        return item

    async def settle(self, results: Sequence[int]) -> None:
        await self.settle_gate.wait()
        self._fail("settle")
        if self.poison & set(results):
            raise ValueError("poison")
        self.batches.append(list(results))
        self.settled.update(results)
        self.in_hand.difference_update(results)

    async def extend(self, items: Sequence[int]) -> None:
        self._fail("extend")
        self.extended += items

    async def release(self, items: Sequence[int]) -> None:
        self._fail("release")
        self.released += items
        self.in_hand.difference_update(items)


class Running:
    """A worker at work on a shelf."""

    def __init__(self, shelf: Shelf, pace: Pace) -> None:
        self.wake = Wake()
        self.stop = Stop()
        self.worker: Worker[int, int] = Worker(shelf, pace, wake=self.wake, clock=SystemClock())
        self.task = asyncio.create_task(self.worker.run(self.stop))

    async def drain(self, drain_s: float = DEADLINE_S) -> None:
        """Ask it to stop and wait until it has."""
        self.stop.request(drain_s=drain_s)
        async with asyncio.timeout(DEADLINE_S):
            await self.task


@asynccontextmanager
async def running(shelf: Shelf, **pace: Any) -> AsyncIterator[Running]:
    """Run a worker on `shelf`, and drain it in the end."""
    run = Running(shelf, Pace(**{"capacity": 100, "poll_s": 60.0, **pace}))
    try:
        yield run
        if not run.task.done():
            await run.drain()
    finally:
        run.task.cancel()
        await asyncio.gather(run.task, return_exceptions=True)
