"""How fast messages may be moved or deleted."""

from __future__ import annotations

from gateway.clock import Clock
from gateway.replay.dlq.look import CHUNK


class Pace:
    """Keeps to a rate over the whole of a run, however long each step takes."""

    def __init__(self, rate: float | None, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._free_s = clock.monotonic_s()

    @property
    def chunk(self) -> int:
        """How many to take at once: about a second's worth, so that the rate is no burst."""
        return CHUNK if self._rate is None else max(1, min(CHUNK, int(self._rate)))

    async def turn(self, count: int) -> None:
        """Return when `count` more may go."""
        if self._rate is None or count == 0:
            return
        now_s = self._clock.monotonic_s()
        if now_s < self._free_s:
            await self._clock.sleep(self._free_s - now_s)
        self._free_s = max(now_s, self._free_s) + count / self._rate
