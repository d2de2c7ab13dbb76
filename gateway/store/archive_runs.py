"""How far everything is archived as it comes: one row, moved by one process at a time.

A window is noted before it is written and the cursor moves after that, each step fenced by the
claim. So whoever takes over writes the same window again, under the same names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.clock import Clock
from gateway.model import IdPrefix
from gateway.operations import first_id, time_of
from gateway.store.driver import Driver
from gateway.store.statements import Many, One, Plan, one_step

START: Final = first_id(IdPrefix.NOTIFICATION, 0)
_BEGIN: Final = One(
    """
    INSERT INTO archive_runs (name, cursor, updated_at_ms) VALUES ('everything', $1, $2)
    ON CONFLICT DO NOTHING
    """
)
_CLAIM: Final = One(
    """
    UPDATE archive_runs SET claim_token = $1, lease_until_ms = $2
    WHERE claim_token = $1 OR claim_token IS NULL OR lease_until_ms <= $3
    RETURNING cursor, until
    """
)
_RELEASE: Final = One(
    "UPDATE archive_runs SET claim_token = NULL, lease_until_ms = NULL WHERE claim_token = $1"
)
_RELEASE_ALL: Final = One("UPDATE archive_runs SET claim_token = NULL, lease_until_ms = NULL")
_STANDING: Final = One("SELECT cursor, until FROM archive_runs")
_PLAN: Final = One(
    """
    UPDATE archive_runs SET until = $2 WHERE claim_token = $1 AND until IS NULL RETURNING cursor
    """
)
_ADVANCE: Final = One(
    """
    UPDATE archive_runs SET cursor = $2, until = NULL, updated_at_ms = $3
    WHERE claim_token = $1 AND until = $2 RETURNING cursor
    """
)
NOTE_LATE: Final = Many(
    """
    WITH v(id) AS ({rows})
    INSERT INTO archive_late (notification_id)
    SELECT v.id FROM v WHERE EXISTS (SELECT 1 FROM archive_runs)
    """,
    ("text",),
)
"""Notes what was committed late, notifications or messages, where everything is archived."""

_FIRST_LATE: Final = One("SELECT min(notification_id) FROM archive_late")
# Ids of notifications sort before all of messages in quarantine, whenever they were made.
_OLDEST_LATE: Final = One(
    """
    SELECT min(notification_id) FROM archive_late WHERE notification_id < 'o'
    UNION ALL SELECT min(notification_id) FROM archive_late WHERE notification_id > 'o'
    """
)
_BATCHED: Final = One(
    """
    SELECT notification_id, batch FROM archive_late WHERE batch IS NOT NULL
    ORDER BY notification_id
    """
)
_BATCH: Final = One(
    """
    UPDATE archive_late SET batch = $1 WHERE batch IS NULL AND notification_id IN (
      SELECT notification_id FROM archive_late WHERE batch IS NULL
      ORDER BY notification_id LIMIT $2
    )
    AND EXISTS (SELECT 1 FROM archive_runs WHERE claim_token = $3)
    """
)
_FORGET: Final = One(
    """
    DELETE FROM archive_late WHERE batch = $1
    AND EXISTS (SELECT 1 FROM archive_runs WHERE claim_token = $2)
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveRun:
    """How far it is.

    Attributes:
        cursor: Id up to which all is archived.
        until: Last id of the window that is being written; None between two.
    """

    cursor: str
    until: str | None


class ArchiveRuns:
    """See the module."""

    def __init__(self, driver: Driver, clock: Clock) -> None:
        self._driver = driver
        self._clock = clock

    async def standing(self) -> ArchiveRun | None:
        """Return how far it is; None where it was never switched on."""
        rows = await self._driver.read(lambda: one_step(_STANDING()))
        return ArchiveRun(cursor=rows[0][0], until=rows[0][1]) if rows else None

    async def archived_before_ms(self) -> int:
        """Return the time before which everything that was received is archived.

        0 where it was never switched on: ask only where the settings say that it is.
        """

        def plan() -> Plan[int]:
            rows = yield _STANDING()
            if not rows:
                return 0
            late = yield from _oldest_late()
            return min(time_of(one) for one in (rows[0][0], late) if one is not None)

        return await self._driver.read(plan)

    async def claim(self, token: int, *, lease_ms: int) -> ArchiveRun | None:
        """Take the run for a time, or keep it; None while it is another process's.

        The first claim of all switches it on, from the oldest notification there is.

        Raises:
            StoreUnavailableError: Nothing was claimed.
        """
        now_ms = self._clock.now_ms()

        def plan() -> Plan[ArchiveRun | None]:
            yield _BEGIN(START, now_ms)
            rows = yield _CLAIM(token, now_ms + lease_ms, now_ms)
            return ArchiveRun(cursor=rows[0][0], until=rows[0][1]) if rows else None

        return await self._driver.write(plan)

    async def release(self, token: int) -> None:
        """Leave the run to whoever comes next."""
        await self._driver.write(lambda: one_step(_RELEASE(token)))

    async def release_all(self) -> None:
        """Free the lease, for a process that knows itself to be the only one."""
        await self._driver.write(lambda: one_step(_RELEASE_ALL()))

    async def plan(self, token: int, until: str) -> bool:
        """Note the window that is written next; tell whether the run still was the caller's."""
        return await self._driver.write(lambda: _some(_PLAN(token, until)))

    async def advance(self, token: int, until: str) -> bool:
        """Note that the window is archived; tell whether the run still was the caller's."""
        now_ms = self._clock.now_ms()
        return await self._driver.write(lambda: _some(_ADVANCE(token, until, now_ms)))

    async def first_late(self) -> str | None:
        """Return the oldest thing that waits to be archived by itself."""
        return await self._driver.read(_oldest_late)

    async def late_batch(self, token: int, *, limit: int) -> tuple[str, Sequence[str]] | None:
        """Return the name and ids of what is archived by itself next: the same until it is.

        Raises:
            StoreUnavailableError: Nothing was noted.
        """

        def plan() -> Plan[tuple[str, Sequence[str]] | None]:
            rows = yield _BATCHED()
            if not rows:
                [(first,)] = yield _FIRST_LATE()
                if first is None:
                    return None
                yield _BATCH(first, limit, token)
                rows = yield _BATCHED()
            return (rows[0][1], [row[0] for row in rows]) if rows else None

        return await self._driver.write(plan)

    async def late_archived(self, token: int, batch: str) -> None:
        """Note that a batch is archived, if the run still is the caller's."""
        await self._driver.write(lambda: one_step(_FORGET(batch, token)))


def _oldest_late() -> Plan[str | None]:
    rows = yield _OLDEST_LATE()
    return min((row[0] for row in rows if row[0] is not None), key=time_of, default=None)


def _some(step: Any) -> Plan[bool]:
    return bool((yield step))
