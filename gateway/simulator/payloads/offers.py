"""Payloads about offers and prices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.clock import rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.simulator.payloads.subject import Subject

_HOUR_MS = 3_600_000


def any_offer_changed(about: Subject) -> Mapping[str, Any]:
    price = {"Amount": 19.99, "CurrencyCode": "USD"}
    free = {"Amount": 0.0, "CurrencyCode": "USD"}
    channel = {"Condition": "new", "FulfillmentChannel": "Merchant"}
    return {
        "AnyOfferChangedNotification": {
            "SellerId": about.seller_id,
            "OfferChangeTrigger": {
                "MarketplaceId": about.marketplace_id,
                "ASIN": about.asin,
                "ItemCondition": "new",
                "TimeOfOfferChange": about.at,
                "OfferChangeType": "External",
            },
            "Summary": {
                "NumberOfOffers": [{**channel, "OfferCount": 2}],
                "NumberOfBuyBoxEligibleOffers": [{**channel, "OfferCount": 2}],
                "LowestPrices": [
                    {**channel, "LandedPrice": price, "ListingPrice": price, "Shipping": free}
                ],
            },
            "Offers": [
                {
                    "SellerId": about.seller_id,
                    "SubCondition": "new",
                    "ListingPrice": price,
                    "Shipping": free,
                    "IsFulfilledByAmazon": False,
                    "ShipsDomestically": True,
                }
            ],
        }
    }


def pricing_health(about: Subject) -> Mapping[str, Any]:
    price = {"amount": 24.99, "currencyCode": "USD"}
    free = {"amount": 0.0, "currencyCode": "USD"}
    return {
        "issueType": "BuyBoxDisqualification",
        "sellerId": about.seller_id,
        "offerChangeTrigger": {
            "marketplaceId": about.marketplace_id,
            "asin": about.asin,
            "itemCondition": "new",
            "timeOfOfferChange": about.at,
        },
        "merchantOffer": {
            "condition": "new",
            "fulfillmentType": "MFN",
            "listingPrice": price,
            "shipping": free,
            "landedPrice": price,
        },
        "summary": {"numberOfOffers": [], "buyBoxEligibleOffers": []},
    }


def b2b_any_offer_changed(about: Subject) -> Mapping[str, Any]:
    changed = any_offer_changed(about)["AnyOfferChangedNotification"]
    return {"B2BAnyOfferChangedNotification": changed}


def fee_promotion(about: Subject) -> Mapping[str, Any]:
    return {
        "FeePromotionNotification": {
            "MerchantId": about.seller_id,
            "MarketplaceId": about.marketplace_id,
            "FeePromotionType": "ReferralFee",
            "FeePromotionTypeDescription": "A lower referral fee",
            "PromotionActiveTimeRange": {
                "EffectiveFromDate": about.at,
                "EffectiveThroughDate": rfc3339(about.at_ms + 7 * 24 * _HOUR_MS),
            },
            "Identifiers": [
                {
                    "IdentifierType": "ASIN",
                    "IdentifierValues": [
                        {
                            "IdentifierValueId": about.asin,
                            "IdentifierValueFriendlyName": "Enamel Camping Mug",
                        }
                    ],
                }
            ],
            "PromotionInformation": [
                {
                    "FeeType": "ReferralFee",
                    "FeeDiscountType": "Percentage",
                    "FeeDiscountValue": 10.0,
                }
            ],
        }
    }
