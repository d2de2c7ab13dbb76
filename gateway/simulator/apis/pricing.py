"""The batches of Product Pricing, v0 and 2022-05-01; each request of one is answered for itself.

Source: Amazon's pages "Product Pricing API v0" and "… v2022-05-01".
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from gateway.simulator import goods
from gateway.simulator.marketplaces import MARKETPLACES, Marketplace
from gateway.simulator.spapi.answers import bad_input
from gateway.simulator.spapi.call import Answer, Call

if TYPE_CHECKING:
    from gateway.simulator.goods import Good
    from gateway.simulator.spapi.call import Answering

_MOST = 20
_MOST_EXPECTED = 40
_URI = re.compile(r"/products/pricing/v0/(items|listings)/([^/]+)/offers")
_COMPETITIVE = ("featuredBuyingOptions", "lowestPricedOffers", "referencePrices", "similarItems")


class Pricing:
    """The batches of the Pricing API."""

    def answers(self) -> Mapping[str, Answering]:
        """See `Api`."""
        return {
            "pricing.v0.getItemOffersBatch": lambda call: _batch(call, _MOST, _offers),
            "pricing.v0.getListingOffersBatch": lambda call: _batch(call, _MOST, _offers),
            "pricing.2022-05-01.getCompetitiveSummary": lambda call: _batch(call, _MOST, _summary),
            "pricing.2022-05-01.getFeaturedOfferExpectedPriceBatch": lambda call: _batch(
                call, _MOST_EXPECTED, _expected
            ),
        }


def _batch(
    call: Call, most: int, answer: Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
) -> Answer:
    requests = call.fields().get("requests")
    if not isinstance(requests, list) or not 1 <= len(requests) <= most:
        raise bad_input(f"requests takes 1 to {most} requests.", "requests")
    return Answer(body={"responses": [_one(call.seller.id, asked, answer) for asked in requests]})


def _one(
    seller_id: str, asked: Any, answer: Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
) -> Mapping[str, Any]:
    shown = answer(seller_id, asked if isinstance(asked, dict) else {})
    if shown:
        return {"status": {"statusCode": 200, "reasonPhrase": "OK"}, **shown}
    error = {"code": "InvalidInput", "message": "The request of the batch is invalid."}
    return {
        "status": {"statusCode": 400, "reasonPhrase": "Bad Request"},
        "body": {"errors": [error]},
    }


def _headers() -> Mapping[str, str]:
    return {"x-amzn-RequestId": str(uuid.uuid4())}


def _offers(seller_id: str, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    uri = _URI.fullmatch(str(asked.get("uri")))
    place = MARKETPLACES.get(str(asked.get("MarketplaceId")))
    if uri is None or place is None or asked.get("method") != "GET":
        return {}
    condition, named = str(asked.get("ItemCondition", "New")), unquote(uri[2])
    if uri[1] == "items":
        good, key, name = goods.by_asin(named, place), "ASIN", "Asin"
    else:
        good, key, name = goods.by_sku(seller_id, named, place), "SKU", "SellerSKU"
    identifier = {
        "MarketplaceId": place.id,
        "ItemCondition": condition,
        ("ASIN" if key == "ASIN" else "SellerSKU"): named,
    }
    payload = {
        "marketplaceId": place.id,
        key: named,
        "ItemCondition": condition,
        "status": "Success",
        "Identifier": identifier,
        "Summary": _offers_summed(good, place, condition),
        "Offers": [_own_offer(seller_id, good, place)],
    }
    request = {"MarketplaceId": place.id, "ItemCondition": condition, name: named}
    return {"headers": _headers(), "body": {"payload": payload}, "request": request}


def _offers_summed(good: Good, place: Marketplace, condition: str) -> Mapping[str, Any]:
    channel = {"condition": condition.lower(), "fulfillmentChannel": "Merchant"}
    free = {"CurrencyCode": place.currency, "Amount": 0.0}
    own = _old(good, place)
    price = {"LandedPrice": own, "ListingPrice": own, "Shipping": free}
    return {
        "TotalOfferCount": 1,
        "NumberOfOffers": [{**channel, "OfferCount": 1}],
        "LowestPrices": [{**channel, **price}],
        "BuyBoxPrices": [{"condition": condition, **price}],
        "BuyBoxEligibleOffers": [{**channel, "OfferCount": 1}],
    }


def _own_offer(seller_id: str, good: Good, place: Marketplace) -> Mapping[str, Any]:
    return {
        "SellerId": seller_id,
        "SubCondition": "new",
        "ListingPrice": _old(good, place),
        "Shipping": {"CurrencyCode": place.currency, "Amount": 0.0},
        "ShippingTime": {"minimumHours": 24, "maximumHours": 48},
        "IsFulfilledByAmazon": False,
        "IsBuyBoxWinner": True,
        "MyOffer": True,
    }


def _summary(seller_id: str, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    asin, place = asked.get("asin"), MARKETPLACES.get(str(asked.get("marketplaceId")))
    wanted = asked.get("includedData")
    if not isinstance(asin, str) or place is None or not _known(wanted):
        return {}
    offer = _offer(seller_id, goods.by_asin(asin, place), place)
    parts = {
        "featuredBuyingOptions": [
            {
                "buyingOptionType": "New",
                "segmentedFeaturedOffers": [
                    {
                        **offer,
                        "featuredOfferSegments": [
                            {"customerMembership": "DEFAULT", "segmentDetails": {}}
                        ],
                    }
                ],
            }
        ],
        "lowestPricedOffers": [
            {
                "lowestPricedOffersInput": {"itemCondition": "New", "offerType": "Consumer"},
                "offers": [offer],
            }
        ],
        "referencePrices": [{"name": "CompetitivePriceThreshold", "price": offer["listingPrice"]}],
        "similarItems": [],
    }
    shown = {name: value for name, value in parts.items() if name in (wanted or ())}
    return {"body": {"asin": asin, "marketplaceId": place.id, **shown}}


def _expected(seller_id: str, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    sku, place = asked.get("sku"), MARKETPLACES.get(str(asked.get("marketplaceId")))
    if not isinstance(sku, str) or place is None:
        return {}
    good = goods.by_sku(seller_id, sku, place)
    price = {"listingPrice": _new(good, place)}
    return {
        "headers": _headers(),
        "body": {
            "offerIdentifier": {
                "asin": good.asin,
                "sku": sku,
                "marketplaceId": place.id,
                "fulfillmentType": "MFN",
                "sellerId": seller_id,
            },
            "featuredOfferExpectedPriceResults": [
                {
                    "featuredOfferExpectedPrice": price,
                    "resultStatus": "VALID_FOEP",
                }
            ],
        },
        "request": {"marketplaceId": place.id, "sku": sku},
    }


def _known(wanted: Any) -> bool:
    return isinstance(wanted, Sequence) and bool(wanted) and set(wanted) <= set(_COMPETITIVE)


def _offer(seller_id: str, good: Good, place: Marketplace) -> dict[str, Any]:
    free = {"currencyCode": place.currency, "amount": 0.0}
    return {
        "sellerId": seller_id,
        "condition": "New",
        "subCondition": "New",
        "fulfillmentType": "MFN",
        "listingPrice": _new(good, place),
        "shippingOptions": [{"shippingOptionType": "DEFAULT", "price": free}],
    }


def _new(good: Good, place: Marketplace) -> Mapping[str, Any]:
    return {"currencyCode": place.currency, "amount": float(good.price)}


def _old(good: Good, place: Marketplace) -> Mapping[str, Any]:
    return {"CurrencyCode": place.currency, "Amount": float(good.price)}
