"""The last slot of each schedule and seller, so that none is run twice and none forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from gateway.store.driver import Driver
from gateway.store.statements import Many, One, Plan, one_step

_LAST: Final = One("SELECT seller_id, slot_ms FROM schedule_runs WHERE schedule = $1")

_PUT: Final = Many(
    """
    INSERT INTO schedule_runs (schedule, seller_id, slot_ms) {rows}
    ON CONFLICT (schedule, seller_id) DO UPDATE SET slot_ms = excluded.slot_ms
      WHERE excluded.slot_ms > schedule_runs.slot_ms
    """,
    ("text", "text", "bigint"),
)

_ACTIVE_SELLERS: Final = One("SELECT DISTINCT id FROM sellers WHERE state = 'active' ORDER BY id")


class ScheduleRuns:
    """See the module."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def last(self, schedule: str) -> Mapping[str, int]:
        """Return the last slot of each seller that the schedule has met."""
        rows = await self._driver.read(lambda: one_step(_LAST(schedule)))
        return {row[0]: row[1] for row in rows}

    async def put(self, schedule: str, slots: Mapping[str, int]) -> None:
        """Note sellers' last slots; an older one never replaces a newer one.

        Raises:
            StoreUnavailableError: Nothing was noted.
        """
        rows = [(schedule, seller_id, slot_ms) for seller_id, slot_ms in sorted(slots.items())]
        await self._driver.write(lambda: _put(rows))

    async def active_sellers(self) -> Sequence[str]:
        """Return the ids of the sellers that calls are made for."""
        return [row[0] for row in await self._driver.read(lambda: one_step(_ACTIVE_SELLERS()))]


def _put(rows: Sequence[tuple[str, str, int]]) -> Plan[None]:
    if rows:
        yield _PUT(rows)
