"""A clock for tests over sockets: it goes on by small steps, each after a turn for everybody.

A machine that is busy makes such a test longer, not its times: what a slow loop delays is delayed
for both sides of a socket alike.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

from gateway.clock import Clock


class TickingClock(Clock):
    """Stands still unless `ticking` is entered."""

    def __init__(self, now_ms: int = 1_800_000_000_000) -> None:
        self._start_ms = now_ms
        self._elapsed_ms = 0
        self._numbers = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now_ms(self) -> int:
        return self._start_ms + self._elapsed_ms

    def monotonic_s(self) -> float:
        return self._elapsed_ms / 1000

    async def sleep(self, delay_s: float) -> None:
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.monotonic_s() + delay_s, next(self._numbers), future))
        await future

    @asynccontextmanager
    async def ticking(self, *, step_ms: int = 10, turn_s: float = 0.001) -> AsyncIterator[None]:
        """Go on by `step_ms` after each `turn_s` of real time, or as much more as a turn takes."""
        task = asyncio.create_task(self._tick(step_ms, turn_s), name="ticking clock")
        try:
            yield
        finally:
            task.cancel()

    async def _tick(self, step_ms: int, turn_s: float) -> None:
        while True:
            await asyncio.sleep(turn_s)
            self._elapsed_ms += step_ms
            while self._sleepers and self._sleepers[0][0] <= self.monotonic_s():
                future = heapq.heappop(self._sleepers)[2]
                if not future.done():
                    future.set_result(None)
