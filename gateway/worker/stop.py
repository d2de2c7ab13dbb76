"""Doorbells and the wish to stop: how the parts of one process wake and end each other."""

from __future__ import annotations

import asyncio
from contextlib import suppress


class Wake:
    """A doorbell: rung when there may be work; one ring is enough for many reasons."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Let the next (or the present) `wait` return."""
        self._event.set()

    async def wait(self, timeout_s: float) -> None:
        """Return when rung since the last `wait`, or after `timeout_s` seconds."""
        if not self._event.is_set() and timeout_s > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._event.wait()
        self._event.clear()


class Stop:
    """The wish to stop, with the time by which everything must have ended."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._doorbells: list[Wake] = []
        self.deadline_s: float | None = None

    def request(self, *, drain_s: float) -> None:
        """Ask everybody to stop within `drain_s` seconds; only the first request counts."""
        if self._event.is_set():
            return
        self.deadline_s = asyncio.get_running_loop().time() + drain_s
        self._event.set()
        for doorbell in self._doorbells:
            doorbell.ring()

    def ring_on_stop(self, wake: Wake) -> None:
        """Ring `wake` when the stop is requested."""
        self._doorbells.append(wake)
        if self._event.is_set():
            wake.ring()

    @property
    def requested(self) -> bool:
        """Whether the stop was requested."""
        return self._event.is_set()

    async def wait(self) -> None:
        """Return once the stop is requested."""
        await self._event.wait()

    def left_s(self) -> float:
        """Seconds to the deadline, never negative; infinite while nobody asked to stop."""
        if self.deadline_s is None:
            return float("inf")
        return max(0.0, self.deadline_s - asyncio.get_running_loop().time())
