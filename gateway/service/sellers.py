"""Who sellers are: the store's rows, kept in memory for a second, for dispatch and for tokens.

A handling asks for its seller each time it runs; with thousands of sellers and a row that hardly
ever changes, a short memory saves nearly all of those questions. A pause is written through.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from gateway.errors import NotFoundError
from gateway.spapi.regions import MARKETPLACES

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.model import Application, Seller

_REMEMBER_MS = 1_000
_REMEMBER_MOST = 20_000


class SellerStore(Protocol):
    """What the directory needs of the store."""

    async def of(self, seller_id: str) -> Sequence[Seller]:
        """Return the seller's rows: one for each region it authorised."""
        ...

    async def application(self, application_id: str) -> Application | None:
        """Return the application."""
        ...

    async def applications(self) -> Sequence[Application]:
        """Return all applications."""
        ...

    async def sellers(self) -> Sequence[Seller]:
        """Return all sellers."""
        ...

    async def pause(self, seller_id: str, reason: str, *, region: str | None = None) -> None:
        """Stop follow-up calls for a seller, in one region or in all of them."""
        ...


class SellerBook:
    """Looks sellers up; the answer may be a second old."""

    def __init__(self, store: SellerStore, *, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._rows: OrderedDict[str, tuple[int, Sequence[Seller]]] = OrderedDict()

    async def known(self, seller_id: str | None, marketplace_id: str | None) -> Seller | None:
        """Return the seller, in the marketplace's region where it has several, or None."""
        if seller_id is None:
            return None
        rows = await self._of(seller_id)
        if len(rows) > 1 and marketplace_id is not None:
            marketplace = MARKETPLACES.get(marketplace_id)
            region = marketplace.region if marketplace else None
            rows = [row for row in rows if row.region == region] or rows
        return rows[0] if rows else None

    async def seller(self, seller_id: str, region: str | None = None) -> Seller:
        """Return the seller's authorisation for a region, or its only one.

        Raises:
            NotFoundError: It has none there.
        """
        for row in await self._of(seller_id):
            if region is None or row.region == region:
                return row
        where = f" in region {region!r}" if region else ""
        raise NotFoundError(f"no seller {seller_id!r}{where}; add it to [[sellers]]")

    async def application(self, application_id: str) -> Application:
        """Return the application.

        Raises:
            NotFoundError: None has this id.
        """
        application = await self._store.application(application_id)
        if application is None:
            raise NotFoundError(f"no application {application_id!r}; add it to [[applications]]")
        return application

    async def application_of(self, client_id: str) -> tuple[str, str]:
        """Return the id of the application with this client id, and a region it has a seller in.

        Raises:
            NotFoundError: None has this client id.
        """
        found = [one.id for one in await self._store.applications() if one.client_id == client_id]
        if not found:
            raise NotFoundError(f"no application has the client id {client_id!r}")
        regions = [
            one.region for one in await self._store.sellers() if one.application_id == found[0]
        ]
        return found[0], min(regions, default="na")

    async def pause(self, seller_id: str, region: str, reason: str) -> None:
        """Stop follow-up calls for a seller in a region, at once in this process."""
        await self._store.pause(seller_id, reason, region=region)
        self._rows.pop(seller_id, None)

    async def _of(self, seller_id: str) -> Sequence[Seller]:
        now_ms = self._clock.now_ms()
        known = self._rows.get(seller_id)
        if known is not None and now_ms - known[0] < _REMEMBER_MS:
            return known[1]
        rows = await self._store.of(seller_id)
        self._rows[seller_id] = (now_ms, rows)
        self._rows.move_to_end(seller_id)
        if len(self._rows) > _REMEMBER_MOST:
            self._rows.popitem(last=False)
        return rows
