"""What a tenant sees: its endpoints, and the events and deliveries that concern them.

Lists look through a bounded number of rows at a time, the newest first, so that a tenant with
little of a large table costs no more than one with much: a page may hold less than was asked for,
or nothing, and still name where the next one begins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import ColumnElement, Executable, Select, Table, exists, func, select

from gateway.model import DeliveryState
from gateway.store import schema
from gateway.store.driver import Driver
from gateway.store.queries import DELIVERIES, EVENTS, delivery_of, event_of
from gateway.store.statements import Cold, Plan, Row, Rows
from gateway.store.views import DeliveryView, EventView

V = TypeVar("V")

_EP, _E, _D, _F = schema.endpoints, schema.events, schema.deliveries, schema.feed_entries

SCANNED_AT_ONCE: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan(Generic[V]):
    """What was found in the rows that were looked through.

    Attributes:
        after: Where to go on; None where all was looked through.
    """

    items: Sequence[V]
    after: str | None


class Tenancy:
    """See the module.

    Args:
        scanned: Rows that are looked through at once.
    """

    def __init__(self, driver: Driver, *, scanned: int = SCANNED_AT_ONCE) -> None:
        self._driver = driver
        self._scanned = scanned

    async def endpoint_ids(self, tenant: str) -> frozenset[str]:
        """Return the ids of a tenant's endpoints."""
        query = select(_EP.c.id).where(_EP.c.tenant == tenant)
        return frozenset(row[0] for row in await self._rows(query))

    async def owns_endpoint(self, tenant: str, endpoint_id: str) -> bool:
        """Whether an endpoint is the tenant's."""
        query = select(_EP.c.id).where(_EP.c.id == endpoint_id, _EP.c.tenant == tenant)
        return bool(await self._rows(query))

    async def sees_event(self, tenant: str, event_id: str) -> bool:
        """Whether an event goes to one of the tenant's endpoints."""
        query = select(_E.c.id).where(_E.c.id == event_id, _concerns(tenant))
        return bool(await self._rows(query))

    async def events(
        self,
        *,
        after: str | None,
        limit: int,
        tenant: str | None = None,
        event_type: str | None = None,
        seller_id: str | None = None,
    ) -> Scan[EventView]:
        """Return events, the newest first; those that concern `tenant` where one is given."""
        wanted = _equal({_E.c.type: event_type, _E.c.seller_id: seller_id})
        if tenant is not None:
            wanted.append(_concerns(tenant))
        return await self._scan(EVENTS, _E, wanted, (after, limit), event_of)

    async def deliveries(
        self,
        *,
        after: str | None,
        limit: int,
        tenant: str | None = None,
        endpoint_id: str | None = None,
        event_id: str | None = None,
        state: DeliveryState | None = None,
    ) -> Scan[DeliveryView]:
        """Return deliveries, the newest first; those to `tenant` where one is given."""
        wanted = _equal({_D.c.state: state, _D.c.endpoint_id: endpoint_id, _D.c.event_id: event_id})
        if tenant is not None:
            wanted.append(_D.c.endpoint_id.in_(select(_EP.c.id).where(_EP.c.tenant == tenant)))
        return await self._scan(DELIVERIES, _D, wanted, (after, limit), delivery_of)

    async def _scan(
        self,
        query: Select[Any],
        table: Table,
        wanted: Sequence[ColumnElement[bool]],
        page: tuple[str | None, int],
        view: Callable[[Row], V],
    ) -> Scan[V]:
        after, limit = page
        behind = [] if after is None else [table.c.id < after]
        window = (
            select(table.c.id).where(*behind).order_by(table.c.id.desc()).limit(self._scanned)
        ).subquery()
        edge = select(func.min(window.c.id), func.count())
        last, looked_at, rows = await self._driver.read(
            lambda: _scanned(edge, query.where(*behind, *wanted), table, limit)
        )
        items = [view(row) for row in rows]
        if len(rows) == limit:
            return Scan(items=items, after=rows[-1][0])
        return Scan(items=items, after=last if looked_at == self._scanned else None)

    async def _rows(self, query: Select[Any]) -> Rows:
        return await self._driver.read(lambda: _run(query))


def _concerns(tenant: str) -> ColumnElement[bool]:
    """Return the condition that an event goes to an endpoint of the tenant's."""
    own = select(_EP.c.id).where(_EP.c.tenant == tenant)
    return exists().where(_D.c.event_id == _E.c.id, _D.c.endpoint_id.in_(own)) | exists().where(
        _F.c.event_id == _E.c.id, _F.c.endpoint_id.in_(own)
    )


def _equal(wanted: dict[Any, str | None]) -> list[ColumnElement[bool]]:
    return [column == str(value) for column, value in wanted.items() if value is not None]


def _scanned(
    edge: Executable, query: Select[Any], table: Table, limit: int
) -> Plan[tuple[str | None, int, Rows]]:
    last, looked_at = (yield Cold(edge)())[0]
    if not looked_at:
        return None, 0, ()
    inside = query.where(table.c.id >= last).order_by(table.c.id.desc()).limit(limit)
    return last, looked_at, (yield Cold(inside)())


def _run(query: Select[Any]) -> Plan[Rows]:
    return (yield Cold(query)())
