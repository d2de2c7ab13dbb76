"""How handlings are picked for a claim: fair between handlers and sellers, collapsed by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.errors import SealError
from gateway.model import ClaimedHandling, Claims, HandlingState
from gateway.results import HandlingResult
from gateway.store.claims_sql import LeaseSql
from gateway.store.driver import Sealer
from gateway.store.keys import NEWEST_PARKED
from gateway.store.lanes import LANES_PER_SCAN, Asked, gather, lanes_sql, start_after
from gateway.store.notification_rows import SELECTED, stored_notification
from gateway.store.statements import Each, Many, One, Plan, Row, Rows
from gateway.store.suspects import Suspects

_LEASES: Final = LeaseSql.of("handlings")
_MOST_HANDLERS: Final = 1_000
# A body whose key is missing is asked for again after this; an operator must bring the key back.
_CLOSED_FOR_MS: Final = 600_000
_READY: Final = "state = 'pending' AND readiness = 2"

_HANDLERS: Final = One(lanes_sql("handlings", "handler", _READY))
_LANES: Final = One(lanes_sql("handlings", "lane", f"{_READY} AND handler = $3"))

_COLUMNS: Final = f"""
  h.id, h.lane, h.handler, h.run, h.tries, h.claims, h.key, h.coalesces, h.slot, h.saved_state,
  h.replayed_from, h.created_at_ms, h.event_time_ms, {SELECTED}
"""

_PICK: Final = Each(
    f"""
    SELECT {_COLUMNS} FROM handlings AS h CROSS JOIN notifications AS n
    WHERE h.state = 'pending' AND h.readiness = 2 AND h.handler = $1 AND h.lane = $2 AND h.id > $3
      AND n.id = h.notification_id
    ORDER BY h.id LIMIT $4
    """,  # noqa: S608 columns are ours
    f"""
    SELECT {_COLUMNS} FROM ({{rows}}) AS v(handler, lane, after, room)
    CROSS JOIN LATERAL (
      SELECT * FROM handlings AS p
      WHERE p.state = 'pending' AND p.readiness = 2 AND p.handler = v.handler AND p.lane = v.lane
        AND p.id > v.after
      ORDER BY p.id LIMIT v.room {{skip_locked}}
    ) AS h
    JOIN notifications AS n ON n.id = h.notification_id
    """,  # noqa: S608 columns are ours
    ("text", "text", "text", "bigint"),
)

_FETCH: Final = Many(
    f"""
    WITH v(id) AS ({{rows}})
    SELECT {_COLUMNS} FROM v CROSS JOIN handlings AS h CROSS JOIN notifications AS n
    WHERE h.id = v.id AND n.id = h.notification_id
    """,  # noqa: S608 columns are ours
    ("text",),
)

_COLLAPSE: Final = Many(
    """
    WITH v(handler, lane, key, survivor, now_ms) AS ({rows})
    UPDATE handlings SET state = 'coalesced', coalesced_into = v.survivor, ended_at_ms = v.now_ms
    FROM v
    WHERE handlings.state = 'pending' AND handlings.readiness = 0 AND handlings.coalesces
      AND handlings.handler = v.handler AND handlings.lane = v.lane AND handlings.key = v.key
      AND handlings.id <> v.survivor
    """,
    ("text", "text", "text", "text", "bigint"),
)

_COLLAPSE_HEAD: Final = Many(
    """
    WITH v(id, survivor, now_ms) AS ({rows})
    UPDATE handlings SET state = 'coalesced', readiness = 0, coalesced_into = v.survivor,
      ended_at_ms = v.now_ms
    FROM v WHERE handlings.id = v.id
    """,
    ("text", "text", "bigint"),
)

_LEASE: Final = Many(
    """
    WITH v(id, token, lease_until_ms, slot) AS ({rows})
    UPDATE handlings SET state = 'leased', readiness = 2, claims = claims + 1,
      claim_token = v.token, lease_until_ms = v.lease_until_ms, slot = v.slot
    FROM v WHERE handlings.id = v.id AND handlings.state = 'pending'
    """,
    ("text", "bigint", "bigint", "text"),
)

_ID, _LANE, _HANDLER, _KEY, _COALESCES, _SLOT, _SAVED, _EVENT_TIME = 0, 1, 2, 6, 7, 8, 9, 12


@dataclass(slots=True)
class Picked:
    """What a pick found.

    Attributes:
        rows: Rows of `_COLUMNS` as they were before the claim, with the slot each one has.
        cursors: By handler, the lane after which its next claim goes on; under the empty name the
            handler that was served first.
        let_go: The suspect that was made ready on the way, or None.
    """

    now_ms: int
    next_due_ms: int | None
    more: bool
    rows: list[tuple[Row, str | None]] = field(default_factory=list)
    cursors: dict[str, str] = field(default_factory=dict)
    let_go: str | None = None


class HandlingPicker:
    """Picks handlings, and remembers whose turn is next."""

    def __init__(self, sealer: Sealer, *, now_ms: int) -> None:
        self._sealer = sealer
        self._cursors: dict[str, str] = {}
        self.suspects = Suspects(_LEASES, now_ms=now_ms)

    def pick(
        self, *, room: Mapping[str, int], limit: int, now_ms: int, lease: tuple[int, int]
    ) -> Plan[Picked]:
        """Lease ready handlings and return them; `lease` is the claim token and the lease's end."""
        next_due_ms, more = yield from _LEASES.promote_due(now_ms)
        picked = Picked(now_ms=now_ms, next_due_ms=next_due_ms, more=more)
        picked.let_go = yield from self.suspects.let_go(now_ms)
        ready = [row[0] for row in (yield _HANDLERS("", _MOST_HANDLERS))]
        heads: list[Row] = []
        for handler in _rotated(
            [h for h in ready if room.get(h, 0) > 0], self._cursors.get("", "")
        ):
            picked.cursors.setdefault("", handler)
            places = min(room[handler], limit - len(heads))
            if places <= 0:
                picked.more = True
                break
            heads += yield from self._from_lanes(handler, places, picked)
        if heads:
            yield from _collapse(heads, picked, now_ms)
            yield _LEASE([(row[_ID], *lease, slot) for row, slot in picked.rows])
        return picked

    def claims(
        self, picked: Picked, token: int
    ) -> tuple[Claims[ClaimedHandling], list[HandlingResult]]:
        """Return what was picked as claims, and move on to the next ones' turn.

        Those whose sealed body can't be opened are no claims; they come as results to settle.
        """
        self._cursors.update(picked.cursors)
        self.suspects.note(picked.let_go, picked.now_ms)
        items: list[ClaimedHandling] = []
        closed: list[HandlingResult] = []
        for row, slot in picked.rows:
            try:
                items.append(self._claimed(row, slot, token))
            except SealError as exc:
                closed.append(_closed(row, slot, token, picked.now_ms, exc))
        return Claims(items=items, next_due_ms=picked.next_due_ms, more=picked.more), closed

    def _claimed(self, row: Row, slot: str | None, token: int) -> ClaimedHandling:
        return ClaimedHandling(
            id=row[_ID],
            token=token,
            handler=row[_HANDLER],
            run=row[3],
            tries=row[4],
            claims=row[5] + 1,
            key=row[_KEY],
            coalesce=bool(row[_COALESCES]),
            slot=slot,
            saved_state=row[_SAVED],
            replayed_from=row[10],
            created_at_ms=row[11],
            notification=stored_notification(row[13:], self._sealer),
        )

    def _from_lanes(self, handler: str, places: int, picked: Picked) -> Plan[list[Row]]:
        lanes = yield from _lanes(handler, self._cursors.get(handler, ""))

        def pick(asked: Sequence[Asked]) -> Plan[Rows]:
            return (yield _PICK([(handler, *one) for one in asked]))

        gathered = yield from gather(lanes, lambda _: places, places, pick)
        picked.cursors[handler] = gathered.last_lane
        picked.more |= gathered.more or len(lanes) == LANES_PER_SCAN
        return gathered.rows


def _closed(row: Row, slot: str | None, token: int, now_ms: int, exc: SealError) -> HandlingResult:
    return HandlingResult(
        id=row[_ID],
        token=token,
        state=HandlingState.PENDING,
        tries=row[4],
        due_at_ms=now_ms + _CLOSED_FOR_MS,
        slot=slot,
        saved_state=row[_SAVED],
        error=str(exc),
    )


def _lanes(handler: str, cursor: str) -> Plan[list[str]]:
    start = start_after(cursor) if cursor else ""
    lanes = [row[0] for row in (yield _LANES(start, LANES_PER_SCAN, handler))]
    if cursor and len(lanes) < LANES_PER_SCAN:
        rows = yield _LANES("", LANES_PER_SCAN - len(lanes), handler)
        lanes += [row[0] for row in rows if row[0] <= cursor]
    return lanes


def _collapse(heads: Sequence[Row], picked: Picked, now_ms: int) -> Plan[None]:
    """Fill in the rows to lease: the heads, or what replaces those that collapse."""
    collapsing = {
        row[_ID]: row
        for row in heads
        if row[_COALESCES] and row[_KEY] is not None and row[_SAVED] is None
    }
    survivors: dict[str, str] = {}
    if collapsing:
        asked = [(i, r[_HANDLER], r[_LANE], r[_KEY]) for i, r in collapsing.items()]
        newest = {row[0]: (row[2], row[1]) for row in (yield NEWEST_PARKED(asked))}
        behind = [i for i in collapsing if i in newest]
        for i in behind:
            survivors[i] = max(newest[i], (collapsing[i][_EVENT_TIME], i))[1]
        if behind:
            yield _COLLAPSE([(*_key(collapsing[i]), survivors[i], now_ms) for i in behind])
    replaced = {i: s for i, s in survivors.items() if s != i}
    fresh: dict[str, Row] = {}
    if replaced:
        yield _COLLAPSE_HEAD([(i, s, now_ms) for i, s in replaced.items()])
        fresh = {row[_ID]: row for row in (yield _FETCH([(s,) for s in replaced.values()]))}
    for row in heads:
        survivor = fresh.get(replaced.get(row[_ID], ""), row)
        picked.rows.append((survivor, row[_SLOT]))


def _key(row: Row) -> tuple[str, str, str]:
    return row[_HANDLER], row[_LANE], row[_KEY]


def _rotated(names: Sequence[str], after: str) -> list[str]:
    return [n for n in names if n > after] + [n for n in names if n <= after]
