"""What is to happen when: things that a simulator does by itself as time passes.

It decides the order only. Tests move their clock and call `run_due`; a served simulator runs it.
"""

from __future__ import annotations

import asyncio
import heapq
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.clock import Clock

_log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.simulator")


class Agenda:
    """Actions with the time that each is due at."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: list[tuple[int, int, Callable[[], object]]] = []
        self._numbers = count()
        self._news = asyncio.Event()

    def at(self, at_ms: int, action: Callable[[], object]) -> None:
        """Note an action; one whose time has passed is due at once."""
        heapq.heappush(self._due, (at_ms, next(self._numbers), action))
        self._news.set()

    def run_due(self) -> None:
        """Do everything that is due by now, in the order of the times it was due at."""
        while self._due and self._due[0][0] <= self._clock.now_ms():
            heapq.heappop(self._due)[2]()

    def __len__(self) -> int:
        return len(self._due)

    async def run(self) -> None:
        """Do what is due when it is, until cancelled."""
        while True:
            self._news.clear()
            try:
                self.run_due()
            except Exception:  # noqa: BLE001 told, and the rest goes on
                # One thing that can't happen must not keep everything else from happening.
                _log.exception("an action of the simulator failed")
                continue
            wait_s = (
                max(0.001, (self._due[0][0] - self._clock.now_ms()) / 1_000) if self._due else None
            )
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._news.wait()
