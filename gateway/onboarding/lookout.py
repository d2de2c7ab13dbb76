"""Where a seller sells, as Amazon says, and whether the region is the right one.

Asks getMarketplaceParticipations in the declared region, and in the others where it is refused
there. Source: Amazon's page "Sellers API v1".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import TypeAlias

from gateway.authorisations import Verdict, judge
from gateway.errors import SpApiAccessError
from gateway.model import Seller
from gateway.spapi.regions import MARKETPLACES, Region

Participations: TypeAlias = Callable[[Seller, str], Awaitable[Collection[str]]]
"""Returns the ids of the marketplaces that a seller takes part in, asked in a region.

Raises:
    SpApiAccessError: Amazon refuses the call there.
    SpApiError: Another failure.
"""


class Lookout:
    """See the module."""

    def __init__(self, participations: Participations) -> None:
        self._participations = participations

    async def look(self, seller: Seller, region: str | None) -> Verdict:
        """Return what Amazon says of a seller; without a region the first that answers is its own.

        Raises:
            SpApiError: Amazon could not be asked, or refuses the authorisation itself.
        """
        others = [one.value for one in Region if one.value != region]
        seen: dict[str, Collection[str] | None] = {}
        for asked in [region, *others] if region is not None else others:
            seen[asked] = None
            try:
                found = await self._participations(seller, asked)
            except SpApiAccessError:
                continue
            seen[_home(found, asked)] = found
            break
        return judge(region, seller.marketplace_ids, seen)


def _home(found: Collection[str], asked: str) -> str:
    """Return the region that marketplaces are of: one address may answer for all regions."""
    homes = {MARKETPLACES[one].region.value for one in found if one in MARKETPLACES}
    return asked if asked in homes or not homes else min(homes)
