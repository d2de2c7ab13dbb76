"""Deliveries of endpoints that can't get any: held while disabled, cancelled once they are gone.

A held delivery whose claims reached the limit kills the process that sends it; that one stays held
until an operator redelivers it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gateway.store.claims_sql import CLAIMS_LIMIT
from gateway.store.lanes import lanes_sql, start_after
from gateway.store.signals import DELIVERIES_TOPIC
from gateway.store.statements import One, Plan, Signal

_READY: Final = "state = 'pending' AND readiness = 2"
_HELD: Final = "state = 'held'"
_LANES: Final = 256


def _lanes_with_state(where: str) -> One:
    return One(
        lanes_sql(
            "deliveries",
            "endpoint_id",
            where,
            """
            SELECT lanes.lane, e.state FROM lanes LEFT JOIN endpoints AS e ON e.id = lanes.lane
            WHERE lanes.lane IS NOT NULL ORDER BY lanes.lane
            """,
        )
    )


def _move(where: str, change: str) -> One:
    return One(
        f"""
        WITH picked AS (
          SELECT id FROM deliveries WHERE {where} AND endpoint_id = $1
          ORDER BY id LIMIT $2 {{skip_locked}}
        )
        UPDATE deliveries SET {change}, ended_at_ms = CAST($3 AS BIGINT)
        WHERE id IN (SELECT id FROM picked) RETURNING id
        """  # noqa: S608 parts are ours
    )


_READY_LANES: Final = _lanes_with_state(_READY)
_HELD_LANES: Final = _lanes_with_state(_HELD)
_HOLD: Final = _move(_READY, "state = 'held'")
# Behind a key they wait until `order.py` gives it a head.
_FREE: Final = _move(
    f"{_HELD} AND claims < {CLAIMS_LIMIT}",
    "state = 'pending', readiness = CASE WHEN order_key IS NULL THEN 2 ELSE 0 END, reason = NULL",
)
_CANCEL_READY: Final = _move(_READY, "state = 'cancelled'")
_CANCEL_HELD: Final = _move(_HELD, "state = 'cancelled'")


def hold_disabled(limit: int, now_ms: int) -> Plan[int]:
    """Bring at most `limit` deliveries into line with their endpoints' state; return how many."""
    ready = {"disabled": (_HOLD, None), None: (_CANCEL_READY, now_ms)}
    held = {"enabled": (_FREE, None), None: (_CANCEL_HELD, now_ms)}
    stopped = yield from _each(_READY_LANES, ready, limit)
    freed = yield from _each(_HELD_LANES, held, limit - stopped)
    if freed:
        yield Signal(DELIVERIES_TOPIC)()
    return stopped + freed


def _each(lanes: One, moves: Mapping[str | None, tuple[One, int | None]], limit: int) -> Plan[int]:
    moved, start = 0, ""
    while moved < limit:
        rows = yield lanes(start, _LANES)
        for endpoint, state in rows:
            if state in moves and moved < limit:
                move, ended_ms = moves[state]
                moved += len((yield move(endpoint, limit - moved, ended_ms)))
        if len(rows) < _LANES:
            break
        start = start_after(rows[-1][0])
    return moved
