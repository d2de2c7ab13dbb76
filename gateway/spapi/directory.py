"""Who the sellers and applications are, as far as calls need to know.

It declares what the client asks of the store, and keeps answers for a second so that a burst of
calls costs one look. It never changes a seller but to pause it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from gateway.clock import Clock
from gateway.model import Application, Seller
from gateway.spapi.regions import Region
from gateway.spapi.singleflight import SingleFlight

_KEPT = 10_000

RecordT = TypeVar("RecordT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """On whose behalf a call is made: what Amazon counts usage plans by.

    Attributes:
        seller_id: None for a grantless call, which the application makes for itself.
    """

    application_id: str
    region: Region
    seller_id: str | None = None

    def __str__(self) -> str:
        who = f"seller {self.seller_id}" if self.seller_id else f"application {self.application_id}"
        return f"{who} ({self.region})"


class SellerDirectory(Protocol):
    """Sellers and applications with their credentials opened."""

    async def seller(self, seller_id: str, region: str | None = None) -> Seller:
        """Return a seller's authorisation; `region` chooses where it has several.

        Raises:
            NotFoundError: The seller has no such authorisation.
        """
        ...

    async def application(self, application_id: str) -> Application:
        """Return an application.

        Raises:
            NotFoundError: There is none of that id.
        """
        ...

    async def pause(self, seller_id: str, reason: str) -> None:
        """Stop follow-up calls for a seller until an operator resumes it."""
        ...


class DirectoryCache:
    """A directory whose answers are at most `ttl_s` old; itself a `SellerDirectory`."""

    def __init__(self, directory: SellerDirectory, *, clock: Clock, ttl_s: float = 1.0) -> None:
        self._directory = directory
        self._sellers: _Kept[tuple[str, str | None], Seller] = _Kept(clock, ttl_s)
        self._applications: _Kept[str, Application] = _Kept(clock, ttl_s)

    async def seller(self, seller_id: str, region: str | None = None) -> Seller:
        """See `SellerDirectory`."""
        return await self._sellers.get(
            (seller_id, region), lambda: self._directory.seller(seller_id, region)
        )

    async def application(self, application_id: str) -> Application:
        """See `SellerDirectory`."""
        return await self._applications.get(
            application_id, lambda: self._directory.application(application_id)
        )

    async def pause(self, seller_id: str, reason: str) -> None:
        """See `SellerDirectory`."""
        try:
            await self._directory.pause(seller_id, reason)
        finally:
            self._sellers.forget(lambda key: key[0] == seller_id)


KeyT = TypeVar("KeyT")


class _Kept(Generic[KeyT, RecordT]):
    """Records by key, each for a limited time, at most `_KEPT` of them."""

    def __init__(self, clock: Clock, ttl_s: float) -> None:
        self._clock = clock
        self._ttl_s = ttl_s
        self._records: OrderedDict[KeyT, tuple[float, RecordT]] = OrderedDict()
        self._flights: SingleFlight[KeyT, RecordT] = SingleFlight()

    async def get(self, key: KeyT, load: Callable[[], Awaitable[RecordT]]) -> RecordT:
        """Return the record of `key`, loaded where it is missing or too old."""
        kept = self._records.get(key)
        if kept is not None and self._clock.monotonic_s() < kept[0]:
            return kept[1]
        record = await self._flights.run(key, load)
        self._records[key] = (self._clock.monotonic_s() + self._ttl_s, record)
        self._records.move_to_end(key)
        if len(self._records) > _KEPT:
            self._records.popitem(last=False)
        return record

    def forget(self, matches: Callable[[KeyT], bool]) -> None:
        """Drop the records whose key matches."""
        for key in [key for key in self._records if matches(key)]:
            del self._records[key]
