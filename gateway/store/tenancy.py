"""What a tenant sees: its endpoints, and the events and deliveries that concern them.

Lists look through a bounded number of rows at a time, the newest first, so that a tenant with
little of a large table costs no more than one with much: a page may hold less than was asked for,
or nothing, and still name where the next one begins.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, exists, select

from gateway.model import DeliveryState
from gateway.store import schema
from gateway.store.driver import Driver
from gateway.store.listing import SCANNED_AT_ONCE, Scan
from gateway.store.lists import Lists
from gateway.store.statements import Cold, Rows, one_step
from gateway.store.views import DeliveryView, EventView

_EP, _E, _D, _F = schema.endpoints, schema.events, schema.deliveries, schema.feed_entries


class Tenancy:
    """See the module.

    Args:
        scanned: Rows that are looked through at once.
    """

    def __init__(self, driver: Driver, *, scanned: int = SCANNED_AT_ONCE) -> None:
        self._driver = driver
        self._lists = Lists(driver, scanned=scanned)

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
        besides = [] if tenant is None else [_concerns(tenant)]
        return await self._lists.events(
            after=after, limit=limit, event_type=event_type, seller_id=seller_id, besides=besides
        )

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
        own = select(_EP.c.id).where(_EP.c.tenant == tenant)
        return await self._lists.deliveries(
            after=after,
            limit=limit,
            state=state,
            endpoint_id=endpoint_id,
            event_id=event_id,
            besides=[] if tenant is None else [_D.c.endpoint_id.in_(own)],
        )

    async def _rows(self, query: Select[Any]) -> Rows:
        return await self._driver.read(lambda: one_step(Cold(query)()))


def _concerns(tenant: str) -> ColumnElement[bool]:
    """Return the condition that an event goes to an endpoint of the tenant's."""
    own = select(_EP.c.id).where(_EP.c.tenant == tenant)
    return exists().where(_D.c.event_id == _E.c.id, _D.c.endpoint_id.in_(own)) | exists().where(
        _F.c.event_id == _E.c.id, _F.c.endpoint_id.in_(own)
    )
