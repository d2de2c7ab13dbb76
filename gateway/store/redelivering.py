"""Redeliveries: which events there are, what became of them, and sending them again in bulk.

Events are looked through in the order of their ids, which is that of time, and dead deliveries
likewise: of five million events a few hundred may have failed. What stands in an
endpoint's feed counts as delivered, as it is there to be pulled. Operational events are none of it,
nor are those that retention has emptied.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.clock import Clock
from gateway.identifiers import Reference
from gateway.model import IdPrefix, NewEvent
from gateway.operations import Operation, Progress, first_id, time_of
from gateway.store.delivery_resends import resend
from gateway.store.driver import Driver
from gateway.store.operations import advance
from gateway.store.publishing import Publisher
from gateway.store.references import about
from gateway.store.statements import Many, One, Plan, Rows, one_step

_WINDOW: Final = One(
    """
    SELECT id, type, seller_id, operational OR length(body) = 0 FROM events
    WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3
    """
)
_OF_NOTIFICATIONS: Final = Many(
    """
    WITH v(id, after, before) AS ({rows})
    SELECT e.id, e.type, e.seller_id, e.operational FROM v CROSS JOIN events AS e
    WHERE e.notification_id = v.id AND e.notification_id IS NOT NULL
      AND e.id > v.after AND e.id < v.before
    """,
    ("text", "text", "text"),
)
_ALL: Final = 1 << 31
_DELIVERIES: Final = Many(
    """
    WITH v(id) AS ({rows})
    SELECT d.id, d.event_id, d.endpoint_id, d.state, d.ended_at_ms
    FROM v CROSS JOIN deliveries AS d WHERE d.event_id = v.id
    """,
    ("text",),
)
_DEAD: Final = One(
    """
    WITH picked AS (
      SELECT id, event_id, endpoint_id, ended_at_ms FROM deliveries
      WHERE state = 'dead' AND id > $1 ORDER BY id LIMIT $2
    )
    SELECT picked.id, picked.endpoint_id, picked.ended_at_ms, e.type, e.seller_id,
      coalesce(length(e.body), 0) > 0 AND NOT e.operational
    FROM picked LEFT JOIN events AS e ON e.id = picked.event_id
    ORDER BY picked.id
    """
)
_WHOLE: Final = Many(
    """
    WITH v(id) AS ({rows})
    SELECT e.id, e.type, e.occurred_at_ms, e.seller_id, e.marketplace_id, e.body, e.replayed_from,
      e.order_key
    FROM v CROSS JOIN events AS e WHERE e.id = v.id
    """,
    ("text",),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A delivery of an event."""

    id: str
    endpoint_id: str
    state: str
    ended_at_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadDelivery:
    """A delivery that has no attempts left.

    Attributes:
        ended_at_ms: When it died.
        type: Of its event; None where that is gone.
        sendable: Whether its event is a customer's, and still has its body.
    """

    id: str
    endpoint_id: str
    ended_at_ms: int | None
    type: str | None
    seller_id: str | None
    sendable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedEvent:
    """An event as far as it decides whether it is sent again.

    Attributes:
        missing: Endpoints that take it now and never had it; empty unless they were asked for.
    """

    id: str
    type: str
    seller_id: str | None
    sent: Sequence[Sent] = field(default_factory=tuple)
    missing: Sequence[str] = field(default_factory=tuple)


class Redeliveries:
    """See the module."""

    def __init__(self, driver: Driver, clock: Clock, publisher: Publisher) -> None:
        self._driver = driver
        self._clock = clock
        self._publisher = publisher

    async def look(
        self,
        *,
        after: str,
        before: str,
        limit: int,
        endpoint_id: str | None = None,
        missing: bool = False,
        reference: Reference | None = None,
    ) -> tuple[Sequence[LookedEvent], str | None]:
        """Return the next events between two ids, the oldest first, and the last id looked at.

        Args:
            after: Exclusive.
            before: Exclusive.
            limit: Most events to look at.
            endpoint_id: The only endpoint that is asked about; None for all.
            missing: Whether to find out who never had them.
            reference: What the events' notifications are about; None for whatever. All events of
                one thing are looked up each time, so it is for what has few, as an order has.
        """

        def plan() -> Plan[tuple[Sequence[LookedEvent], str | None]]:
            window = (after, before, limit)
            rows = yield from _window(window, reference)
            return (yield from self._look(rows, endpoint_id, missing=missing))

        return await self._driver.read(plan)

    async def dead(self, *, after: str, limit: int) -> Sequence[DeadDelivery]:
        """Return the next dead deliveries behind an id, the oldest first."""
        return [
            DeadDelivery(
                id=row[0],
                endpoint_id=row[1],
                ended_at_ms=row[2],
                type=row[3],
                seller_id=row[4],
                sendable=bool(row[5]),
            )
            for row in await self._driver.read(lambda: one_step(_DEAD(after, limit)))
        ]

    async def send_again(
        self,
        operation: Operation,
        token: int,
        progress: Progress,
        *,
        resent: Sequence[str],
        missing: Sequence[str],
    ) -> bool:
        """Make deliveries due, make those that are missing, and move the operation on, as one.

        Args:
            operation: To be moved on.
            token: Of the caller's claim.
            progress: How far.
            resent: Ids of deliveries; those that can't be sent stay as they are.
            missing: Ids of events whose missing deliveries are made.

        Returns:
            Whether the operation still was the caller's; nothing was done if not.

        Raises:
            StoreUnavailableError: Nothing was done.
        """

        def plan() -> Plan[bool]:
            now_ms = self._clock.now_ms()
            if not (yield from advance(operation, token, progress, now_ms)):
                return False
            yield from resend(resent, now_ms)
            if missing:
                only = operation.selection.endpoint_id
                events = yield from _whole(missing)
                had = _had((yield from _sent(missing)))
                yield from self._publisher.catch_up(events, had, only, now_ms)
            return True

        return await self._driver.write(plan)

    def _look(
        self, rows: Rows, endpoint_id: str | None, *, missing: bool
    ) -> Plan[tuple[Sequence[LookedEvent], str | None]]:
        if not rows:
            return (), None
        ids = [row[0] for row in rows if not row[3]]
        sent = yield from _sent(ids)
        lacking: Mapping[str, Sequence[str]] = {}
        if missing and ids:
            had = _had(sent)
            lacking = yield from self._publisher.missing((yield from _whole(ids)), had, endpoint_id)
        found = [
            LookedEvent(
                id=row[0],
                type=row[1],
                seller_id=row[2],
                sent=[
                    one for one in sent.get(row[0], ()) if endpoint_id in (None, one.endpoint_id)
                ],
                missing=lacking.get(row[0], ()),
            )
            for row in rows
            if not row[3]
        ]
        return found, rows[-1][0]


def _window(window: tuple[str, str, int], reference: Reference | None) -> Plan[Rows]:
    if reference is None:
        return (yield _WINDOW(*window))
    after, before, limit = window
    earliest = first_id(IdPrefix.NOTIFICATION, 0)
    latest = first_id(IdPrefix.NOTIFICATION, time_of(before))
    ids = yield from about(reference, earliest, latest, _ALL)
    rows = (yield _OF_NOTIFICATIONS([(one, after, before) for one in ids])) if ids else ()
    return sorted(rows, key=lambda row: str(row[0]))[:limit]


def _sent(event_ids: Sequence[str]) -> Plan[dict[str, list[Sent]]]:
    found: dict[str, list[Sent]] = {}
    if event_ids:
        for delivery_id, event_id, endpoint_id, state, ended_at_ms in (
            yield _DELIVERIES([(one,) for one in event_ids])
        ):
            one = Sent(
                id=delivery_id, endpoint_id=endpoint_id, state=state, ended_at_ms=ended_at_ms
            )
            found.setdefault(event_id, []).append(one)
    return found


def _had(sent: Mapping[str, Sequence[Sent]]) -> Mapping[str, frozenset[str]]:
    return {
        event_id: frozenset(one.endpoint_id for one in deliveries)
        for event_id, deliveries in sent.items()
    }


def _whole(event_ids: Sequence[str]) -> Plan[Sequence[NewEvent]]:
    rows = yield _WHOLE([(one,) for one in event_ids])
    return [
        NewEvent(
            id=row[0],
            type=row[1],
            occurred_at_ms=row[2],
            seller_id=row[3],
            marketplace_id=row[4],
            body=bytes(row[5]),
            replayed_from=row[6],
            order_key=row[7],
        )
        for row in sorted(rows, key=lambda row: str(row[0]))
    ]
