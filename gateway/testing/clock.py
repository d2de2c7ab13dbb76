"""A clock that tests set."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class FakeClock:
    """Stands still until it is moved; sleeping moves it."""

    def __init__(self, now: datetime = NOON) -> None:
        self._ms = round(now.timestamp() * 1000)

    @property
    def now(self) -> datetime:
        """The time that it shows, in UTC."""
        return datetime.fromtimestamp(self._ms / 1000, UTC)

    def now_ms(self) -> int:
        """See `gateway.clock.Clock`."""
        return self._ms

    def monotonic_s(self) -> float:
        """See `gateway.clock.Clock`."""
        return self._ms / 1000

    async def sleep(self, delay_s: float) -> None:
        """See `gateway.clock.Clock`."""
        self.advance(delay_s)
        await asyncio.sleep(0)

    def advance(self, delay_s: float) -> None:
        """Move it forward."""
        self._ms += round(delay_s * 1000)
