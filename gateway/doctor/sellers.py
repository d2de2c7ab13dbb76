"""Check `sellers`: does each seller's authorisation stand, and in the region that is set?

Amazon answers 403 for a wrong region as for much else, so the other regions are asked too: the one
that answers is the right one. Nobody is paused or resumed by it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from gateway.authorisations import WARNED_DAYS, days_left, judge
from gateway.doctor.kinds import found, well
from gateway.doctor.people import application_named, chosen, faulty, seller_named
from gateway.errors import (
    SecretExpiredError,
    SpApiAccessError,
    SpApiAuthorizationError,
    SpApiError,
)
from gateway.findings import Finding
from gateway.model import SellerState
from gateway.spapi.regions import MARKETPLACES, Region

if TYPE_CHECKING:
    from collections.abc import Collection

    from gateway.clock import Clock
    from gateway.doctor.check import Before
    from gateway.doctor.people import People
    from gateway.model import Seller

_AT_ONCE: Final = 8


class SellerTokens(Protocol):
    """Who asks for a seller's tokens."""

    async def for_seller(self, seller: Seller) -> object:
        """Return a token.

        Raises:
            SpApiError: There is none.
        """
        ...


class Shops(Protocol):
    """Who asks where a seller sells."""

    async def marketplaces(self, seller: Seller, region: str) -> Collection[str]:
        """Return the marketplaces of the seller in a region.

        Raises:
            SpApiError: Amazon refuses, or can't be reached.
        """
        ...


class SellersCheck:
    """See the module."""

    name: str = "sellers"
    needs: Sequence[str] = ("credentials", "store", "regions")

    def __init__(
        self,
        people: People,
        tokens: SellerTokens,
        shops: Shops,
        *,
        most: int,
        places: Mapping[str, str],
        clock: Clock,
    ) -> None:
        """Bind whom is asked; `places` are the addresses of the regions."""
        self._people = people
        self._tokens = tokens
        self._shops = shops
        self._most = most
        self._places = places
        self._clock = clock

    async def look(self, before: Before) -> AsyncGenerator[Finding]:
        """See `Check`."""
        every = await self._people.sellers()
        refused = faulty(before["credentials"])
        asked = [one for one in every if application_named(one.application_id) not in refused]
        if not every:
            yield found("seller.none", "settings and store", "name no seller")
        if left := len(every) - len(asked):
            yield found(
                "seller.unasked", f"{left} sellers", "are of an application that is refused"
            )
        looked_at = chosen(asked, self._most)
        for start in range(0, len(looked_at), _AT_ONCE):
            group = looked_at[start : start + _AT_ONCE]
            for findings in await asyncio.gather(*(self._judged(one) for one in group)):
                for one in findings:
                    yield one
        if len(asked) > len(looked_at):
            what = f"of {len(asked)} were asked about (doctor.sellers)"
            yield well("sellers", f"{len(looked_at)} sellers", what)

    async def _judged(self, seller: Seller) -> Sequence[Finding]:
        subject = seller_named(seller)
        findings = [*_of_marketplaces(seller)]
        try:
            await self._tokens.for_seller(seller)
        except SpApiError as exc:
            return [*findings, _refused(exc, seller)]
        if seller.state is SellerState.PAUSED:
            what = f"is paused ({seller.paused_reason or 'no reason given'}), and has a token"
            return [*findings, found("seller.paused", subject, what, seller=seller.id)]
        if findings:
            return findings
        return [await self._where(seller), *_of_age(seller, self._clock.now_ms())]

    async def _where(self, seller: Seller) -> Finding:
        subject = seller_named(seller)
        try:
            seen = await self._seen(seller)
        except SpApiError as exc:
            return found("seller.unanswered", subject, str(exc))
        verdict = judge(seller.region, seller.marketplace_ids, seen)
        if verdict.fault is None:
            what = f"is authorised, for {len(verdict.marketplace_ids)} marketplaces"
            return well("sellers", subject, what)
        facts = {"region": verdict.region, "seller": seller.id}
        if verdict.elsewhere:
            what = f"is refused in {seller.region}, and answered in {verdict.region}"
            return found("seller.wrong_region", subject, what, **facts)
        kind = "seller.denied" if seen[seller.region] is None else "seller.marketplace"
        return found(kind, subject, f"differs from what is set: {verdict.fault}", **facts)

    async def _seen(self, seller: Seller) -> dict[str, Collection[str] | None]:
        """Return where the seller sells; other regions are asked where its own refuses."""
        seen = {seller.region: await self._asked(seller, seller.region)}
        if seen[seller.region] is not None:
            return seen
        here = self._places[seller.region]
        for region in Region:
            if self._places[region] != here:
                seen[region.value] = await self._asked(seller, region.value)
        return seen

    async def _asked(self, seller: Seller, region: str) -> Collection[str] | None:
        try:
            return await self._shops.marketplaces(seller, region)
        except SpApiAccessError:
            return None


def _of_marketplaces(seller: Seller) -> Iterator[Finding]:
    for marketplace_id in seller.marketplace_ids:
        known = MARKETPLACES.get(marketplace_id)
        if known is not None and known.region != seller.region:
            what = f"is to sell in {known.name} ({marketplace_id}), which is of {known.region}"
            subject = seller_named(seller)
            yield found("seller.wrong_region", subject, what, region=known.region, seller=seller.id)


def _of_age(seller: Seller, now_ms: int) -> Iterator[Finding]:
    if seller.authorised_at_ms is None:
        return
    left = days_left(seller.authorised_at_ms, now_ms)
    if left <= WARNED_DAYS[0]:
        what = f"has an authorisation that ends in {left} days"
        facts = {"seller": seller.id, "region": seller.region}
        yield found("seller.expiring", seller_named(seller), what, **facts)


def _refused(exc: SpApiError, seller: Seller) -> Finding:
    subject = seller_named(seller)
    if isinstance(exc, SecretExpiredError):
        application = seller.application_id
        return found("credentials.secret_expired", subject, str(exc), application=application)
    if isinstance(exc, SpApiAuthorizationError) and exc.code == "invalid_grant":
        return found("seller.revoked", subject, str(exc), seller=seller.id, region=seller.region)
    if isinstance(exc, SpApiAuthorizationError):
        return found("seller.refused", subject, str(exc), seller=seller.id)
    return found("seller.unanswered", subject, str(exc))
