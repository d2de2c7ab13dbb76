"""What came in of the types that are swept, and where each sweep ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.clock import Clock
from gateway.store.driver import Driver
from gateway.store.memories import DAY_MS
from gateway.store.statements import Many, One, Plan, Rows, one_step

_FORGET_LIMIT: Final = 1_000

SIGHT: Final = Many(
    """
    INSERT INTO sightings (type, seller_id, subject, at_ms, day) {rows}
    ON CONFLICT (type, seller_id, subject) DO UPDATE SET at_ms = excluded.at_ms, day = excluded.day
      WHERE excluded.at_ms > sightings.at_ms
    """,
    ("text", "text", "text", "bigint", "bigint"),
)
"""Notes what came in, as (type, seller, subject, time, day); each (type, seller, subject) once."""

_SEEN: Final = Many(
    """
    WITH v(type, seller_id, subject) AS ({rows})
    SELECT s.subject, s.at_ms FROM v CROSS JOIN sightings AS s
    WHERE s.type = v.type AND s.seller_id = v.seller_id AND s.subject = v.subject
    """,
    ("text", "text", "text"),
)
_FORGET: Final = One(
    """
    DELETE FROM sightings WHERE (type, seller_id, subject) IN (
      SELECT type, seller_id, subject FROM sightings WHERE day < $1 ORDER BY day LIMIT $2
    ) RETURNING type
    """
)
_SWEPT_TO: Final = One("SELECT swept_to_ms FROM sweeps WHERE seller_id = $1 AND type = $2")
_ENDED: Final = One(
    """
    INSERT INTO sweeps (seller_id, type, swept_to_ms, ended_at_ms, checked, found, found_total)
    VALUES ($1, $2, $3, $4, $5, $6, $6)
    ON CONFLICT (seller_id, type) DO UPDATE SET
      swept_to_ms = CASE WHEN excluded.swept_to_ms > sweeps.swept_to_ms
        THEN excluded.swept_to_ms ELSE sweeps.swept_to_ms END,
      ended_at_ms = excluded.ended_at_ms, checked = excluded.checked, found = excluded.found,
      found_total = sweeps.found_total + excluded.found
    """
)
_LIST: Final = One(
    """
    SELECT seller_id, type, swept_to_ms, ended_at_ms, checked, found, found_total FROM sweeps
    WHERE (seller_id, type) > ($1, $2) ORDER BY seller_id, type LIMIT $3
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepView:
    """How far a seller and type were swept.

    Attributes:
        swept_time_ms: Everything up to then was compared.
        checked: How many things the last sweep looked at.
        found: How many of them were missing.
        found_total: Missing ones of all sweeps.
    """

    seller_id: str
    type: str
    swept_time_ms: int
    ended_at_ms: int
    checked: int
    found: int
    found_total: int

    @property
    def id(self) -> str:
        """What a list goes on behind."""
        return f"{self.seller_id}/{self.type}"


class Sweeps:
    """See the module."""

    def __init__(self, driver: Driver, clock: Clock) -> None:
        self._driver = driver
        self._clock = clock

    async def swept_to_ms(self, seller_id: str, swept: str) -> int | None:
        """Return where the last sweep of a seller and type ended, or None."""
        rows = await self._driver.read(lambda: one_step(_SWEPT_TO(seller_id, str(swept))))
        return rows[0][0] if rows else None

    async def seen(self, seller_id: str, swept: str, subjects: Sequence[str]) -> Mapping[str, int]:
        """Return, of the subjects that came in, the time of the newest change."""
        rows = [(str(swept), seller_id, one) for one in sorted(set(subjects))]
        return {row[0]: row[1] for row in await self._driver.read(lambda: _seen(rows))}

    async def ended(
        self, seller_id: str, swept: str, *, swept_to_ms: int, checked: int, found: int
    ) -> None:
        """Note that a sweep ended; an older end never replaces a newer one."""
        now_ms = self._clock.now_ms()
        params = (seller_id, str(swept), swept_to_ms, now_ms, checked, found)
        await self._driver.write(lambda: one_step(_ENDED(*params)))

    async def list(self, *, after: str | None = None, limit: int = 50) -> Sequence[SweepView]:
        """Return how far everything was swept; `after` is the id of the last one before."""
        seller_id, _, swept = (after or "").partition("/")
        rows = await self._driver.read(lambda: one_step(_LIST(seller_id, swept, limit)))
        return [
            SweepView(
                seller_id=row[0],
                type=row[1],
                swept_time_ms=row[2],
                ended_at_ms=row[3],
                checked=row[4],
                found=row[5],
                found_total=row[6],
            )
            for row in rows
        ]

    async def forget(self, before_ms: int) -> int:
        """Forget what came in before a day, at most a thousand; return how many they were."""
        params = (before_ms // DAY_MS, _FORGET_LIMIT)
        return len(await self._driver.write(lambda: one_step(_FORGET(*params))))


def _seen(rows: Sequence[tuple[str, str, str]]) -> Plan[Rows]:
    return (yield _SEEN(rows)) if rows else ()
