"""Amazon's destinations as they were seen last, by application and region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.clock import Clock
from gateway.store import schema
from gateway.store.driver import Driver
from gateway.store.statements import One, Plan, insert, one_step

_COLUMNS: Final = tuple(column.name for column in schema.destinations.c)
_GONE: Final = One("DELETE FROM destinations WHERE application_id = $1 AND region = $2")
_SEEN: Final = insert(
    schema.destinations,
    _COLUMNS,
    """
    ON CONFLICT (id, region) DO UPDATE SET application_id = excluded.application_id,
      name = excluded.name, kind = excluded.kind, place = excluded.place,
      declared = excluded.declared, fault = excluded.fault, seen_at_ms = excluded.seen_at_ms
    """,
)
_LIST: Final = One(
    f"""
    SELECT {", ".join(_COLUMNS)} FROM destinations
    WHERE (id, region) > ($1, $2) ORDER BY id, region LIMIT $3
    """  # noqa: S608 columns are ours
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenDestination:
    """A destination that Amazon has, or that is declared and does not exist.

    Attributes:
        id: Amazon's id; of one that does not exist a stable name of ours.
        kind: `sqs`, `eventBridge`, or what Amazon calls it; None where it does not exist.
        place: ARN of the queue, or account and AWS region of the bus.
        declared: Its name in the settings, or None.
        fault: Why it does not exist, or None.
    """

    id: str
    name: str | None
    kind: str | None
    place: str | None
    declared: str | None
    fault: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationView(SeenDestination):
    """One with where it belongs, and when it was seen."""

    application_id: str
    region: str
    seen_at_ms: int

    @property
    def cursor(self) -> str:
        """Its place in the list."""
        return f"{self.id}:{self.region}"


class Destinations:
    """See the module."""

    def __init__(self, driver: Driver, clock: Clock) -> None:
        self._driver = driver
        self._clock = clock

    async def looked(
        self, application_id: str, region: str, seen: Sequence[SeenDestination]
    ) -> None:
        """Note all that an application has in a region; what is not among them is gone."""
        now_ms = self._clock.now_ms()
        rows = [
            (
                one.id,
                region,
                application_id,
                one.name,
                one.kind,
                one.place,
                one.declared,
                one.fault,
                now_ms,
            )
            for one in sorted(seen, key=lambda one: one.id)
        ]
        await self._driver.write(lambda: _looked(application_id, region, rows))

    async def list(self, *, after: str | None = None, limit: int = 50) -> Sequence[DestinationView]:
        """Return destinations in the order of their ids; `after` is the cursor of the last one."""
        last_id, _, last_region = (after or "").rpartition(":")
        rows = await self._driver.read(lambda: one_step(_LIST(last_id, last_region, limit)))
        return [DestinationView(**dict(zip(_COLUMNS, row, strict=True))) for row in rows]


def _looked(application_id: str, region: str, rows: Sequence[tuple[Any, ...]]) -> Plan[None]:
    yield _GONE(application_id, region)
    if rows:
        yield _SEEN(rows)
