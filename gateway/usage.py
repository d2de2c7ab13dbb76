"""How many calls were made to Amazon: by day, for whom, of what, and with what outcome.

It decides what is told apart and what counts are gathered until they are worth a transaction. It
never decides how fast calls are made: that is the usage plans' matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from gateway.clock import Clock

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Called:
    """What calls are counted by.

    Attributes:
        day: Date in UTC, such as `2026-01-31`.
        application_id: Whose usage plans they count against.
        region: `na`, `eu` or `fe`.
        seller_id: In whose name; empty for calls that the application made for itself.
        operation: Full name, such as `orders.2026-01-01.getOrder`.
        method: HTTP method; where Amazon asks a fee, it differs by this.
        outcome: `ok`, `throttled`, `refused`, `rejected`, `failed`, `timeout`, `unreachable`.
    """

    day: str
    application_id: str
    region: str
    seller_id: str
    operation: str
    method: str
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageCount:
    """How many requests were sent."""

    called: Called
    calls: int


class UsageStore(Protocol):
    """Keeps counts."""

    async def add(self, counts: Sequence[UsageCount]) -> None:
        """Add to what is counted already, in one transaction."""
        ...


class UsageCounter:
    """Gathers the counts of one process; a crash loses those since the last `flush`."""

    def __init__(self, store: UsageStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._counts: dict[Called, int] = {}
        self._day = ""
        self._until_ms = 0

    def count(
        self,
        *,
        application_id: str,
        region: str,
        seller_id: str | None,
        operation: str,
        method: str,
        outcome: str,
    ) -> None:
        """Count one request that was sent."""
        called = Called(
            day=self._today(),
            application_id=application_id,
            region=region,
            seller_id=seller_id or "",
            operation=operation,
            method=method,
            outcome=outcome,
        )
        self._counts[called] = self._counts.get(called, 0) + 1

    async def flush(self) -> None:
        """Bring what was gathered into the store; where that fails it is kept for the next time.

        Raises:
            StoreUnavailableError: The store can't be written now.
        """
        if not self._counts:
            return
        gathered, self._counts = self._counts, {}
        try:
            await self._store.add(
                [UsageCount(called=called, calls=calls) for called, calls in gathered.items()]
            )
        except BaseException:
            for called, calls in gathered.items():
                self._counts[called] = self._counts.get(called, 0) + calls
            raise

    def _today(self) -> str:
        now_ms = self._clock.now_ms()
        if not self._day or now_ms >= self._until_ms:
            today = datetime.fromtimestamp(now_ms / 1000, UTC).date()
            midnight = datetime.combine(today, datetime.min.time(), UTC) + _DAY
            self._day = today.isoformat()
            self._until_ms = round(midnight.timestamp() * 1000)
        return self._day
