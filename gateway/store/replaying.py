"""Replays: which notifications there are to handle again, and the handlings that do so.

Notifications are looked through in the order of their ids, which is that of time, some hundred at a
time, so no step costs more than another, however many there are. A handling's `run` is one more
than the last of its (notification, handler). It never decides what is selected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.clock import Clock
from gateway.model import Arrival, IdPrefix, Owed, StoredNotification, new_id
from gateway.operations import Operation, Progress, ReplayState, Selection
from gateway.store.driver import Driver, Sealer
from gateway.store.inbox import HANDLINGS_TOPIC, Inbox, quarantine_context
from gateway.store.keys import HEADS, LOCK_KEYS, key_lock_arrays
from gateway.store.notification_rows import WHOLE, stored_notification
from gateway.store.operations import advance
from gateway.store.references import about
from gateway.store.statements import Many, One, Plan, Row, Rows, Signal, one_step


def _along(condition: str) -> str:
    return f"""
        SELECT id, type, seller_id, marketplace_id, origin, state FROM notifications
        WHERE {condition} AND id > $1 AND id < $2 ORDER BY id LIMIT $3
        """  # noqa: S608 conditions are ours


_WINDOW: Final = One(_along("true"))
_OF_SELLER: Final = One(_along("seller_id = $4"))
_OF_TYPE: Final = One(_along("type = $4"))
_IGNORED: Final = One(_along("state = 'ignored'"))
_DEAD: Final = One(
    """
    SELECT DISTINCT notification_id FROM handlings
    WHERE state = 'dead' AND notification_id > $1 AND notification_id < $2
    ORDER BY notification_id LIMIT $3
    """
)
_NAMED: Final = Many(
    """
    WITH v(id) AS ({rows})
    SELECT n.id, n.type, n.seller_id, n.marketplace_id, n.origin, n.state
    FROM v CROSS JOIN notifications AS n WHERE n.id = v.id
    """,
    ("text",),
)
_KNOWN: Final = Many(
    """
    WITH v(identity) AS ({rows})
    SELECT n.id, n.type, n.seller_id, n.marketplace_id, n.origin, n.state
    FROM v CROSS JOIN notifications AS n WHERE n.identity = v.identity
    """,
    ("text",),
)
_EARLIER: Final = Many(
    """
    WITH v(id) AS ({rows})
    SELECT h.notification_id, h.handler, h.run, h.id, h.state
    FROM v CROSS JOIN handlings AS h WHERE h.notification_id = v.id
    """,
    ("text",),
)
_QUARANTINE: Final = One(
    """
    SELECT id, source, message_id, received_at_ms, body FROM quarantine
    WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3
    """
)
_RELEASE: Final = Many(
    """
    WITH v(id) AS ({rows})
    DELETE FROM quarantine WHERE id IN (SELECT id FROM v)
    """,
    ("text",),
)
_ONE_AT_A_TIME: Final = One(None, "SELECT pg_advisory_xact_lock(hashtextextended('replay', 0))")
_INSERT: Final = Many(
    """
    WITH v(id, notification_id, handler, lane, key, coalesces, readiness, due_at_ms, event_time_ms,
      once, replayed_from, operation_id) AS ({rows})
    INSERT INTO handlings (id, notification_id, handler, run, lane, key, coalesces, state,
      readiness, due_at_ms, event_time_ms, created_at_ms, once, replayed_from, operation_id)
    SELECT v.id, v.notification_id, v.handler, (
        SELECT coalesce(max(h.run), 0) + 1 FROM handlings AS h
        WHERE h.notification_id = v.notification_id AND h.handler = v.handler
      ), v.lane, v.key, v.coalesces, 'pending', v.readiness, v.due_at_ms, v.event_time_ms,
      v.due_at_ms, v.once, v.replayed_from, v.operation_id
    FROM v
    """,
    (
        "text",
        "text",
        "text",
        "text",
        "text",
        "boolean",
        "smallint",
        "bigint",
        "bigint",
        "text",
        "text",
        "text",
    ),
)
_ACCEPT: Final = Many(
    """
    WITH v(id) AS ({rows})
    UPDATE notifications SET state = 'accepted' WHERE id IN (SELECT id FROM v)
      AND state = 'ignored'
    """,
    ("text",),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """The last handling of a notification by one handler."""

    id: str
    handler: str
    run: int
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A notification as far as it decides whether it is selected."""

    id: str
    type: str
    seller_id: str | None
    marketplace_id: str | None
    origin: str
    state: str
    earlier: Mapping[str, Earlier] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A message in quarantine; `body` is open."""

    id: str
    source: str
    message_id: str
    received_at_ms: int
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """One handling to make.

    Attributes:
        replayed_from: Id of the handling that it repeats; of the notification where none was.
    """

    notification: StoredNotification
    owed: Owed
    replayed_from: str


class Replays:
    """See the module."""

    def __init__(self, driver: Driver, sealer: Sealer, clock: Clock, inbox: Inbox) -> None:
        self._driver = driver
        self._sealer = sealer
        self._clock = clock
        self._inbox = inbox

    async def look(
        self, selection: Selection, *, after: str, before: str, limit: int
    ) -> Sequence[Looked]:
        """Return the next notifications between two ids that may be selected, the oldest first.

        They are read along the index of what the selection names and few have in common; all that
        are selected are among them.

        Args:
            selection: What is asked for.
            after: Exclusive.
            before: Exclusive.
            limit: Most notifications.
        """
        return await self._driver.read(lambda: _look(selection, after, before, limit))

    async def known(self, identities: Sequence[str]) -> Sequence[Looked]:
        """Return the stored notifications of Amazon's ids, the oldest first."""

        def plan() -> Plan[Sequence[Looked]]:
            rows = yield _KNOWN([(one,) for one in identities])
            return (yield from _with_earlier(sorted(rows, key=lambda row: str(row[0]))))

        return await self._driver.read(plan) if identities else ()

    async def whole(self, ids: Sequence[str]) -> Sequence[StoredNotification]:
        """Return notifications with their bodies, the oldest first.

        Raises:
            SealError: A body is sealed and can't be opened.
        """
        rows = await self._driver.read(lambda: one_step(WHOLE([(one,) for one in ids])))
        found = [stored_notification(row, self._sealer) for row in rows]
        return sorted(found, key=lambda one: one.id)

    async def quarantined(self, *, after: str, before: str, limit: int) -> Sequence[Quarantined]:
        """Return the next messages in quarantine between two ids, the oldest first.

        Raises:
            SealError: One can't be opened.
        """
        rows = await self._driver.read(lambda: one_step(_QUARANTINE(after, before, limit)))
        return [self._opened(row) for row in rows]

    async def handle_again(
        self, operation: Operation, token: int, progress: Progress, again: Sequence[Again]
    ) -> bool:
        """Make handlings and move the operation on, in one transaction.

        Returns:
            Whether the operation still was the caller's; nothing was done if not.

        Raises:
            StoreUnavailableError: Nothing was done.
        """
        return await self._driver.write(
            lambda: self._handle_again(operation, token, progress, again)
        )

    async def read_again(
        self,
        operation: Operation,
        token: int,
        progress: Progress,
        read: Mapping[str, Arrival],
    ) -> bool:
        """Take messages out of quarantine and in as notifications, in one transaction.

        Args:
            operation: To be moved on.
            token: Of the caller's claim.
            progress: How far.
            read: What messages are read as, by their id in quarantine.

        Returns:
            Whether the operation still was the caller's; nothing was done if not.

        Raises:
            StoreUnavailableError: Nothing was done.
        """
        accepting = self._inbox.accepting(list(read.values()))
        ids = sorted(read)

        def plan() -> Plan[bool]:
            if not (yield from advance(operation, token, progress, self._clock.now_ms())):
                return False
            if ids:
                yield from accepting()
                yield _RELEASE([(one,) for one in ids])
            return True

        return await self._driver.write(plan)

    def _opened(self, row: Row) -> Quarantined:
        body = self._sealer.open(bytes(row[4]), context=quarantine_context(row[0]))
        return Quarantined(
            id=row[0], source=row[1], message_id=row[2], received_at_ms=row[3], body=body
        )

    def _handle_again(
        self, operation: Operation, token: int, progress: Progress, again: Sequence[Again]
    ) -> Plan[bool]:
        now_ms = self._clock.now_ms()
        if not (yield from advance(operation, token, progress, now_ms)):
            return False
        if not again:
            return True
        yield _ONE_AT_A_TIME()  # two operations may replay one notification, each with its own run
        yield _ACCEPT([(one,) for one in sorted({one.notification.id for one in again})])
        keys = sorted({_key(one) for one in again if one.owed.key is not None})
        headed: set[tuple[str, str, str]] = set()
        if keys:
            yield LOCK_KEYS(*key_lock_arrays(keys))
            headed = {(row[0], row[1], row[2]) for row in (yield HEADS(keys))}
        rows = []
        for one in sorted(again, key=_by_time):
            parked = one.owed.key is not None and _key(one) in headed
            if one.owed.key is not None:
                headed.add(_key(one))
            rows.append(_row(one, operation.id, 0 if parked else 2, now_ms))
        yield _INSERT(rows)
        yield Signal(HANDLINGS_TOPIC)()
        return True


def _along_an_index(selection: Selection, after: str, before: str, limit: int) -> Plan[Rows]:
    ids: Sequence[str] | None = None
    if selection.reference is not None:
        ids = yield from about(selection.reference, after, before, limit)
    elif selection.state == ReplayState.DEAD:
        ids = [row[0] for row in (yield _DEAD(after, before, limit))]
    if ids is not None:
        named = (yield _NAMED([(one,) for one in ids])) if ids else ()
        return sorted(named, key=lambda row: str(row[0]))
    if selection.state == ReplayState.IGNORED:
        return (yield _IGNORED(after, before, limit))
    if selection.seller_id is not None:
        return (yield _OF_SELLER(after, before, limit, selection.seller_id))
    if selection.notification_type is not None:
        return (yield _OF_TYPE(after, before, limit, selection.notification_type))
    return (yield _WINDOW(after, before, limit))


def _look(selection: Selection, after: str, before: str, limit: int) -> Plan[Sequence[Looked]]:
    rows = yield from _along_an_index(selection, after, before, limit)
    return (yield from _with_earlier(rows))


def _with_earlier(rows: Rows) -> Plan[Sequence[Looked]]:
    if not rows:
        return ()
    earlier: dict[str, dict[str, Earlier]] = {}
    for notification_id, handler, run, handling_id, state in (
        yield _EARLIER([(row[0],) for row in rows])
    ):
        of = earlier.setdefault(notification_id, {})
        if handler not in of or of[handler].run < run:
            of[handler] = Earlier(id=handling_id, handler=handler, run=run, state=state)
    return [
        Looked(
            id=row[0],
            type=row[1],
            seller_id=row[2],
            marketplace_id=row[3],
            origin=row[4],
            state=row[5],
            earlier=earlier.get(row[0], {}),
        )
        for row in rows
    ]


def _key(one: Again) -> tuple[str, str, str]:
    return one.owed.handler, one.notification.seller_id or "", one.owed.key or ""


def _event_time_ms(one: Again) -> int:
    at_ms = one.notification.event_time_ms
    return one.notification.received_at_ms if at_ms is None else at_ms


def _by_time(one: Again) -> tuple[int, str, str]:
    return _event_time_ms(one), one.notification.id, one.owed.handler


def _row(one: Again, operation_id: str, readiness: int, now_ms: int) -> tuple[Any, ...]:
    return (
        new_id(IdPrefix.HANDLING, now_ms),
        one.notification.id,
        one.owed.handler,
        one.notification.seller_id or "",
        one.owed.key,
        one.owed.coalesce,
        readiness,
        now_ms,
        _event_time_ms(one),
        one.owed.once,
        one.replayed_from,
        operation_id,
    )
