"""Listings Items 2021-08-01 getListingsItem, and Catalog Items 2022-04-01 getCatalogItem.

Source: Amazon's pages of the two APIs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gateway.clock import rfc3339
from gateway.simulator import goods
from gateway.simulator.marketplaces import MARKETPLACES, Marketplace
from gateway.simulator.spapi.answers import bad_input, denied, not_found
from gateway.simulator.spapi.call import Answer, Call

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.simulator.goods import Good
    from gateway.simulator.spapi.call import Answering

_LISTED = frozenset(
    {
        "summaries",
        "attributes",
        "issues",
        "offers",
        "fulfillmentAvailability",
        "procurement",
        "relationships",
        "productTypes",
    }
)
_CATALOGUED = frozenset(
    {
        "summaries",
        "attributes",
        "classifications",
        "dimensions",
        "identifiers",
        "images",
        "productTypes",
        "relationships",
        "salesRanks",
        "vendorDetails",
    }
)
_TYPE = "DRINKING_CUP"
_YEAR_MS = 365 * 86_400_000


class Listings:
    """The two reads of products. A SKU that begins with `NONE` is listed by nobody."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def answers(self) -> Mapping[str, Answering]:
        """See `Api`."""
        return {
            "listingsItems.2021-08-01.getListingsItem": self._listing,
            "catalogItems.2022-04-01.getCatalogItem": self._catalogued,
        }

    def _listing(self, call: Call) -> Answer:
        if call.arguments["sellerId"] != call.seller.id:
            raise denied("The listing is of another seller.")
        included, [place, *_] = _included(call, _LISTED), _places(call)
        sku = call.arguments["sku"]
        if sku.startswith("NONE"):
            raise not_found("listing", sku)
        good = goods.by_sku(call.seller.id, sku, place)
        parts = self._listing_parts(good, place)
        return Answer(
            body={"sku": sku, **{name: parts[name] for name in parts if name in included}}
        )

    def _listing_parts(self, good: Good, place: Marketplace) -> Mapping[str, Any]:
        changed = rfc3339(self._clock.now_ms() - 3_600_000)
        return {
            "summaries": [
                {
                    "marketplaceId": place.id,
                    "asin": good.asin,
                    "productType": _TYPE,
                    "conditionType": "new_new",
                    "status": ["BUYABLE", "DISCOVERABLE"] if good.stock else ["DISCOVERABLE"],
                    "itemName": good.title,
                    "createdDate": rfc3339(self._clock.now_ms() - _YEAR_MS),
                    "lastUpdatedDate": changed,
                }
            ],
            "attributes": {"item_name": [{"value": good.title, "marketplace_id": place.id}]},
            "issues": [
                {
                    "code": "90220",
                    "message": "'bullet_point' is recommended but missing.",
                    "severity": "WARNING",
                    "attributeNames": ["bullet_point"],
                    "categories": ["MISSING_ATTRIBUTE"],
                }
            ],
            "offers": [
                {
                    "marketplaceId": place.id,
                    "offerType": "B2C",
                    "price": {"currencyCode": place.currency, "amount": str(good.price)},
                }
            ],
            "fulfillmentAvailability": [
                {"fulfillmentChannelCode": "DEFAULT", "quantity": good.stock}
            ],
            "productTypes": [{"marketplaceId": place.id, "productType": _TYPE}],
            "relationships": [{"marketplaceId": place.id, "relationships": []}],
            "procurement": [],
        }

    def _catalogued(self, call: Call) -> Answer:
        included, places = _included(call, _CATALOGUED), _places(call)
        asin = call.arguments["asin"]
        if len(asin) != 10:
            raise not_found("item", asin)
        good = goods.by_asin(asin, places[0])
        parts: Mapping[str, Any] = {
            "summaries": [_summary(good, place) for place in places],
            "attributes": {"brand": [{"value": good.brand, "marketplace_id": places[0].id}]},
            "productTypes": [{"marketplaceId": place.id, "productType": _TYPE} for place in places],
            "identifiers": [
                {
                    "marketplaceId": place.id,
                    "identifiers": [{"identifierType": "SKU", "identifier": good.sku}],
                }
                for place in places
            ],
            **{name: [] for name in ("classifications", "dimensions", "images", "relationships")},
            "salesRanks": [],
            "vendorDetails": [],
        }
        return Answer(
            body={"asin": asin, **{name: parts[name] for name in parts if name in included}}
        )


def _summary(good: Good, place: Marketplace) -> Mapping[str, Any]:
    return {
        "marketplaceId": place.id,
        "brand": good.brand,
        "itemName": good.title,
        "itemClassification": "BASE_PRODUCT",
        "packageQuantity": 1,
        "websiteDisplayGroup": "home_display_on_website",
    }


def _included(call: Call, known: frozenset[str]) -> frozenset[str]:
    included = frozenset(call.listed("includedData")) or frozenset({"summaries"})
    if unknown := included - known:
        raise bad_input("includedData is invalid.", ", ".join(sorted(unknown)))
    return included


def _places(call: Call) -> Sequence[Marketplace]:
    call.needed("marketplaceIds")
    ids = call.listed("marketplaceIds")
    if unknown := [place for place in ids if place not in MARKETPLACES]:
        raise bad_input("marketplaceIds is invalid.", ", ".join(unknown))
    return [MARKETPLACES[place] for place in ids]
