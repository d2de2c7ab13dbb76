"""Order behind a key: which delivery of a key may go out, and which wait parked behind it.

It works as for handlings (`keys.py`): of all deliveries of one (endpoint, key) at most one is not
parked, its head; a unique index holds it to that, and on PostgreSQL who adds to a key or ends a
head takes the key's advisory lock first. A head that ends makes the next one head in the same
transaction. What comes in another way (an endpoint enabled again, a head that has held up the
others for too long) is put right by `keep_order`, some keys at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from gateway.store.lanes import lanes_sql, start_after
from gateway.store.signals import DELIVERIES_TOPIC
from gateway.store.statements import Many, One, Plan, Rows, Signal

OrderKey: TypeAlias = tuple[str, str]
"""An endpoint's id and an order key."""

_KEYS_AT_ONCE: Final = 256
_PARKED: Final = "state = 'pending' AND readiness = 0"

_LOCK: Final = One(
    None,
    """
    SELECT pg_advisory_xact_lock(hash) FROM (
      SELECT DISTINCT hashtextextended(endpoint_id || chr(30) || order_key, 0) AS hash
      FROM unnest($1::text[], $2::text[]) AS v(endpoint_id, order_key) ORDER BY 1
    ) AS sorted
    """,
)
_TAKEN: Final = Many(
    """
    WITH v(endpoint_id, order_key) AS ({rows})
    SELECT v.endpoint_id, v.order_key FROM v WHERE EXISTS (
      SELECT 1 FROM deliveries AS d
      WHERE d.endpoint_id = v.endpoint_id AND d.order_key = v.order_key
        AND d.order_key IS NOT NULL AND d.state IN ('pending', 'leased') AND d.readiness > 0
    ) OR EXISTS (
      SELECT 1 FROM deliveries AS p
      WHERE p.state = 'pending' AND p.readiness = 0
        AND p.endpoint_id = v.endpoint_id AND p.order_key = v.order_key
    )
    """,
    ("text", "text"),
)
_NEXT: Final = Many(
    """
    WITH v(endpoint_id, order_key) AS ({rows})
    UPDATE deliveries SET readiness = 2 WHERE id IN (
      SELECT (
        SELECT p.id FROM deliveries AS p
        WHERE p.state = 'pending' AND p.readiness = 0
          AND p.endpoint_id = v.endpoint_id AND p.order_key = v.order_key
        ORDER BY p.id LIMIT 1
      ) FROM v WHERE NOT EXISTS (
        SELECT 1 FROM deliveries AS d
        WHERE d.endpoint_id = v.endpoint_id AND d.order_key = v.order_key
          AND d.order_key IS NOT NULL AND d.state IN ('pending', 'leased') AND d.readiness > 0
      )
    ) RETURNING id
    """,
    ("text", "text"),
)
_LET_PASS: Final = Many(
    """
    WITH v(endpoint_id, order_key) AS ({rows})
    UPDATE deliveries SET order_key = NULL WHERE id IN (
      SELECT d.id FROM v CROSS JOIN deliveries AS d
      WHERE d.endpoint_id = v.endpoint_id AND d.order_key = v.order_key
        AND d.order_key IS NOT NULL AND d.state IN ('pending', 'leased') AND d.readiness > 0
        AND d.state = 'pending'
    )
    RETURNING deliveries.id
    """,
    ("text", "text"),
)
_ENDPOINTS: Final = One(
    lanes_sql(
        "deliveries",
        "endpoint_id",
        _PARKED,
        """
        SELECT lanes.lane, e.state, e.ordered, e.order_max_wait_s FROM lanes
        LEFT JOIN endpoints AS e ON e.id = lanes.lane
        WHERE lanes.lane IS NOT NULL ORDER BY lanes.lane
        """,
    )
)
_KEYS: Final = One(
    lanes_sql(
        "deliveries",
        "order_key",
        f"{_PARKED} AND endpoint_id = $3",
        f"""
        SELECT lanes.lane, (
          SELECT min(p.created_at_ms) FROM (
            SELECT created_at_ms FROM deliveries
            WHERE {_PARKED} AND endpoint_id = $3 AND order_key = lanes.lane ORDER BY id LIMIT 1
          ) AS p
        ) FROM lanes WHERE lanes.lane IS NOT NULL ORDER BY lanes.lane
        """,  # noqa: S608 parts are ours
    )
)
_FREE: Final = One(
    """
    WITH picked AS (
      SELECT id FROM deliveries WHERE state = 'pending' AND readiness = 0 AND endpoint_id = $1
      ORDER BY order_key, id LIMIT $2 {skip_locked}
    )
    UPDATE deliveries SET order_key = NULL, readiness = 2
    WHERE id IN (SELECT id FROM picked) RETURNING id
    """
)
_CANCEL: Final = One(
    """
    WITH picked AS (
      SELECT id FROM deliveries WHERE state = 'pending' AND readiness = 0 AND endpoint_id = $1
      ORDER BY order_key, id LIMIT $2 {skip_locked}
    )
    UPDATE deliveries SET state = 'cancelled', ended_at_ms = $3
    WHERE id IN (SELECT id FROM picked) RETURNING id
    """
)


def lock_order(keys: Iterable[OrderKey]) -> Plan[None]:
    """Let nobody else add to these keys, or end a head of theirs, until the transaction ends."""
    named = sorted(set(keys))
    if named:
        yield _LOCK([k[0] for k in named], [k[1] for k in named])


def taken(keys: Sequence[OrderKey]) -> Plan[set[OrderKey]]:
    """Return those of `keys` behind which a new delivery has to wait; lock them before."""
    return {(row[0], row[1]) for row in (yield _TAKEN(keys))}


def next_in_order(keys: Iterable[OrderKey]) -> Plan[int]:
    """Make the oldest parked delivery of each key its head, where it has none; return how many."""
    named = sorted(set(keys))
    if not named:
        return 0
    moved = len((yield _NEXT(named)))
    if moved:
        yield Signal(DELIVERIES_TOPIC)()
    return moved


class OrderKeeper:
    """Puts keys right that nobody else does, and remembers how far it came."""

    def __init__(self) -> None:
        self._endpoint = ""
        self._key = ""

    def keep(self, now_ms: int) -> Plan[tuple[int, OrderKey]]:
        """Look at the next keys with parked deliveries; return how many rows moved, and where."""
        start = self._endpoint if self._key else _after(self._endpoint)
        endpoints = yield _ENDPOINTS(start, 1)
        if not endpoints:
            return 0, ("", "")
        endpoint, state, ordered, max_wait_s = endpoints[0]
        if state is None:
            gone = len((yield _CANCEL(endpoint, _KEYS_AT_ONCE, now_ms)))
            return gone, (endpoint, "")
        if state != "enabled":
            return 0, (endpoint, "")
        if not ordered:
            freed = len((yield _FREE(endpoint, _KEYS_AT_ONCE)))
            yield Signal(DELIVERIES_TOPIC)()
            return freed, (endpoint, "")
        start_key = _after(self._key) if endpoint == self._endpoint else ""
        keys = yield _KEYS(start_key, _KEYS_AT_ONCE, endpoint)
        moved = yield from _put_right(endpoint, keys, max_wait_s, now_ms)
        return moved, (endpoint, keys[-1][0] if len(keys) == _KEYS_AT_ONCE else "")

    def go_on(self, behind: OrderKey) -> None:
        """Go on behind a key, or an endpoint whose keys are done, the next time."""
        self._endpoint, self._key = behind

    @property
    def begins(self) -> bool:
        """Whether it starts at the first key."""
        return not self._endpoint


def _put_right(endpoint: str, keys: Rows, max_wait_s: float | None, now_ms: int) -> Plan[int]:
    named = [(endpoint, row[0]) for row in keys]
    if not named:
        return 0
    yield from lock_order(named)
    if max_wait_s is not None:
        oldest_ms = now_ms - round(max_wait_s * 1000)
        late = [(endpoint, row[0]) for row in keys if row[1] is not None and row[1] <= oldest_ms]
        if late:
            yield _LET_PASS(late)
    return (yield from next_in_order(named))


def _after(text: str) -> str:
    return start_after(text) if text else ""
