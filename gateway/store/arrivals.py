"""When the newest notification of each type came in, and of each seller where that is listened for.

What is noted stands with the notification in one transaction, so that it outlives any kill.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from gateway.model import Arrival
from gateway.store.statements import Many, One, Plan

_NOTE: Final = Many(
    """
    INSERT INTO arrivals (seller_id, type, newest_at_ms) {rows}
    ON CONFLICT (seller_id, type) DO UPDATE SET newest_at_ms = excluded.newest_at_ms
      WHERE excluded.newest_at_ms > arrivals.newest_at_ms
    """,
    ("text", "text", "bigint"),
)
# The key begins with the seller, so that this reads one row for each type.
NEWEST_OF_TYPES: Final = One(
    "SELECT type, newest_at_ms FROM arrivals WHERE seller_id = '' ORDER BY type LIMIT $1"
)


def noting(arrivals: Iterable[Arrival], sellers: Mapping[str, str | None]) -> Plan[None]:
    """Note when those arrivals came in that are to be noted; `sellers` is by arrival id."""
    newest: dict[tuple[str, str], int] = {}
    for one in arrivals:
        whose = {""} if one.noted else set()
        if one.seller_noted:
            whose.add(sellers.get(one.id) or "")
        for seller_id in whose:
            key = (seller_id, one.envelope.type)
            newest[key] = max(one.received_at_ms, newest.get(key, 0))
    if newest:
        # Sorted: two processes then wait for each other in one direction only.
        yield _NOTE([(*key, at_ms) for key, at_ms in sorted(newest.items())])
