"""Typed calls of the Sellers API v1: who a seller is. Once a minute, burst 15."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.spapi.apis.views import Calls, View, found, part

_PARTICIPATIONS = "sellers.v1.getMarketplaceParticipations"
_ACCOUNT = "sellers.v1.getAccount"


class Marketplace(View):
    """A marketplace."""

    id: str
    name: str | None = None
    country_code: str | None = None
    default_currency_code: str | None = None
    default_language_code: str | None = None
    domain_name: str | None = None


class Participation(View):
    """Whether the seller sells there."""

    is_participating: bool | None = None
    has_suspended_listings: bool | None = None


class MarketplaceParticipation(View):
    """A marketplace of the seller's region, and whether the seller sells there."""

    marketplace: Marketplace
    participation: Participation = Participation()
    store_name: str | None = None


class Account(View):
    """A seller's account. Names, addresses and tax numbers are in `raw` alone.

    Attributes:
        business_type: Such as `PRIVATE_LIMITED` or `SOLE_PROPRIETORSHIP`.
        selling_plan: `PROFESSIONAL` or `INDIVIDUAL`.
    """

    business_type: str
    selling_plan: str | None = None
    marketplace_participation_list: tuple[MarketplaceParticipation, ...] = ()


class Sellers:
    """The Sellers API v1."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def get_marketplace_participations(self) -> Sequence[MarketplaceParticipation]:
        """Return the marketplaces of the seller's region.

        Raises:
            SpApiError: The call failed; the subclass says what to do.
        """
        payload = part(await self._calls.call(_PARTICIPATIONS), "payload")
        read = map(MarketplaceParticipation.read, payload if isinstance(payload, list) else ())
        return tuple(one for one in read if one is not None)

    async def get_account(self) -> Account:
        """Return the seller's account.

        Raises:
            SpApiError: The call failed; the subclass says what to do.
        """
        answer = await self._calls.call(_ACCOUNT)
        return found(Account.read(part(answer, "payload")), operation=_ACCOUNT, what="account")
