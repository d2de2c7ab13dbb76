"""The inbox: takes notifications in, each once, with the handlings they are owed.

It decides what is a duplicate (the same identity) and whether a keyed handling may run or waits
parked. It never decides which handlers a notification is owed to, and never parses one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeAlias

from gateway.clock import Clock
from gateway.model import (
    Arrival,
    IdPrefix,
    NotificationState,
    Owed,
    Unreadable,
    Verdict,
    new_id,
)
from gateway.store import schema
from gateway.store.archive_runs import NOTE_LATE
from gateway.store.arrivals import noting
from gateway.store.driver import Driver, Sealer
from gateway.store.keys import HEADS, LOCK_KEYS, key_lock_arrays
from gateway.store.memories import DAY_MS
from gateway.store.notification_rows import COLUMNS, body_context
from gateway.store.once import taken
from gateway.store.receipts import note
from gateway.store.references import refer
from gateway.store.statements import Many, Plan, Signal, insert
from gateway.store.sweeps import SIGHT

HANDLINGS_TOPIC: Final = "handlings"

LATE_MS: Final = 30_000
"""Age of an id from which on what it names is archived by itself: the archive may be past it."""

_Key: TypeAlias = tuple[str, str, str]

_INSERT_NOTIFICATIONS: Final = insert(
    schema.notifications,
    (*COLUMNS, "message_id"),
    "ON CONFLICT (identity) DO NOTHING RETURNING id",
)

INSERT_QUARANTINE: Final = insert(
    schema.quarantine,
    (
        "id",
        "identity",
        "source",
        "message_id",
        "reason",
        "body",
        "size_bytes",
        "received_at_ms",
    ),
    "ON CONFLICT (identity) DO NOTHING RETURNING id",
)
"""Keeps messages in quarantine, their bodies sealed; returns the ids of those that were new."""

_HANDLING: Final = (
    "id",
    "notification_id",
    "handler",
    "run",
    "lane",
    "key",
    "coalesces",
    "state",
    "readiness",
    "due_at_ms",
    "event_time_ms",
    "created_at_ms",
)

_INSERT_HANDLINGS: Final = insert(schema.handlings, _HANDLING)

_INSERT_ONCE_HANDLINGS: Final = insert(schema.handlings, (*_HANDLING, "once", "ended_at_ms"))

_SELLERS_OF_SUBSCRIPTIONS: Final = Many(
    """
    WITH v(id) AS ({rows})
    SELECT s.id, s.seller_id FROM v CROSS JOIN subscriptions AS s WHERE s.id = v.id
    """,
    ("text",),
)


def quarantine_context(quarantine_id: str) -> str:
    """Return the context that a quarantined message's body is bound to."""
    return f"quarantine:{quarantine_id}"


class Inbox:
    """See the module."""

    def __init__(self, driver: Driver, sealer: Sealer, clock: Clock) -> None:
        self._driver = driver
        self._sealer = sealer
        self._clock = clock

    async def accept(self, batch: Sequence[Arrival | Unreadable]) -> list[Verdict]:
        """Keep each of `batch` for good, in one transaction; return their verdicts in its order.

        When it returns, the messages may be deleted from their queue. A notification that names no
        seller gets the one of its subscription, where that is known.

        Raises:
            StoreUnavailableError: Nothing of the batch was kept.
        """
        kept = await self._driver.write(self.accepting(batch), brief=True)
        return [_verdict(item, kept) for item in batch]

    def accepting(self, batch: Sequence[Arrival | Unreadable]) -> Callable[[], Plan[set[str]]]:
        """Return what keeps each of `batch` as a part of a transaction, and gives the kept ids."""
        arrivals = {a.envelope.identity: a for a in reversed(batch) if isinstance(a, Arrival)}
        unreadable = {_identity(u): u for u in reversed(batch) if isinstance(u, Unreadable)}
        bodies = {a.id: self._body(a) for a in arrivals.values()}
        lost = [self._quarantine_row(identity, u) for identity, u in sorted(unreadable.items())]
        again = [a for a in batch if isinstance(a, Arrival) and a.id not in bodies]
        return lambda: self._accept([arrivals[i] for i in sorted(arrivals)], bodies, lost, again)

    def _accept(
        self,
        arrivals: Sequence[Arrival],
        bodies: dict[str, bytes],
        lost: Sequence[tuple[Any, ...]],
        again: Sequence[Arrival],
    ) -> Plan[set[str]]:
        # Rows come sorted by identity: two processes that take in the same duplicates then wait
        # for each other in one direction only.
        kept: set[str] = set()
        if lost:
            kept.update(row[0] for row in (yield INSERT_QUARANTINE(lost)))
            yield from self._note_late((row[0], row[7]) for row in lost if row[0] in kept)
        if not arrivals:
            return kept
        sellers = yield from _sellers(arrivals)
        rows = [_notification_row(a, sellers.get(a.id), bodies[a.id]) for a in arrivals]
        new = {row[0] for row in (yield _INSERT_NOTIFICATIONS(rows))}
        yield from refer(a for a in arrivals if a.id in new)
        yield from self._note_late((a.id, a.received_at_ms) for a in arrivals if a.id in new)
        yield from _sighted([a for a in arrivals if a.subject and a.id in new], sellers)
        yield from noting(arrivals, sellers)
        yield from note([*(a for a in arrivals if a.id not in new), *again])
        owed = [(a, o) for a in arrivals if a.id in new for o in a.owed]
        if owed:
            yield from self._owe(owed, sellers)
        return kept | new

    def _note_late(self, kept: Iterable[tuple[str, int]]) -> Plan[None]:
        late_ms = self._clock.now_ms() - LATE_MS
        if late := [(one,) for one, received_at_ms in kept if received_at_ms < late_ms]:
            yield NOTE_LATE(late)

    def _owe(
        self, owed: Sequence[tuple[Arrival, Owed]], sellers: dict[str, str | None]
    ) -> Plan[None]:
        now_ms = self._clock.now_ms()
        keys = {_key(a, o, sellers) for a, o in owed if o.key is not None}
        headed: set[_Key] = set()
        if keys:
            named = sorted(keys)
            yield LOCK_KEYS(*key_lock_arrays(named))
            headed = {(h, lane, key) for h, lane, key in (yield HEADS(named))}
        over = yield from _handled_before(owed, sellers)
        rows: list[tuple[Any, ...]] = []
        once_rows: list[tuple[Any, ...]] = []
        for arrival, one in sorted(owed, key=_by_time):
            key = _key(arrival, one, sellers)
            if one.once is not None and (key[0], key[1], one.once) in over:
                row = _handling_row(arrival, one, lane=key[1], state="duplicate", now_ms=now_ms)
                once_rows.append((*row, one.once, now_ms))
                continue
            parked = one.key is not None and key in headed
            if one.key is not None:
                headed.add(key)
            row = _handling_row(arrival, one, lane=key[1], parked=parked, now_ms=now_ms)
            if one.once is None:
                rows.append(row)
            else:
                once_rows.append((*row, one.once, None))
        if rows:
            yield _INSERT_HANDLINGS(rows)
        if once_rows:
            yield _INSERT_ONCE_HANDLINGS(once_rows)
        yield Signal(HANDLINGS_TOPIC)()

    def _body(self, arrival: Arrival) -> bytes:
        envelope = arrival.envelope
        if not envelope.secret:
            return envelope.body
        return self._sealer.seal(envelope.body, context=body_context(arrival.id))

    def _quarantine_row(self, identity: str, item: Unreadable) -> tuple[Any, ...]:
        sealed = self._sealer.seal(item.body, context=quarantine_context(item.id))
        return (
            item.id,
            identity,
            item.source,
            item.message_id,
            item.reason,
            sealed,
            len(item.body),
            item.received_at_ms,
        )


def _sellers(arrivals: Iterable[Arrival]) -> Plan[dict[str, str | None]]:
    found: dict[str, str | None] = {a.id: a.envelope.seller_id for a in arrivals}
    asked = {
        a.id: a.envelope.subscription_id
        for a in arrivals
        if a.envelope.seller_id is None and a.envelope.subscription_id is not None
    }
    if asked:
        ids = sorted(set(asked.values()))
        rows = yield _SELLERS_OF_SUBSCRIPTIONS([(i,) for i in ids])
        known = {row[0]: row[1] for row in rows}
        found.update((notification, known.get(s)) for notification, s in asked.items())
    return found


def _key(arrival: Arrival, owed: Owed, sellers: dict[str, str | None]) -> _Key:
    return owed.handler, sellers.get(arrival.id) or "", owed.key or ""


def _handled_before(
    owed: Sequence[tuple[Arrival, Owed]], sellers: dict[str, str | None]
) -> Plan[set[tuple[str, str, str]]]:
    """Return which (handler, lane, once) of `owed` need no further handling."""
    asked = {(*_key(a, o, sellers)[:2], o.once) for a, o in owed if o.once is not None}
    return (yield from taken(sorted(asked))) if asked else set()


def _sighted(arrivals: Sequence[Arrival], sellers: dict[str, str | None]) -> Plan[None]:
    newest: dict[tuple[str, str, str], int] = {}
    for one in arrivals:
        subject = (one.envelope.type, sellers.get(one.id) or "", one.subject or "")
        newest[subject] = max(_event_time_ms(one), newest.get(subject, 0))
    if newest:
        yield SIGHT([(*key, at_ms, at_ms // DAY_MS) for key, at_ms in sorted(newest.items())])


def _event_time_ms(arrival: Arrival) -> int:
    at_ms = arrival.envelope.event_time_ms
    return arrival.received_at_ms if at_ms is None else at_ms


def _by_time(pair: tuple[Arrival, Owed]) -> tuple[int, str]:
    return _event_time_ms(pair[0]), pair[0].id


def _notification_row(arrival: Arrival, seller_id: str | None, body: bytes) -> tuple[Any, ...]:
    envelope = arrival.envelope
    state = NotificationState.ACCEPTED if arrival.owed else NotificationState.IGNORED
    return (
        arrival.id,
        envelope.identity,
        envelope.type,
        envelope.payload_version,
        seller_id,
        envelope.marketplace_id,
        envelope.application_id,
        envelope.subscription_id,
        envelope.event_time_ms,
        arrival.received_at_ms,
        arrival.source,
        arrival.origin.value,
        state.value,
        body,
        envelope.secret,
        arrival.message_id,
    )


def _handling_row(
    arrival: Arrival,
    owed: Owed,
    *,
    lane: str,
    now_ms: int,
    parked: bool = False,
    state: str = "pending",
) -> tuple[Any, ...]:
    return (
        new_id(IdPrefix.HANDLING, now_ms),
        arrival.id,
        owed.handler,
        0,
        lane,
        owed.key,
        owed.coalesce,
        state,
        0 if parked or state != "pending" else 2,
        now_ms,
        _event_time_ms(arrival),
        now_ms,
    )


def _identity(item: Unreadable) -> str:
    digest = hashlib.sha256()
    for part in (item.source.encode(), item.message_id.encode(), item.body):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def _verdict(item: Arrival | Unreadable, kept: set[str]) -> Verdict:
    if item.id not in kept:
        return Verdict.DUPLICATE
    if isinstance(item, Unreadable):
        return Verdict.QUARANTINED
    return Verdict.ACCEPTED if item.owed else Verdict.IGNORED
