"""Receipts: what came in once more, noted where it is recognised.

Only duplicates are noted here; the first receipt is the notification itself. Of one notification
the first twenty stay, so that a message that comes for ever fills nothing. What this gateway makes
itself (jobs) is no receipt: replicas ask for one and the same on purpose.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from gateway.model import Arrival, Origin
from gateway.store import schema
from gateway.store.statements import Many, Plan, insert

MOST_RECEIPTS: Final = 20
"""Most duplicates that are noted of one notification."""

_OWN: Final = frozenset({Origin.SCHEDULE, Origin.REQUEST})

_KNOWN: Final = Many(
    """
    WITH v(identity) AS ({rows})
    SELECT n.identity, n.id,
      (SELECT count(*) FROM receipts AS r WHERE r.notification_id = n.id)
    FROM v CROSS JOIN notifications AS n WHERE n.identity = v.identity
    """,
    ("text",),
)
_NOTE: Final = insert(
    schema.receipts,
    ("notification_id", "id", "message_id", "source", "origin", "received_at_ms"),
    "ON CONFLICT DO NOTHING",
)


def note(duplicates: Iterable[Arrival]) -> Plan[None]:
    """Note arrivals whose identities the inbox has already."""
    known = [one for one in duplicates if one.origin not in _OWN]
    if not known:
        return
    found = yield _KNOWN([(one,) for one in sorted({one.envelope.identity for one in known})])
    ids = {row[0]: row[1] for row in found}
    room = {row[0]: MOST_RECEIPTS - row[2] for row in found}
    rows: list[tuple[Any, ...]] = []
    for one in known:
        identity = one.envelope.identity
        # What has the notification's own id is no further receipt: its commit was not heard of.
        # What is not there any more has gone with retention a moment ago.
        if ids.get(identity) in (None, one.id) or room[identity] <= 0:
            continue
        room[identity] -= 1
        about = (one.message_id, one.source, one.origin.value, one.received_at_ms)
        rows.append((ids[identity], one.id, *about))
    if rows:
        yield _NOTE(rows)
