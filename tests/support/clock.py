"""A clock that tests set."""

from __future__ import annotations

import asyncio

from gateway.clock import Clock


class FakeClock(Clock):
    """Stands still until it is moved; sleeping moves it."""

    def __init__(self, now_ms: int = 1_800_000_000_000) -> None:
        self.at_ms = now_ms

    def now_ms(self) -> int:
        return self.at_ms

    def monotonic_s(self) -> float:
        return self.at_ms / 1000

    async def sleep(self, delay_s: float) -> None:
        self.advance(delay_s)
        await asyncio.sleep(0)

    def advance(self, delay_s: float) -> None:
        self.at_ms += round(delay_s * 1000)
