"""What stored notifications are found by: an order, a SKU, a report, feed, query or document.

Rows are written with the notification, from what the envelope's reader saw anyway. They lie by
week; whoever looks for one value asks week by week, each a range of the key, so the cost is that of
what is found and one look for each week kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from gateway.identifiers import Reference, ReferenceKind
from gateway.model import Arrival
from gateway.operations import time_of
from gateway.store import schema
from gateway.store.statements import Many, One, Plan, insert

WEEK_MS: Final = 7 * 86_400_000

_INSERT: Final = insert(
    schema.notification_refs, ("week", "kind", "value", "notification_id"), "ON CONFLICT DO NOTHING"
)
_FIRST_WEEK: Final = One("SELECT min(week) FROM notification_refs")
_LAST_WEEK: Final = One("SELECT max(week) FROM notification_refs")
_OLDEST: Final = One(
    """
    SELECT r.notification_id FROM notification_refs AS r
    WHERE r.week = $1 AND r.kind = $2 AND r.value = $3
      AND r.notification_id > $4 AND r.notification_id < $5
      AND EXISTS (SELECT 1 FROM notifications AS n WHERE n.id = r.notification_id)
    ORDER BY r.notification_id LIMIT $6
    """
)
_NEWEST: Final = One(
    """
    SELECT r.notification_id FROM notification_refs AS r
    WHERE r.week = $1 AND r.kind = $2 AND r.value = $3
      AND r.notification_id > $4 AND r.notification_id < $5
      AND EXISTS (SELECT 1 FROM notifications AS n WHERE n.id = r.notification_id)
    ORDER BY r.notification_id DESC LIMIT $6
    """
)
_NEWEST_OF_ANY: Final = Many(
    """
    WITH v(week, kind, value) AS ({rows})
    SELECT r.notification_id FROM v CROSS JOIN notification_refs AS r
    WHERE r.week = v.week AND r.kind = v.kind AND r.value = v.value
    """,
    ("bigint", "text", "text"),
)
_FORGET: Final = One(
    """
    DELETE FROM notification_refs WHERE (week, kind, value, notification_id) IN (
      SELECT week, kind, value, notification_id FROM notification_refs WHERE week < $1
      ORDER BY week, kind, value, notification_id LIMIT $2
    ) RETURNING week
    """
)


def week_of(notification_id: str) -> int:
    """Return the week that a notification's references lie in."""
    return time_of(notification_id) // WEEK_MS


def refer(arrivals: Iterable[Arrival]) -> Plan[None]:
    """Note what notifications that were just stored are about."""
    yield from refer_to((one.id, one.envelope.references) for one in arrivals)


def refer_to(notifications: Iterable[tuple[str, Iterable[Reference]]]) -> Plan[None]:
    """Note what notifications, given by their ids, are about; again is no harm."""
    rows = [
        (week_of(notification_id), kind.value, value, notification_id)
        for notification_id, references in notifications
        for kind, value in references
    ]
    if rows:
        yield _INSERT(rows)


def forget(before: str, limit: int) -> Plan[int]:
    """Delete the rows of weeks that end before an id, at most so many; return how many."""
    return len((yield _FORGET(week_of(before), limit)))


def about(
    reference: Reference, after: str, before: str, limit: int, *, newest_first: bool = False
) -> Plan[Sequence[str]]:
    """Return the ids of notifications about one thing, of those between two ids, in their order.

    A row may outlive its notification for some days; it counts as none then.

    Args:
        reference: The thing.
        after: Exclusive; an id, or what `first_id` makes of a time.
        before: Exclusive, likewise.
        limit: Most ids.
        newest_first: Which end to begin at.
    """
    kind, value = reference
    weeks: Sequence[int] = yield from _weeks(after, before)
    statement = _NEWEST if newest_first else _OLDEST
    found: list[str] = []
    for week in reversed(weeks) if newest_first else weeks:
        rows = yield statement(week, kind.value, value, after, before, limit - len(found))
        found += [row[0] for row in rows]
        if len(found) >= limit:
            break
    return found


def called(value: str, kinds: Iterable[ReferenceKind], limit: int) -> Plan[set[str]]:
    """Return the newest notifications about whatever of some kinds is called so."""
    first, last = yield from _span()
    rows = [(week, kind.value, value) for kind in kinds for week in range(first, last + 1)]
    found = {row[0] for row in (yield _NEWEST_OF_ANY(rows))} if rows else set()
    return set(sorted(found)[-limit:])


def _weeks(after: str, before: str) -> Plan[range]:
    first, last = yield from _span()
    return range(max(first, _week(after, first)), min(last, _week(before, last)) + 1)


def _week(cursor: str, otherwise: int) -> int:
    """Return the week of a cursor, which may be no id of ours: whoever asks can write anything."""
    try:
        return week_of(cursor)
    except ValueError:
        return otherwise


def _span() -> Plan[tuple[int, int]]:
    first, last = (yield _FIRST_WEEK())[0][0], (yield _LAST_WEEK())[0][0]
    return (0, -1) if first is None else (first, last)
