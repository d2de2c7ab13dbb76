"""A clock on which many tasks sleep at once and no real time passes."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Coroutine
from itertools import count
from typing import Any

from gateway.clock import Clock

# Turns of the loop after which every task that can go on has gone on.
_TURNS = 30


class VirtualClock(Clock):
    """Moves to the next sleeper whenever nobody else has anything to do."""

    def __init__(self, now_ms: int = 1_800_000_000_000) -> None:
        self._start_ms = now_ms
        self._elapsed_s = 0.0
        self._numbers = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now_ms(self) -> int:
        return self._start_ms + int(self._elapsed_s * 1000)

    def monotonic_s(self) -> float:
        return self._elapsed_s

    async def sleep(self, delay_s: float) -> None:
        future = asyncio.get_running_loop().create_future()
        due_s = self._elapsed_s + delay_s
        heapq.heappush(self._sleepers, (due_s, next(self._numbers), future))
        await future

    async def run(self, *work: Coroutine[Any, Any, Any]) -> list[Any]:
        """Run all of `work` to its end, and return what each gave or raised."""
        tasks = [asyncio.create_task(part) for part in work]
        while True:
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            if all(task.done() for task in tasks):
                return await asyncio.gather(*tasks, return_exceptions=True)
            assert self._sleepers, "every task waits and nobody sleeps"
            self._elapsed_s = max(self._elapsed_s, self._sleepers[0][0])
            while self._sleepers and self._sleepers[0][0] <= self._elapsed_s:
                future = heapq.heappop(self._sleepers)[2]
                if not future.done():
                    future.set_result(None)
