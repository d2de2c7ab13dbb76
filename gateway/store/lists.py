"""What operators and tenants look through: large tables in pages, the newest first.

`after` is the `after` of the page before. It decides along which index a page is read: that of the
first column that is asked for and has one, and those of few rows before the others. What the index
doesn't know is judged as `listing` says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, Select, Table, literal_column

from gateway.identifiers import Reference
from gateway.model import DeliveryState, HandlingState, IdPrefix, NotificationState
from gateway.operations import first_id
from gateway.store import schema
from gateway.store.driver import Driver
from gateway.store.listing import (
    SCANNED_AT_ONCE,
    Asked,
    Scan,
    equal,
    judged,
    page,
    page_of_ids,
    unfinished,
)
from gateway.store.queries import (
    DELIVERIES,
    EVENTS,
    HANDLINGS,
    NOTIFICATIONS,
    QUARANTINE,
    delivery_of,
    event_of,
    handling_of,
    notification_of,
    quarantined_of,
)
from gateway.store.references import about
from gateway.store.statements import Cold, Plan, Row
from gateway.store.views import (
    DeliveryView,
    EventView,
    HandlingView,
    NotificationView,
    QuarantineView,
)

V = TypeVar("V")

_N, _H, _E = schema.notifications, schema.handlings, schema.events
_D, _Q = schema.deliveries, schema.quarantine
# States that few rows of a large table are in, and that have an index of their own.
_FEW: Final = frozenset(
    {("notifications", "ignored"), ("handlings", "dead"), ("deliveries", "dead")}
)
_UNFINISHED: Final = frozenset({"pending", "leased", "held"})
_BEFORE_ALL: Final = first_id(IdPrefix.NOTIFICATION, 0)
_BEHIND_ALL: Final = f"{IdPrefix.NOTIFICATION}_{'f' * 32}"
_REFERENCES_AT_ONCE: Final = 500
# Each of them is a row of its own to fetch, wherever it lies.
_REFERENCES_LOOKED: Final = 2_000


class Lists:
    """See the module."""

    def __init__(self, driver: Driver, *, scanned: int = SCANNED_AT_ONCE) -> None:
        self._driver = driver
        self._scanned = scanned

    async def notifications(
        self,
        *,
        after: str | None = None,
        limit: int = 50,
        notification_type: str | None = None,
        seller_id: str | None = None,
        state: NotificationState | None = None,
        marketplace_id: str | None = None,
        reference: Reference | None = None,
    ) -> Scan[NotificationView]:
        """Return notifications; `reference` is what they are about."""
        wanted = {
            "seller_id": seller_id,
            "type": notification_type,
            "state": state,
            "marketplace_id": marketplace_id,
        }
        if reference is not None:
            given = equal(_N, wanted)
            return await self._driver.read(lambda: _about(reference, given, after, limit))
        where = (after, limit, self._scanned)
        asked = _asked(NOTIFICATIONS, _N, where, wanted, indexed=("seller_id", "type"))
        return await self._driver.read(lambda: page(asked, notification_of))

    async def handlings(
        self,
        *,
        after: str | None = None,
        limit: int = 50,
        handler: str | None = None,
        state: HandlingState | None = None,
    ) -> Scan[HandlingView]:
        """Return handlings."""
        wanted = {"handler": handler, "state": state}
        asked = _asked(HANDLINGS, _H, (after, limit, self._scanned), wanted)
        return await self._driver.read(lambda: _by_state(asked, state, handling_of))

    async def events(
        self,
        *,
        after: str | None = None,
        limit: int = 50,
        event_type: str | None = None,
        seller_id: str | None = None,
        besides: Sequence[ColumnElement[bool]] = (),
    ) -> Scan[EventView]:
        """Return events; `besides` are further conditions."""
        wanted = {"seller_id": seller_id, "type": event_type}
        where = (after, limit, self._scanned)
        asked = _asked(EVENTS, _E, where, wanted, besides, indexed=("seller_id", "type"))
        return await self._driver.read(lambda: page(asked, event_of))

    async def deliveries(
        self,
        *,
        after: str | None = None,
        limit: int = 50,
        state: DeliveryState | None = None,
        endpoint_id: str | None = None,
        event_id: str | None = None,
        besides: Sequence[ColumnElement[bool]] = (),
    ) -> Scan[DeliveryView]:
        """Return deliveries; `besides` are further conditions."""
        wanted = {"event_id": event_id, "endpoint_id": endpoint_id, "state": state}
        where = (after, limit, self._scanned)
        asked = _asked(DELIVERIES, _D, where, wanted, besides, indexed=("event_id", "endpoint_id"))
        return await self._driver.read(lambda: _by_state(asked, state, delivery_of))

    async def quarantine(
        self, *, after: str | None = None, limit: int = 50
    ) -> Scan[QuarantineView]:
        """Return messages that can't be parsed."""
        asked = Asked(query=QUARANTINE, table=_Q, after=after, limit=limit)
        return await self._driver.read(lambda: page(asked, quarantined_of))


def _asked(
    query: Select[Any],
    table: Table,
    where: tuple[str | None, int, int],
    wanted: Mapping[str, Any],
    besides: Sequence[ColumnElement[bool]] = (),
    *,
    indexed: Sequence[str] = (),
) -> Asked:
    state = wanted.get("state")
    if (table.name, str(state)) in _FEW:
        name = "state"
        along = [literal_column(f"{table.name}.state") == literal_column(f"'{state}'")]
    else:
        name = next((one for one in indexed if wanted.get(one) is not None), "")
        along = equal(table, {name: wanted[name]}) if name else []
    rest = {column: value for column, value in wanted.items() if column != name}
    after, limit, scanned = where
    return Asked(
        query=query,
        table=table,
        along=along,
        besides=[*judged(table, rest), *besides],
        after=after,
        limit=limit,
        scanned=scanned,
    )


def _by_state(asked: Asked, state: str | None, view: Callable[[Row], V]) -> Plan[Scan[V]]:
    """Return a page; of what waits, is leased or held by their indexes, unless it is very much."""
    if state in _UNFINISHED:
        ids = yield from unfinished(asked.table, state)
        if ids is not None:
            return (yield from page_of_ids(asked, ids, view))
    return (yield from page(asked, view))


def _about(
    reference: Reference, wanted: Sequence[ColumnElement[bool]], after: str | None, limit: int
) -> Plan[Scan[NotificationView]]:
    found: list[Row] = []
    before, looked, end = after or _BEHIND_ALL, 0, False
    while not end and len(found) <= limit and looked < _REFERENCES_LOOKED:
        ids = yield from about(
            reference, _BEFORE_ALL, before, _REFERENCES_AT_ONCE, newest_first=True
        )
        if ids:
            query = NOTIFICATIONS.where(_N.c.id.in_(ids), *wanted).order_by(_N.c.id.desc())
            found += yield Cold(query)()
            before, looked = ids[-1], looked + len(ids)
        end = len(ids) < _REFERENCES_AT_ONCE
    items = [notification_of(row) for row in found[:limit]]
    if len(found) > limit:
        return Scan(items=items, after=found[limit - 1][0])
    return Scan(items=items, after=None if end else before)
