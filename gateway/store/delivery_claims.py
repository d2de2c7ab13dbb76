"""How deliveries are picked for a claim: fair between endpoints that may get them.

Which those are is `admission.py`'s; here they take turns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.model import ClaimedDelivery, Claims
from gateway.store.admission import Admission, Limits
from gateway.store.claims_sql import LeaseSql
from gateway.store.lanes import LANES_PER_SCAN, Asked, gather, lanes_sql, start_after
from gateway.store.statements import Each, Many, One, Plan, Row, Rows
from gateway.store.suspects import Suspects

_LEASES: Final = LeaseSql.of("deliveries")
_READY: Final = "state = 'pending' AND readiness = 2"

# Endpoints that are full, paused or disabled stand in the way of those that are not; so many of
# them are passed over in one claim, then the next claim goes on behind them.
_SCANS_PER_CLAIM: Final = 8

_LANES: Final = One(
    lanes_sql(
        "deliveries",
        "endpoint_id",
        _READY,
        """
    SELECT lanes.lane, e.state, h.paused_until_ms, h.open_until_ms, e.rate_per_s, e.burst
    FROM lanes
    LEFT JOIN endpoints AS e ON e.id = lanes.lane
    LEFT JOIN endpoint_health AS h ON h.endpoint_id = lanes.lane
    WHERE lanes.lane IS NOT NULL ORDER BY lanes.lane
    """,
    )
)

_COLUMNS: Final = (
    "d.id, d.endpoint_id, d.event_id, e.type,"
    " CASE WHEN d.thin THEN coalesce(e.thin_body, e.body) ELSE e.body END,"
    " d.attempts, d.claims, d.created_at_ms, d.attempts_before, d.resent_at_ms, d.order_key"
)

_PICK: Final = Each(
    f"""
    SELECT {_COLUMNS} FROM deliveries AS d CROSS JOIN events AS e
    WHERE d.state = 'pending' AND d.readiness = 2 AND d.endpoint_id = $1 AND d.id > $2
      AND e.id = d.event_id
    ORDER BY d.id LIMIT $3
    """,  # noqa: S608 columns are ours
    f"""
    SELECT {_COLUMNS} FROM ({{rows}}) AS v(endpoint_id, after, room)
    CROSS JOIN LATERAL (
      SELECT * FROM deliveries AS p
      WHERE p.state = 'pending' AND p.readiness = 2 AND p.endpoint_id = v.endpoint_id
        AND p.id > v.after
      ORDER BY p.id LIMIT v.room {{skip_locked}}
    ) AS d
    JOIN events AS e ON e.id = d.event_id
    """,  # noqa: S608 columns are ours
    ("text", "text", "bigint"),
)

_LEASE: Final = Many(
    """
    WITH v(id, token, lease_until_ms) AS ({rows})
    UPDATE deliveries SET state = 'leased', claims = claims + 1, claim_token = v.token,
      lease_until_ms = v.lease_until_ms
    FROM v WHERE deliveries.id = v.id AND deliveries.state = 'pending'
    """,
    ("text", "bigint", "bigint"),
)

_ID, _ENDPOINT = 0, 1


@dataclass(slots=True)
class Picked:
    """What a pick found: rows of `_COLUMNS` as they were before the claim.

    Attributes:
        let_go: The suspect that was made ready on the way, or None.
    """

    now_ms: int
    next_due_ms: int | None
    more: bool
    admission: Admission
    cursor: str = ""
    rows: list[Row] = field(default_factory=list)
    let_go: str | None = None


@dataclass(slots=True)
class _Scan:
    """Which endpoints have ready rows and may get them; which of those are limited."""

    admission: Admission
    open: list[str] = field(default_factory=list)
    limited: dict[str, Limits] = field(default_factory=dict)
    cut: bool = False
    last: str = ""


class DeliveryPicker:
    """Picks deliveries, and remembers whose turn is next."""

    def __init__(self, *, now_ms: int) -> None:
        self._cursor = ""
        self.suspects = Suspects(_LEASES, now_ms=now_ms)

    def pick(
        self, *, room: Callable[[str], int], limit: int, now_ms: int, lease: tuple[int, int]
    ) -> Plan[Picked]:
        """Lease ready deliveries and return them; `lease` is the token and the lease's end."""
        next_due_ms, more = yield from _LEASES.promote_due(now_ms)
        let_go = yield from self.suspects.let_go(now_ms)
        scan = yield from self._scan(room, now_ms)
        admission = scan.admission
        if scan.limited:
            yield from admission.admit(scan.limited)
        picked = Picked(
            now_ms=now_ms,
            next_due_ms=next_due_ms,
            more=more or scan.cut,
            admission=admission,
            let_go=let_go,
        )
        gathered = yield from gather(
            scan.open, lambda one: admission.places(one, room(one)), limit, _pick
        )
        picked.rows, picked.cursor = gathered.rows, scan.last
        picked.more |= gathered.more and len(picked.rows) == limit
        if gathered.last_lane and gathered.last_lane != scan.open[-1]:
            # Not all had their turn.
            picked.cursor, picked.more = gathered.last_lane, True
        if picked.rows:
            yield _LEASE([(row[_ID], *lease) for row in picked.rows])
            if scan.limited:
                yield from admission.spend((row[_ENDPOINT] for row in picked.rows), lease[1])
        due_ms = [t for t in (next_due_ms, admission.next_ms) if t is not None]
        picked.next_due_ms = min(due_ms, default=None)
        return picked

    def claims(self, picked: Picked, lease: tuple[int, int]) -> Claims[ClaimedDelivery]:
        """Return what was picked as claims, and move on to the next ones' turn."""
        self._cursor = picked.cursor
        self.suspects.note(picked.let_go, picked.now_ms)
        return Claims(
            items=[
                _claimed(row, lease, probe=picked.admission.is_probe(row[_ENDPOINT]))
                for row in picked.rows
            ],
            next_due_ms=picked.next_due_ms,
            more=picked.more,
        )

    def _scan(self, room: Callable[[str], int], now_ms: int) -> Plan[_Scan]:
        """Walk once round the endpoints with ready rows, from behind the cursor."""
        scan = _Scan(admission=Admission(now_ms=now_ms), last=self._cursor)
        wrapped = not self._cursor
        for _ in range(_SCANS_PER_CLAIM):
            start = start_after(scan.last) if scan.last else ""
            rows = yield _LANES(start, LANES_PER_SCAN)
            if wrapped:
                rows = [r for r in rows if not self._cursor or r[0] <= self._cursor]
            _sort(rows, scan, room)
            ended = len(rows) < LANES_PER_SCAN
            if len(scan.open) >= LANES_PER_SCAN or (ended and wrapped):
                scan.cut = not ended
                return scan
            if ended:
                wrapped, scan.last = True, ""
        scan.cut = True
        return scan


def _pick(asked: Sequence[Asked]) -> Plan[Rows]:
    return (yield _PICK(asked))


def _sort(rows: Sequence[Row], scan: _Scan, room: Callable[[str], int]) -> None:
    now_ms = scan.admission.now_ms
    for endpoint, state, paused_until_ms, open_until_ms, rate_per_s, burst in rows:
        scan.last = endpoint
        if state != "enabled":
            continue
        waits_ms = max(paused_until_ms or 0, open_until_ms or 0)
        if waits_ms > now_ms:
            scan.admission.later(waits_ms)
        elif room(endpoint) > 0:
            scan.open.append(endpoint)
            if open_until_ms is not None or rate_per_s is not None:
                scan.limited[endpoint] = Limits(
                    rate_per_s=rate_per_s, burst=burst, is_open=open_until_ms is not None
                )


def _claimed(row: Row, lease: tuple[int, int], *, probe: bool) -> ClaimedDelivery:
    return ClaimedDelivery(
        id=row[_ID],
        token=lease[0],
        lease_until_ms=lease[1],
        endpoint_id=row[_ENDPOINT],
        event_id=row[2],
        event_type=row[3],
        body=bytes(row[4]),
        attempts=row[5],
        claims=row[6] + 1,
        created_at_ms=row[7],
        attempts_before=row[8],
        resent_at_ms=row[9],
        order_key=row[10],
        probe=probe,
    )
