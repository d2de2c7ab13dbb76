"""What time it is: the only place that reads the machine's clocks.

Wall time is for records and due times, in integer milliseconds since the epoch, UTC; monotonic
time is for durations. Everything that decides by time takes a `Clock`, so tests set it.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from functools import lru_cache
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
    second, millisecond = divmod(at_ms, 1000)
    return f"{_second(second)}.{millisecond:03d}Z"


# Each line of the log and each event says what time it is, thousands of times in one second.
@lru_cache(maxsize=256)
def _second(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat()[:19]


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
