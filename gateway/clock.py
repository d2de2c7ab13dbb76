"""What time it is: the only place that reads the machine's clocks.

Wall time is for records and due times, in integer milliseconds since the epoch, UTC; monotonic
time is for durations. Everything that decides by time takes a `Clock`, so tests set it.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """A source of time."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        ...

    def monotonic_s(self) -> float:
        """Seconds on a clock that never goes back; only differences mean anything."""
        ...

    async def sleep(self, delay_s: float) -> None:
        """Return after `delay_s` seconds of this clock."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now_ms(self) -> int:
        """See `Clock`."""
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        """See `Clock`."""
        return time.monotonic()

    async def sleep(self, delay_s: float) -> None:
        """See `Clock`."""
        await asyncio.sleep(delay_s)


def rfc3339(at_ms: int) -> str:
    """Return `at_ms` as RFC 3339 in UTC with milliseconds, such as `2026-01-31T09:00:00.000Z`."""
    at = datetime.fromtimestamp(at_ms // 1000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"


def parse_rfc3339_ms(text: str) -> int:
    """Return the milliseconds since the epoch that an ISO 8601 time stands for.

    A time without an offset is taken as UTC, as Amazon writes it in places.

    Raises:
        ValueError: `text` is no ISO 8601 date-time.
    """
    at = datetime.fromisoformat(text.strip())
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return round(at.timestamp() * 1000)
