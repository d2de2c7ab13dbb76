"""Counts what an erasure would erase. It changes nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.clock import Clock
from gateway.erasures import Erasure
from gateway.errors import ConflictError
from gateway.retention.looking import Looking, start
from gateway.retention.pacing import Pace, next_pace
from gateway.retention.subject import Mentions
from gateway.store.erasing import Found
from gateway.store.erasing_sql import Place

_LOOKED_THROUGH: Final = tuple(
    place for place in Place if place not in (Place.ORDER, Place.ARCHIVES, Place.FILES)
)


class Shelves(Protocol):
    """The archives that are counted."""

    async def erase(self, mentions: Mentions, places: Sequence[str], *, dry_run: bool) -> int:
        """Return, in a dry run, how many lines of every archive would go."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What an erasure would erase.

    Attributes:
        counts: How many things, by place; places without any are left out.
        complete: Whether all was looked through; else there may be more.
    """

    counts: Mapping[str, int]
    complete: bool


class Counting:
    """Counts everything, however long that takes."""

    def __init__(self, looking: Looking, shelves: Shelves, clock: Clock) -> None:
        self._looking = looking
        self._shelves = shelves
        self._clock = clock

    async def count(self, erasure: Erasure, *, within_s: float | None = None) -> Counted:
        """Return how many things of each place an erasure would erase.

        Args:
            erasure: It need not have begun.
            within_s: After so long the count ends where it is. It rests between pages then, as it
                runs beside other traffic.

        Raises:
            SealError: A body can't be opened, so whom it is about can't be told.
            ArchiveFaultError: An archive was altered.
            DependencyError: The store, or where documents or archives lie, does not answer.
        """
        counts: Counter[str] = Counter()
        until_s = None if within_s is None else self._clock.monotonic_s() + within_s
        complete = await self._count(erasure, counts, until_s)
        return Counted(counts=+counts, complete=complete)

    async def _count(self, erasure: Erasure, counts: Counter[str], until_s: float | None) -> bool:
        assert erasure.subject is not None
        mentions = Mentions(erasure.subject)
        for place in _LOOKED_THROUGH:
            after: Sequence[str] | None = start(place)
            while after is not None:
                started_s = self._clock.monotonic_s()
                if until_s is not None and started_s >= until_s:
                    return False
                _, found, after = await self._looking.page(place, after, mentions)
                counts.update(_counted(place, found))
                if until_s is not None:
                    took_s = self._clock.monotonic_s() - started_s
                    await self._clock.sleep(next_pace(Pace(), took_s=took_s, busy=False).rest_s)
        left_s = None if until_s is None else until_s - self._clock.monotonic_s()
        limit = asyncio.timeout(left_s)
        try:
            async with limit:
                counts[Place.ARCHIVES.value] += await self._shelves.erase(
                    mentions, erasure.archives, dry_run=True
                )
        except TimeoutError:
            if not limit.expired():
                raise
            return False
        return True


class CountsInTurn:
    """Counts for whoever asks a running gateway: one erasure at a time, inside a bound of time."""

    def __init__(self, counting: Counting, *, within_s: float) -> None:
        self._counting = counting
        self._within_s = within_s
        self._turn = asyncio.Lock()

    async def count(self, erasure: Erasure) -> Counted:
        """See `Counting`.

        Raises:
            ConflictError: Another one is counted.
        """
        if self._turn.locked():
            raise ConflictError("another erasure is being counted; ask again in a moment")
        async with self._turn:
            return await self._counting.count(erasure, within_s=self._within_s)


def _counted(place: Place, found: Found) -> Mapping[str, int]:
    if place is Place.HANDLINGS:  # their notifications were mostly met before
        return {"handlings": len(found.notifications)}
    keyed = {table.value: len(keys) for table, keys in found.keyed.items()}
    return {
        "notifications": len(set(found.notifications)),
        "events": len(set(found.events)),
        "attempts": len(set(found.attempts)),
        **keyed,
    }
