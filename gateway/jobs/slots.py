"""When a schedule is due. Pure: the time is passed in.

A schedule has slots: the times that its cron expression names in its time zone, or whole multiples
of its interval since the epoch. Where clocks are put back, a daily time comes once, and where they
are put forward over it, right after; as Debian's cron does it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim

_HORIZON = timedelta(days=366 * 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a job is due, and for whom.

    Attributes:
        cron: Five fields; None where `every_s` is set.
        seller_ids: Empty for all sellers.
        jitter_s: Sellers' requests are spread over so many seconds after a slot.
    """

    name: str
    job: str
    cron: str | None = None
    every_s: float | None = None
    time_zone: str = "UTC"
    seller_ids: tuple[str, ...] = ()
    jitter_s: float = 0.0
    options: Mapping[str, Any] = field(default_factory=dict)


def latest_slot_ms(schedule: Schedule, now_ms: int) -> int | None:
    """Return the newest slot that is not after `now_ms`, or None where there is none."""
    if schedule.every_s is not None:
        every_ms = round(schedule.every_s * 1000)
        return now_ms // every_ms * every_ms
    # Iteration goes to slots before its start; the next second lets a slot that is now be found.
    start = _local(schedule, now_ms // 1000 * 1000 + 1000)
    return _first(schedule, start, reverse=True)


def next_slot_ms(schedule: Schedule, now_ms: int) -> int | None:
    """Return the first slot after `now_ms`, or None where there is none."""
    if schedule.every_s is not None:
        every_ms = round(schedule.every_s * 1000)
        return now_ms // every_ms * every_ms + every_ms
    return _first(schedule, _local(schedule, now_ms), reverse=False)


def jitter_ms(schedule: Schedule, seller_id: str) -> int:
    """Return how long after a slot a seller's request is made: ever the same, on every replica."""
    if schedule.jitter_s <= 0:
        return 0
    digest = hashlib.sha256(f"{schedule.name}\0{seller_id}".encode()).digest()
    return int.from_bytes(digest[:6], "big") * round(schedule.jitter_s * 1000) >> 48


def _local(schedule: Schedule, at_ms: int) -> datetime:
    zone = UTC if schedule.time_zone == "UTC" else ZoneInfo(schedule.time_zone)
    return datetime.fromtimestamp(at_ms / 1000, zone)


def _first(schedule: Schedule, start: datetime, *, reverse: bool) -> int | None:
    assert schedule.cron is not None
    found = next(CronSim(schedule.cron, start, reverse=reverse), None)
    if found is None or abs(found - start) > _HORIZON:
        return None
    return round(found.timestamp() * 1000)
