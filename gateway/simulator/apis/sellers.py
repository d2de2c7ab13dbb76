"""Sellers v1: the account and the marketplaces that it sells in.

Source: Amazon's page "Sellers API v1".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gateway.simulator.marketplaces import Marketplace, marketplace
from gateway.simulator.spapi.call import Answer, Call

if TYPE_CHECKING:
    from gateway.simulator.spapi.call import Answering

_LANGUAGES = {"US": "en_US", "DE": "de_DE", "FR": "fr_FR", "ES": "es_ES", "IT": "it_IT"}


class Sellers:
    """The two operations."""

    def answers(self) -> Mapping[str, Answering]:
        """See `Api`."""
        return {
            "sellers.v1.getMarketplaceParticipations": lambda call: Answer(
                body={"payload": _participations(call)}
            ),
            "sellers.v1.getAccount": self._account,
        }

    def _account(self, call: Call) -> Answer:
        home = marketplace(call.seller.marketplaces[0])
        address = {
            "addressLine1": "1 Harbour Lane",
            "city": "Northbridge",
            "postalCode": "10001",
            "countryCode": home.country,
        }
        name = f"Sample Store {call.seller.id[-3:]}"
        account = {
            "marketplaceParticipationList": _participations(call),
            "businessType": "PRIVATE_LIMITED",
            "sellingPlan": "PROFESSIONAL",
            "business": {"name": f"{name} Ltd", "registeredBusinessAddress": address},
            "primaryContact": {"name": "Robin Example", "address": address},
        }
        return Answer(body={"payload": account})


def _participations(call: Call) -> Sequence[Mapping[str, Any]]:
    return [
        {
            "marketplace": _shown(marketplace(place)),
            "participation": {"isParticipating": True, "hasSuspendedListings": False},
            "storeName": f"Sample Store {call.seller.id[-3:]}",
        }
        for place in call.seller.marketplaces
    ]


def _shown(place: Marketplace) -> Mapping[str, str]:
    return {
        "id": place.id,
        "name": place.shop,
        "countryCode": place.country,
        "defaultCurrencyCode": place.currency,
        "defaultLanguageCode": _LANGUAGES.get(place.country, "en_GB"),
        "domainName": f"www.{place.shop.lower()}",
    }
