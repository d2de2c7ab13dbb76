"""The statements of retention's walks, all made after one pattern.

Each walk has a table whose rows it looks at in the order of their ids, a condition under which a
row has not ended, and what it does to those that have: delete them, or empty them of what they hold
and leave the rest for operators.
"""

# ruff: noqa: S608 tables and conditions are ours, every value is a parameter

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.store.statements import Many, One


class Walk(StrEnum):
    """What is kept for a time of its own, in the order in which it goes."""

    PERSONAL_MESSAGES = "personal_messages"
    MESSAGES = "messages"
    PERSONAL_PAYLOADS = "personal_payloads"
    PAYLOADS = "payloads"
    ATTEMPTS = "attempts"
    DELIVERIES = "deliveries"
    EVENTS = "events"
    HANDLINGS = "handlings"
    NOTIFICATIONS = "notifications"
    QUARANTINE = "quarantine"
    OPERATIONS = "operations"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkSql:
    """The statements of one walk.

    Attributes:
        look: (after, before, limit) → (id, whether it has not ended, bytes held, type) of rows.
        again: The same of rows named as (id).
        action: Does rows named as (id); returns the ids of those it did.
        hanging: What goes with those, named as (id).
        first: (after) → the id of the first row.
        count: (after, limit) → the number of rows, and the last id among them.
        sample: → the number of rows sampled, and the bytes they hold.
        empties: Whether done rows stay, emptied.
    """

    look: One
    again: Many
    action: Many
    hanging: Sequence[Many]
    first: One
    count: One
    sample: One
    empties: bool


_SAMPLED: Final = 200


def _walk(
    table: str,
    *,
    action: str,
    busy: str = "1 = 0",
    size: str = "0",
    kind: str = "NULL",
    hanging: Sequence[str] = (),
    empties: bool = False,
) -> WalkSql:
    columns = f"t.id, {busy} AS busy, {size} AS held, {kind} AS kind"
    return WalkSql(
        look=One(
            f"SELECT {columns} FROM {table} AS t "
            "WHERE t.id > $1 AND t.id < $2 ORDER BY t.id LIMIT $3"
        ),
        again=Many(
            f"WITH v(id) AS ({{rows}}) "
            f"SELECT {columns} FROM v CROSS JOIN {table} AS t WHERE t.id = v.id",
            ("text",),
        ),
        action=Many(f"WITH v(id) AS ({{rows}}) {action}", ("text",)),
        hanging=[Many(f"WITH v(id) AS ({{rows}}) {one}", ("text",)) for one in hanging],
        first=One(f"SELECT t.id FROM {table} AS t WHERE t.id > $1 ORDER BY t.id LIMIT 1"),
        count=One(
            f"SELECT count(*), max(page.id) FROM "
            f"(SELECT t.id FROM {table} AS t WHERE t.id > $1 ORDER BY t.id LIMIT $2) AS page"
        ),
        sample=One(
            f"SELECT count(*), sum(page.held) FROM "
            f"(SELECT {size} AS held FROM {table} AS t ORDER BY t.id DESC LIMIT {_SAMPLED}) AS page"
        ),
        empties=empties,
    )


def _any(source: str, condition: str) -> str:
    """Return a condition that there is such a row, looked for by index for each row by itself.

    Of an EXISTS PostgreSQL may make a hash of all of history instead.
    """
    return f"(SELECT 1 FROM {source} WHERE {condition} LIMIT 1) IS NOT NULL"


_DUE: Final = "('pending', 'leased', 'held')"
_HANDLED: Final = _any("handlings AS h", "h.notification_id = t.id")
_OWED: Final = _any(
    "handlings AS h", "h.notification_id = t.id AND h.state IN ('pending', 'leased')"
)
_DELIVERED: Final = _any("deliveries AS d", "d.event_id = t.id")
_SENT: Final = _any("deliveries AS d", f"d.event_id = t.id AND d.state IN {_DUE}")
_ENTERED: Final = _any(
    "feeds AS f CROSS JOIN feed_entries AS e", "e.endpoint_id = f.endpoint_id AND e.event_id = t.id"
)
_MESSAGES: Final = _walk(
    "notifications",
    busy=_OWED,
    size="length(t.body)",
    kind="t.type",
    action="""
      UPDATE notifications SET body = substr(body, 1, 0), body_sealed = false
      WHERE id IN (SELECT id FROM v) RETURNING id
    """,
    empties=True,
)
_PAYLOADS: Final = _walk(
    "events",
    busy=f"({_SENT} OR {_ENTERED})",
    size="length(t.body) + coalesce(length(t.thin_body), 0)",
    kind="t.type",
    action="""
      UPDATE events SET body = substr(body, 1, 0), thin_body = NULL
      WHERE id IN (SELECT id FROM v) RETURNING id
    """,
    empties=True,
)

_GOES: Final = "WHERE id IN (SELECT id FROM v)"

WALKS: Final[Mapping[Walk, WalkSql]] = {
    # What may hold personal data has a walk of its own, as its time may be shorter.
    Walk.PERSONAL_MESSAGES: _MESSAGES,
    Walk.MESSAGES: _MESSAGES,
    Walk.PERSONAL_PAYLOADS: _PAYLOADS,
    Walk.PAYLOADS: _PAYLOADS,
    Walk.ATTEMPTS: _walk(
        "attempts",
        busy=_any("deliveries AS d", f"d.id = t.delivery_id AND d.state IN {_DUE}"),
        size="length(t.answer)",
        action=f"DELETE FROM attempts {_GOES} RETURNING id",
    ),
    Walk.DELIVERIES: _walk(
        "deliveries",
        busy=f"t.state IN {_DUE}",
        action=f"DELETE FROM deliveries {_GOES} AND state NOT IN {_DUE} RETURNING id",
        hanging=["DELETE FROM attempts WHERE delivery_id IN (SELECT id FROM v)"],
    ),
    Walk.EVENTS: _walk(
        "events",
        busy=f"({_DELIVERED} OR {_ENTERED})",
        size="length(t.body)",
        action=f"DELETE FROM events {_GOES} RETURNING id",
    ),
    Walk.HANDLINGS: _walk(
        "handlings",
        busy="t.state IN ('pending', 'leased')",
        action=f"""
          DELETE FROM handlings {_GOES} AND state NOT IN ('pending', 'leased') RETURNING id
        """,
    ),
    Walk.NOTIFICATIONS: _walk(
        "notifications",
        busy=_HANDLED,
        size="length(t.body)",
        action=f"DELETE FROM notifications {_GOES} RETURNING id",
        hanging=["DELETE FROM receipts WHERE notification_id IN (SELECT id FROM v)"],
    ),
    Walk.QUARANTINE: _walk(
        "quarantine",
        size="t.size_bytes",
        action=f"DELETE FROM quarantine {_GOES} RETURNING id",
    ),
    Walk.OPERATIONS: _walk(
        "operations",
        busy="t.ended_at_ms IS NULL",
        action=f"DELETE FROM operations {_GOES} AND ended_at_ms IS NOT NULL RETURNING id",
    ),
    Walk.AUDIT: _walk(
        "audit_log",
        size="length(t.changes)",
        action=f"DELETE FROM audit_log {_GOES} RETURNING id",
    ),
}
"""The statements of every walk."""
