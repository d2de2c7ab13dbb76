"""Order behind a key: which keyed handling may run, and which waits parked behind it.

Of all handlings of one (handler, lane, key) at most one is not parked, its head; a unique index
holds it to that. On PostgreSQL those who add a handling to a key and those who end one take the
key's advisory lock first (in sorted order, so that they never wait in a circle): without it a row
could be parked behind a head that ends in the same moment, and wait for ever. A claim needs no such
lock, because it never leaves a key without a head, and it holds the head's row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.store.statements import Each, Many, One

_LOCK: Final = """
SELECT pg_advisory_xact_lock(hash) FROM (
  SELECT DISTINCT hashtextextended(handler || chr(31) || lane || chr(31) || key, 0) AS hash
  FROM ({source}) AS named ORDER BY 1
) AS sorted
"""

LOCK_KEYS: Final = One(
    None,
    _LOCK.format(
        source="SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) AS v(handler, lane, key)"
    ),
)
"""Locks keys that are named as three arrays: handlers, lanes, keys."""

LOCK_KEYS_OF: Final = One(
    None,
    _LOCK.format(
        source="""
          SELECT handler, lane, key FROM handlings
          WHERE id = ANY($1::text[]) AND key IS NOT NULL
        """
    ),
)
"""Locks the keys of handlings that are named by an array of ids."""

HEADS: Final = Many(
    """
    WITH v(handler, lane, key) AS ({rows})
    SELECT h.handler, h.lane, h.key FROM v CROSS JOIN handlings AS h
    WHERE h.handler = v.handler AND h.lane = v.lane AND h.key = v.key
      AND h.key IS NOT NULL AND h.state IN ('pending', 'leased') AND h.readiness > 0
    """,
    ("text", "text", "text"),
)
"""Returns which of (handler, lane, key) have a head."""

NEXT_HEADS: Final = Many(
    """
    WITH v(handler, lane, key) AS ({rows})
    UPDATE handlings SET readiness = 2 WHERE id IN (
      SELECT (
        SELECT h.id FROM handlings AS h
        WHERE h.state = 'pending' AND h.readiness = 0
          AND h.handler = v.handler AND h.lane = v.lane AND h.key = v.key
        ORDER BY h.event_time_ms, h.id LIMIT 1
      ) FROM v
    ) RETURNING id
    """,
    ("text", "text", "text"),
)
"""Makes the oldest parked handling of each (handler, lane, key) its head."""

NEWEST_PARKED: Final = Each(
    """
    SELECT $1, h.id, h.event_time_ms FROM handlings AS h
    WHERE h.state = 'pending' AND h.readiness = 0 AND h.coalesces
      AND h.handler = $2 AND h.lane = $3 AND h.key = $4
    ORDER BY h.event_time_ms DESC, h.id DESC LIMIT 1
    """,
    """
    SELECT v.head, h.id, h.event_time_ms FROM ({rows}) AS v(head, handler, lane, key)
    CROSS JOIN LATERAL (
      SELECT p.id, p.event_time_ms FROM handlings AS p
      WHERE p.state = 'pending' AND p.readiness = 0 AND p.coalesces
        AND p.handler = v.handler AND p.lane = v.lane AND p.key = v.key
      ORDER BY p.event_time_ms DESC, p.id DESC LIMIT 1
    ) AS h
    """,
    ("text", "text", "text", "text"),
)
"""Returns (head, newest parked, its event time) of heads named as (id, handler, lane, key)."""


def key_lock_arrays(keys: Sequence[tuple[str, str, str]]) -> tuple[list[str], ...]:
    """Return `keys` as the three arrays that `LOCK_KEYS` takes."""
    return [k[0] for k in keys], [k[1] for k in keys], [k[2] for k in keys]
