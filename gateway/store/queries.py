"""What operators ask: one thing with all that belongs to it, and counts.

Nothing here writes, and none of it is on a hot path.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import Select, case, func, select

from gateway.errors import NotFoundError
from gateway.model import DeliveryState, HandlingState, NotificationState, Origin
from gateway.store import schema
from gateway.store.driver import Driver, Sealer
from gateway.store.inbox import quarantine_context
from gateway.store.notification_rows import COLUMNS, stored_notification
from gateway.store.statements import Cold, One, Plan, Row, Rows, one_step
from gateway.store.views import (
    AttemptView,
    Counts,
    DeliveryDetail,
    DeliveryView,
    EndpointHealth,
    EventDetail,
    EventView,
    HandlingView,
    NotificationDetail,
    NotificationView,
    QuarantineView,
    WorkCounts,
)

V = TypeVar("V")

_N, _H, _E = schema.notifications, schema.handlings, schema.events
_D, _A, _Q = schema.deliveries, schema.attempts, schema.quarantine

_WHOLE: Final = select(*(_N.c[name] for name in COLUMNS))
NOTIFICATIONS: Final = select(
    _N.c.id,
    _N.c.identity,
    _N.c.type,
    _N.c.payload_version,
    _N.c.seller_id,
    _N.c.marketplace_id,
    _N.c.event_time_ms,
    _N.c.received_at_ms,
    _N.c.source,
    _N.c.origin,
    _N.c.state,
)
HANDLINGS: Final = select(
    _H.c.id,
    _H.c.notification_id,
    _H.c.handler,
    _H.c.run,
    _H.c.lane,
    _H.c.key,
    _H.c.state,
    _H.c.readiness,
    _H.c.due_at_ms,
    _H.c.tries,
    _H.c.claims,
    _H.c.error,
    _H.c.coalesced_into,
    _H.c.replayed_from,
    _H.c.created_at_ms,
    _H.c.ended_at_ms,
)
EVENTS: Final = select(
    _E.c.id,
    _E.c.type,
    _E.c.occurred_at_ms,
    _E.c.seller_id,
    _E.c.marketplace_id,
    _E.c.notification_id,
    _E.c.handling_id,
    _E.c.replayed_from,
    _E.c.created_at_ms,
)
DELIVERIES: Final = select(
    _D.c.id,
    _D.c.event_id,
    _E.c.type,
    _D.c.endpoint_id,
    _D.c.state,
    _D.c.due_at_ms,
    _D.c.attempts,
    _D.c.claims,
    _D.c.created_at_ms,
    _D.c.ended_at_ms,
    _D.c.reason,
    _D.c.order_key,
    ((_D.c.state == "pending") & (_D.c.readiness == 0)).label("parked"),
    _D.c.thin,
    _D.c.resent_at_ms,
    _D.c.attempts_before,
).join(_E, _E.c.id == _D.c.event_id)
QUARANTINE: Final = select(
    _Q.c.id, _Q.c.source, _Q.c.message_id, _Q.c.reason, _Q.c.size_bytes, _Q.c.received_at_ms
)
_ATTEMPTS: Final = select(
    _A.c.id,
    _A.c.number,
    _A.c.started_at_ms,
    _A.c.duration_ms,
    _A.c.status,
    _A.c.error_class,
    _A.c.error,
    _A.c.answer,
    _A.c.address,
    _A.c.charged,
    _A.c.next_due_ms,
    _A.c.next_reason,
    _A.c.signature,
    _A.c.sent_headers,
    _A.c.dns_ms,
    _A.c.connect_ms,
    _A.c.tls_ms,
    _A.c.first_byte_ms,
)
_HEALTH: Final = select(*list(schema.endpoint_health.c)[:8])

_READY_COUNT: Final = "SELECT count(*), min(id) FROM {} WHERE state = 'pending' AND readiness = 2"
_COUNT: Final = "SELECT count(*) FROM {} WHERE {}"
# Each of these conditions is an index's own.
_WAITING: Final = "state = 'pending' AND readiness = 1"
_SUSPECT: Final = "state = 'pending' AND readiness = 3"
_PARKED: Final = "state = 'pending' AND readiness = 0"
_LEASED: Final = "state = 'leased'"
_HELD: Final = "state = 'held'"
_DEAD: Final = "state = 'dead'"
_QUARANTINED: Final = One("SELECT count(*) FROM quarantine")


class Queries:
    """See the module."""

    def __init__(self, driver: Driver, sealer: Sealer) -> None:
        self._driver = driver
        self._sealer = sealer

    async def notification(self, notification_id: str) -> NotificationDetail:
        """Return a notification with its body and handlings.

        Raises:
            NotFoundError: There is no such notification.
            SealError: Its body is sealed and can't be opened.
        """
        row = await self._one(_WHOLE.where(_N.c.id == notification_id), notification_id)
        query = HANDLINGS.where(_H.c.notification_id == notification_id).order_by(_H.c.id)
        return NotificationDetail(
            notification=stored_notification(row, self._sealer),
            handlings=[handling_of(row) for row in await self._rows(query)],
        )

    async def handling(self, handling_id: str) -> HandlingView:
        """Return one handling.

        Raises:
            NotFoundError: There is no such handling.
        """
        query = HANDLINGS.where(_H.c.id == handling_id)
        return handling_of(await self._one(query, handling_id))

    async def event(self, event_id: str) -> EventDetail:
        """Return an event with its body and deliveries.

        Raises:
            NotFoundError: There is no such event.
        """
        query = EVENTS.add_columns(_E.c.body).where(_E.c.id == event_id)
        row = await self._one(query, event_id)
        deliveries = DELIVERIES.where(_D.c.event_id == event_id).order_by(_D.c.id)
        return EventDetail(
            event=event_of(row),
            body=bytes(row[-1]),
            deliveries=[delivery_of(row) for row in await self._rows(deliveries)],
        )

    async def delivery(self, delivery_id: str) -> DeliveryDetail:
        """Return a delivery with its attempts.

        Raises:
            NotFoundError: There is no such delivery.
        """
        row = await self._one(DELIVERIES.where(_D.c.id == delivery_id), delivery_id)
        attempts = _ATTEMPTS.where(_A.c.delivery_id == delivery_id).order_by(_A.c.id)
        return DeliveryDetail(
            delivery=delivery_of(row),
            attempts=[_attempt(row) for row in await self._rows(attempts)],
        )

    async def delivery_body(self, delivery_id: str) -> bytes:
        """Return the bytes that each attempt of a delivery sends.

        Raises:
            NotFoundError: There is no such delivery.
        """
        body = case((_D.c.thin, func.coalesce(_E.c.thin_body, _E.c.body)), else_=_E.c.body)
        query = select(body).join(_E, _E.c.id == _D.c.event_id).where(_D.c.id == delivery_id)
        return bytes((await self._one(query, delivery_id))[0])

    async def quarantined_body(self, quarantine_id: str) -> bytes:
        """Return the bytes of a message that can't be parsed.

        Raises:
            NotFoundError: There is no such message.
            SealError: It can't be opened.
        """
        row = await self._one(select(_Q.c.body).where(_Q.c.id == quarantine_id), quarantine_id)
        return self._sealer.open(bytes(row[0]), context=quarantine_context(quarantine_id))

    async def endpoint_health(self) -> Sequence[EndpointHealth]:
        """Return how all endpoints have answered lately."""
        rows = await self._rows(_HEALTH)
        return [EndpointHealth(**_named(EndpointHealth, row)) for row in rows]

    async def health_of(self, endpoint_id: str) -> EndpointHealth:
        """Return how one endpoint has answered lately.

        Raises:
            NotFoundError: There is no such endpoint.
        """
        query = _HEALTH.where(schema.endpoint_health.c.endpoint_id == endpoint_id)
        return EndpointHealth(**_named(EndpointHealth, await self._one(query, endpoint_id)))

    async def counts(self) -> Counts:
        """Return how much work there is, all counted at one moment."""
        return await self._driver.read(_counts)

    async def _rows(self, query: Select[Any]) -> Rows:
        return await self._driver.read(lambda: one_step(Cold(query)()))

    async def _one(self, query: Select[Any], wanted_id: str) -> Row:
        rows = await self._rows(query)
        if not rows:
            raise NotFoundError(f"there is no {wanted_id}")
        return rows[0]


def _counts() -> Plan[Counts]:
    quarantined = (yield _QUARANTINED())[0][0]
    handlings = yield from _work("handlings", parked=_PARKED, held=None)
    deliveries = yield from _work("deliveries", parked=_PARKED, held=_HELD)
    return Counts(handlings=handlings, deliveries=deliveries, quarantined=quarantined)


def _work(table: str, *, parked: str | None, held: str | None) -> Plan[WorkCounts]:
    ready, oldest = (yield One(_READY_COUNT.format(table))())[0]
    return WorkCounts(
        ready=ready,
        waiting=(yield from _count(table, _WAITING)) + (yield from _count(table, _SUSPECT)),
        parked=(yield from _count(table, parked)),
        leased=(yield from _count(table, _LEASED)),
        held=(yield from _count(table, held)),
        dead=(yield from _count(table, _DEAD)),
        oldest_ready_ms=None if oldest is None else _made_at_ms(oldest),
    )


def _count(table: str, where: str | None) -> Plan[int]:
    if where is None:
        return 0
    count: int = (yield One(_COUNT.format(table, where))())[0][0]
    return count


def _made_at_ms(prefixed_id: str) -> int:
    # A UUIDv7 begins with 48 bits of milliseconds; unlike a column, it stands in every index.
    return int(prefixed_id.rpartition("_")[2][:12], 16)


def _named(view: Callable[..., V], row: Row) -> dict[str, Any]:
    return dict(zip(view.__dataclass_fields__, row, strict=False))  # type: ignore[attr-defined]


def notification_of(row: Row) -> NotificationView:
    """Return the notification in a row of `NOTIFICATIONS`."""
    named = _named(NotificationView, row)
    origin, state = Origin(named["origin"]), NotificationState(named["state"])
    return NotificationView(**(named | {"origin": origin, "state": state}))


def handling_of(row: Row) -> HandlingView:
    """Return the handling in a row of `HANDLINGS`."""
    state = HandlingState(row[6])
    return HandlingView(
        id=row[0],
        notification_id=row[1],
        handler=row[2],
        run=row[3],
        seller_id=row[4] or None,
        key=row[5],
        state=state,
        parked=state is HandlingState.PENDING and row[7] == 0,
        due_at_ms=row[8],
        tries=row[9],
        claims=row[10],
        error=row[11],
        coalesced_into=row[12],
        replayed_from=row[13],
        created_at_ms=row[14],
        ended_at_ms=row[15],
    )


def event_of(row: Row) -> EventView:
    """Return the event in a row of `EVENTS`."""
    return EventView(**_named(EventView, row))


def quarantined_of(row: Row) -> QuarantineView:
    """Return the message in a row of `QUARANTINE`."""
    return QuarantineView(**_named(QuarantineView, row))


def delivery_of(row: Row) -> DeliveryView:
    """Return the delivery in a row of `DELIVERIES`."""
    named = _named(DeliveryView, row)
    flags = {"parked": bool(named["parked"]), "thin": bool(named["thin"])}
    return DeliveryView(**(named | flags | {"state": DeliveryState(named["state"])}))


def _attempt(row: Row) -> AttemptView:
    named = _named(AttemptView, row)
    return AttemptView(
        **(named | {"answer": bytes(named["answer"]), "charged": bool(named["charged"])})
    )
