"""Check `sellers`: does each seller's authorisation stand, and in the region that is set?

Amazon answers 403 for a wrong region as for much else, so the other regions are asked too: the one
that answers is the right one. Nobody is paused or resumed by it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

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

    from gateway.doctor.check import Before
    from gateway.doctor.people import People
    from gateway.model import Seller

_AT_ONCE = 8


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
    ) -> None:
        """Bind whom is asked; `places` are the addresses of the regions."""
        self._people = people
        self._tokens = tokens
        self._shops = shops
        self._most = most
        self._places = places

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
        return [await self._where(seller)]

    async def _where(self, seller: Seller) -> Finding:
        subject = seller_named(seller)
        try:
            shops = await self._shops.marketplaces(seller, seller.region)
        except SpApiAccessError as exc:
            right = await self._right_region(seller)
            if right is None:
                return found("seller.denied", subject, str(exc))
            what = f"is refused in {seller.region}, and answered in {right}"
            return found("seller.wrong_region", subject, what, region=right, seller=seller.id)
        except SpApiError as exc:
            return found("seller.unanswered", subject, str(exc))
        if missing := sorted(set(seller.marketplace_ids) - set(shops)):
            what = f"does not sell in {', '.join(missing)}"
            return found("seller.marketplace", subject, what)
        return well("sellers", subject, f"is authorised, for {len(shops)} marketplaces")

    async def _right_region(self, seller: Seller) -> str | None:
        here = self._places[seller.region]
        for region in Region:
            if self._places[region] == here:
                continue
            try:
                await self._shops.marketplaces(seller, region)
            except SpApiError:
                continue
            return region
        return None


def _of_marketplaces(seller: Seller) -> Iterator[Finding]:
    for marketplace_id in seller.marketplace_ids:
        known = MARKETPLACES.get(marketplace_id)
        if known is not None and known.region != seller.region:
            what = f"is to sell in {known.name} ({marketplace_id}), which is of {known.region}"
            subject = seller_named(seller)
            yield found("seller.wrong_region", subject, what, region=known.region, seller=seller.id)


def _refused(exc: SpApiError, seller: Seller) -> Finding:
    subject = seller_named(seller)
    if isinstance(exc, SecretExpiredError):
        application = seller.application_id
        return found("credentials.secret_expired", subject, str(exc), application=application)
    if isinstance(exc, SpApiAuthorizationError) and exc.code == "invalid_grant":
        return found("seller.revoked", subject, str(exc), seller=seller.id)
    if isinstance(exc, SpApiAuthorizationError):
        return found("seller.refused", subject, str(exc), seller=seller.id)
    return found("seller.unanswered", subject, str(exc))
