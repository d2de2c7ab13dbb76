"""What a run of retention would do now, by kind; it changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.retention.rules import Kept, rules
from gateway.store.retention import Ahead, made_at_ms
from gateway.store.retention_sql import Walk


class Looked(Protocol):
    """What a plan needs of the store; see `gateway.store.retention`."""

    async def ahead(
        self, walk: Walk, before: str, *, spared: frozenset[str] = frozenset()
    ) -> Ahead:
        """Return what a walk would do now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What would go of one kind.

    Attributes:
        kind: A walk, or `documents`.
        days: How long it is kept.
        rows: How many would be deleted or emptied.
        bytes: How much they hold.
        kept: How many are old enough and stay, as they have not ended or something hangs on them.
        oldest_at_ms: When the oldest of those that would go was made; None if none would.
    """

    kind: str
    days: int
    rows: int
    bytes: int
    kept: int = 0
    oldest_at_ms: int | None = None


async def planned(store: Looked, kept: Kept, now_ms: int) -> Sequence[Planned]:
    """Return what would go now, in the order in which it goes.

    What would go only because something before it does is not counted: a notification whose
    handlings go in the same run is told among those that stay.
    """
    found = []
    for rule in rules(kept, now_ms):
        ahead = await store.ahead(rule.walk, rule.before, spared=rule.spared)
        found.append(
            Planned(
                kind=rule.walk.value,
                days=rule.days,
                rows=ahead.rows,
                bytes=ahead.bytes,
                kept=ahead.kept,
                oldest_at_ms=None if ahead.oldest_id is None else made_at_ms(ahead.oldest_id),
            )
        )
    return found
