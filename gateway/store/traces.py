"""The story of one thing: from any id of it to all that came of it, in the order of time.

An id of ours leads to its notification, or to its event where no notification led to that; Amazon's
notification id and those of orders, reports, feeds, queries and documents lead to notifications,
the id of an SQS message to what came in with it, for the first time or once more, or to quarantine.
Everything is found by an index, and of one order the newest notifications only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from gateway.calls_made import CallMade, calls_of
from gateway.errors import NotFoundError
from gateway.identifiers import ReferenceKind
from gateway.model import IdPrefix
from gateway.store.driver import Driver
from gateway.store.references import called
from gateway.store.statements import Many, One, Plan, Row, Rows

MOST_NOTIFICATIONS: Final = 50
_ENDED: Final = frozenset({"handled", "coalesced", "duplicate", "skipped", "dead"})

_OF_HANDLING: Final = One("SELECT notification_id FROM handlings WHERE id = $1")
_OF_EVENT: Final = One("SELECT notification_id, id FROM events WHERE id = $1")
_OF_DELIVERY: Final = One(
    """
    SELECT e.notification_id, e.id FROM deliveries AS d JOIN events AS e ON e.id = d.event_id
    WHERE d.id = $1
    """
)
_OF_ATTEMPT: Final = One(
    """
    SELECT e.notification_id, e.id FROM attempts AS a
    JOIN deliveries AS d ON d.id = a.delivery_id JOIN events AS e ON e.id = d.event_id
    WHERE a.id = $1
    """
)
_EVENT_BY_PREFIX: Final[Mapping[str, One]] = {
    IdPrefix.EVENT: _OF_EVENT,
    IdPrefix.DELIVERY: _OF_DELIVERY,
    IdPrefix.ATTEMPT: _OF_ATTEMPT,
}
_OF_IDENTITY: Final = One("SELECT id FROM notifications WHERE identity = $1")
_OF_THINGS: Final = (ReferenceKind.ORDER, ReferenceKind.REPORT)
_OF_MESSAGE: Final = One("SELECT id FROM quarantine WHERE message_id = $1")

_OF_FIRST_MESSAGE: Final = One("SELECT id FROM notifications WHERE message_id = $1")
_OF_FURTHER_MESSAGE: Final = One("SELECT notification_id FROM receipts WHERE message_id = $1")

_QUARANTINE: Final = Many(
    """
    WITH v(id) AS ({rows})
    SELECT q.id, q.source, q.message_id, q.reason, q.size_bytes, q.received_at_ms
    FROM v CROSS JOIN quarantine AS q WHERE q.id = v.id
    """,
    ("text",),
)
_NOTIFICATIONS: Final = Many(
    """
    WITH v(id) AS ({rows})
    SELECT n.id, n.identity, n.type, n.seller_id, n.source, n.origin, n.state, n.event_time_ms,
      n.received_at_ms, n.message_id
    FROM v CROSS JOIN notifications AS n WHERE n.id = v.id
    """,
    ("text",),
)
_RECEIPTS: Final = Many(
    """
    WITH v(id) AS ({rows})
    SELECT r.id, r.notification_id, r.message_id, r.source, r.origin, r.received_at_ms
    FROM v CROSS JOIN receipts AS r WHERE r.notification_id = v.id
    """,
    ("text",),
)
_HANDLINGS: Final = Many(
    """
    WITH v(id) AS ({rows})
    SELECT h.id, h.handler, h.run, h.key, h.state, h.readiness, h.due_at_ms, h.slot, h.tries,
      h.error, h.replayed_from, h.coalesced_into, h.created_at_ms, h.ended_at_ms, h.notification_id,
      h.operation_id, h.calls
    FROM v CROSS JOIN handlings AS h WHERE h.notification_id = v.id
    """,
    ("text",),
)
_EVENTS_OF: Final = Many(
    """
    WITH v(id) AS ({rows})
    SELECT e.id FROM v CROSS JOIN events AS e
    WHERE e.notification_id = v.id AND e.notification_id IS NOT NULL
    """,
    ("text",),
)
_EVENTS: Final = Many(
    """
    WITH v(id) AS ({rows})
    SELECT e.id, e.type, e.handling_id, e.replayed_from, e.created_at_ms
    FROM v CROSS JOIN events AS e WHERE e.id = v.id
    """,
    ("text",),
)
_DELIVERIES: Final = Many(
    """
    WITH v(id) AS ({rows})
    SELECT d.id, d.event_id, d.endpoint_id, d.state, d.due_at_ms, d.reason, d.created_at_ms,
      d.ended_at_ms, d.resent_at_ms
    FROM v CROSS JOIN deliveries AS d WHERE d.event_id = v.id
    """,
    ("text",),
)
_ATTEMPTS: Final = Many(
    """
    WITH v(id) AS ({rows})
    SELECT a.id, a.delivery_id, a.endpoint_id, a.number, a.started_at_ms, a.duration_ms, a.status,
      a.error_class, a.error, a.address
    FROM v CROSS JOIN attempts AS a WHERE a.delivery_id = v.id
    """,
    ("text",),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceStep:
    """One thing that happened, or is due.

    Attributes:
        at_ms: When; for what is pending when it is due, which may be in the future.
        what: A word: received, received_again, quarantined, owed, called, deferred (a call that
            its usage plan put off), published, resent, attempted, or the state that a handling or
            delivery has come to.
        id: Of the notification, message, handling, event, delivery or attempt.
        of: Id of what it came from; None for what came in.
        details: What else there is to say, by name; none is customer data.
    """

    at_ms: int
    what: str
    id: str
    of: str | None
    details: Mapping[str, Any] = field(default_factory=dict)


class Traces:
    """See the module."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def trace(self, wanted_id: str) -> Sequence[TraceStep]:
        """Return what happened to the thing that `wanted_id` names, in the order of time.

        Args:
            wanted_id: An id of ours (`ntf_`, `hdl_`, `evt_`, `dlv_`, `att_`, `qtn_`), Amazon's
                notification id, that of an order, a report, feed, Data Kiosk query or document, or
                an SQS message's, whatever came of it.

        Raises:
            NotFoundError: Nothing of that id is stored.
        """
        steps = await self._driver.read(lambda: _story(wanted_id))
        if not steps:
            raise NotFoundError(f"there is nothing that is called {wanted_id}")
        return steps


@dataclass(slots=True)
class _Seeds:
    """Where a story begins."""

    notifications: set[str] = field(default_factory=set)
    events: set[str] = field(default_factory=set)
    quarantined: set[str] = field(default_factory=set)


def _seeds(wanted_id: str) -> Plan[_Seeds]:
    prefix = wanted_id.partition("_")[0]
    if prefix == IdPrefix.NOTIFICATION:
        return _Seeds(notifications={wanted_id})
    if prefix == IdPrefix.QUARANTINE:
        return _Seeds(quarantined={wanted_id})
    if prefix == IdPrefix.HANDLING:
        return _Seeds(notifications=_firsts((yield _OF_HANDLING(wanted_id))))
    lookup = _EVENT_BY_PREFIX.get(prefix)
    if lookup is not None:
        rows = yield lookup(wanted_id)
        return _Seeds(
            notifications={row[0] for row in rows if row[0] is not None},
            events={row[1] for row in rows if row[0] is None},
        )
    found = _firsts((yield _OF_IDENTITY(wanted_id)))
    found |= yield from called(wanted_id, _OF_THINGS, MOST_NOTIFICATIONS)
    found |= _firsts((yield _OF_FIRST_MESSAGE(wanted_id)))
    found |= _firsts((yield _OF_FURTHER_MESSAGE(wanted_id)))
    return _Seeds(notifications=found, quarantined=_firsts((yield _OF_MESSAGE(wanted_id))))


def _story(wanted_id: str) -> Plan[Sequence[TraceStep]]:
    seeds = yield from _seeds(wanted_id)
    steps = [_quarantined(row) for row in (yield from _rows(_QUARANTINE, seeds.quarantined))]
    steps += [_received(row) for row in (yield from _rows(_NOTIFICATIONS, seeds.notifications))]
    steps += [_again(row) for row in (yield from _rows(_RECEIPTS, seeds.notifications))]
    handlings = yield from _rows(_HANDLINGS, seeds.notifications)
    events = seeds.events | _firsts((yield from _rows(_EVENTS_OF, seeds.notifications)))
    published = yield from _rows(_EVENTS, events)
    deliveries = yield from _rows(_DELIVERIES, events)
    attempts = yield from _rows(_ATTEMPTS, _firsts(deliveries))
    for row in handlings:
        steps += _handling(row)
    steps += [_event(row) for row in published]
    for row in deliveries:
        steps += _delivery(row)
    steps += [_attempt(row) for row in attempts]
    # Stable: what happened within one millisecond stays in the order above, which is that of cause.
    return sorted(steps, key=lambda step: step.at_ms)


def _rows(statement: Many, ids: Iterable[str]) -> Plan[Rows]:
    wanted = [(one,) for one in sorted(ids)]
    if not wanted:
        return ()
    return sorted((yield statement(wanted)), key=lambda row: str(row[0]))


def _firsts(rows: Rows) -> set[str]:
    return {row[0] for row in rows}


def _quarantined(row: Row) -> TraceStep:
    details = {"source": row[1], "message_id": row[2], "reason": row[3], "size_bytes": row[4]}
    return TraceStep(at_ms=row[5], what="quarantined", id=row[0], of=None, details=details)


def _received(row: Row) -> TraceStep:
    details = {
        "identity": row[1],
        "type": row[2],
        "seller_id": row[3],
        "source": row[4],
        "origin": row[5],
        "state": row[6],
        "event_time_ms": row[7],
        "message_id": row[9],
    }
    return TraceStep(at_ms=row[8], what="received", id=row[0], of=None, details=details)


def _again(row: Row) -> TraceStep:
    details = {"message_id": row[2], "source": row[3], "origin": row[4]}
    return TraceStep(at_ms=row[5], what="received_again", id=row[1], of=None, details=details)


def _handling(row: Row) -> Iterator[TraceStep]:
    handling_id, handler, run, key, state, readiness, due_at_ms, slot, tries, error = row[:10]
    replayed_from, coalesced_into, created_at_ms, ended_at_ms, notification_id = row[10:15]
    owed = {"handler": handler, "run": run, "key": key, "replayed_from": replayed_from}
    owed["operation_id"] = row[15]
    yield TraceStep(
        at_ms=created_at_ms, what="owed", id=handling_id, of=notification_id, details=owed
    )
    for call in calls_of(row[16] or ""):
        yield _call(call, handling_id, notification_id)
    details = {"handler": handler, "failed_tries": tries, "error": error}
    if state in _ENDED:
        details["coalesced_into"] = coalesced_into
    else:
        details |= {"parked": state == "pending" and readiness == 0, "waits_for": slot}
    yield TraceStep(
        at_ms=due_at_ms if ended_at_ms is None else ended_at_ms,
        what=state,
        id=handling_id,
        of=notification_id,
        details=details,
    )


def _call(call: CallMade, handling_id: str, notification_id: str) -> TraceStep:
    details = asdict(call)
    del details["at_ms"]
    what = "deferred" if call.outcome == "deferred" else "called"
    return TraceStep(
        at_ms=call.at_ms, what=what, id=handling_id, of=notification_id, details=details
    )


def _event(row: Row) -> TraceStep:
    details = {"type": row[1], "replayed_from": row[3]}
    return TraceStep(at_ms=row[4], what="published", id=row[0], of=row[2], details=details)


def _delivery(row: Row) -> Iterator[TraceStep]:
    delivery_id, event_id, endpoint_id, state, due_at_ms, reason = row[:6]
    created_at_ms, ended_at_ms, resent_at_ms = row[6:]
    to = {"endpoint_id": endpoint_id}
    yield TraceStep(at_ms=created_at_ms, what="owed", id=delivery_id, of=event_id, details=to)
    if resent_at_ms is not None:
        yield TraceStep(at_ms=resent_at_ms, what="resent", id=delivery_id, of=event_id, details=to)
    yield TraceStep(
        at_ms=due_at_ms if ended_at_ms is None else ended_at_ms,
        what=state,
        id=delivery_id,
        of=event_id,
        details={**to, "reason": reason},
    )


def _attempt(row: Row) -> TraceStep:
    details = {
        "endpoint_id": row[2],
        "number": row[3],
        "duration_ms": row[5],
        "status": row[6],
        "error_class": row[7],
        "error": row[8],
        "address": row[9],
    }
    return TraceStep(at_ms=row[4], what="attempted", id=row[0], of=row[1], details=details)
