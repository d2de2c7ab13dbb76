"""How long each kind of thing is kept. Pure: settings in, walks with their ends out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.model import IdPrefix
from gateway.operations import first_id
from gateway.store.retention_sql import Walk

DAY_MS: Final = 86_400_000

_PREFIXES: Final = {
    Walk.PERSONAL_MESSAGES: IdPrefix.NOTIFICATION,
    Walk.MESSAGES: IdPrefix.NOTIFICATION,
    Walk.PERSONAL_PAYLOADS: IdPrefix.EVENT,
    Walk.PAYLOADS: IdPrefix.EVENT,
    Walk.ATTEMPTS: IdPrefix.ATTEMPT,
    Walk.DELIVERIES: IdPrefix.DELIVERY,
    Walk.EVENTS: IdPrefix.EVENT,
    Walk.HANDLINGS: IdPrefix.HANDLING,
    Walk.NOTIFICATIONS: IdPrefix.NOTIFICATION,
    Walk.QUARANTINE: IdPrefix.QUARANTINE,
    Walk.OPERATIONS: IdPrefix.OPERATION,
    Walk.AUDIT: IdPrefix.AUDIT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """For how many days everything is kept; see the settings."""

    message_days: int
    payload_days: int
    personal_data_days: int
    attempt_days: int
    metadata_days: int
    deduplication_days: int
    quarantine_days: int
    audit_days: int
    impersonal_types: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One walk, and where it ends.

    Attributes:
        days: How long its kind is kept.
        before: Ids from this on are too young.
        spared: Types that the walk passes by.
    """

    walk: Walk
    days: int
    before: str
    spared: frozenset[str] = frozenset()


def rules(kept: Kept, now_ms: int, *, archived_before_ms: int | None = None) -> Sequence[Rule]:
    """Return every walk, in the order in which they are taken: what hangs on others goes first.

    Args:
        kept: For how long.
        now_ms: Time.
        archived_before_ms: What was received from then on is not in the archive yet, and its
            message stays until it is; None where nothing is archived as it comes.
    """
    personal = kept.personal_data_days
    days = {
        Walk.PERSONAL_MESSAGES: personal if personal < kept.message_days else None,
        Walk.MESSAGES: kept.message_days,
        Walk.PERSONAL_PAYLOADS: personal if personal < kept.payload_days else None,
        Walk.PAYLOADS: kept.payload_days,
        Walk.ATTEMPTS: min(kept.attempt_days, personal),
        Walk.DELIVERIES: kept.metadata_days,
        Walk.EVENTS: kept.metadata_days,
        Walk.HANDLINGS: kept.metadata_days,
        Walk.NOTIFICATIONS: max(kept.metadata_days, kept.deduplication_days),
        Walk.QUARANTINE: min(kept.quarantine_days, personal),
        Walk.OPERATIONS: kept.audit_days,
        Walk.AUDIT: kept.audit_days,
    }
    sparing = (Walk.PERSONAL_MESSAGES, Walk.PERSONAL_PAYLOADS)
    return [
        Rule(
            walk=walk,
            days=count,
            before=first_id(
                _PREFIXES[walk], _end(walk, now_ms - count * DAY_MS, archived_before_ms)
            ),
            spared=kept.impersonal_types if walk in sparing else frozenset(),
        )
        for walk in Walk
        if (count := days[walk]) is not None
    ]


_ARCHIVED: Final = (IdPrefix.NOTIFICATION, IdPrefix.QUARANTINE)


def _end(walk: Walk, before_ms: int, archived_before_ms: int | None) -> int:
    if archived_before_ms is None or _PREFIXES[walk] not in _ARCHIVED:
        return before_ms
    return min(before_ms, archived_before_ms)


MEASURED: Final = tuple(
    walk for walk in Walk if walk not in (Walk.PERSONAL_MESSAGES, Walk.PERSONAL_PAYLOADS)
)
"""The walks whose kinds are counted; the others are about the same rows."""
