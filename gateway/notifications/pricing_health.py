"""PRICING_HEALTH: an offer of the seller's can't be featured because of its price.

Source: "PRICING_HEALTH" in Amazon's "Notification Type Values".
"""

from __future__ import annotations

from typing import ClassVar

from gateway.notifications.base import PayloadModel, PayloadPart, Time
from gateway.notifications.money import Money, OfferCount, Points, SalesRank


class PricingTrigger(PayloadPart):
    """Which offer it is about.

    Attributes:
        time_of_offer_change: In UTC.
    """

    marketplace_id: str | None = None
    asin: str | None = None
    item_condition: str | None = None
    time_of_offer_change: Time | None = None


class MerchantOffer(PayloadPart):
    """The seller's own offer, or the one that is featured.

    Attributes:
        fulfillment_type: `AFN` (Amazon ships) or `MFN` (the seller ships).
        landed_price: Listing price and shipping together.
    """

    condition: str | None = None
    fulfillment_type: str | None = None
    landed_price: Money | None = None
    listing_price: Money | None = None
    shipping: Money | None = None
    points: Points | None = None


class ReferencePrices(PayloadPart):
    """Prices that Amazon compares the offer with.

    Attributes:
        competitive_price_threshold: Price of competitors outside Amazon.
        retail_offer_price: Highest price of Amazon's own offer in the last 14 days.
        msrp_price: The manufacturer's suggested retail price.
    """

    average_selling_price: Money | None = None
    competitive_price_threshold: Money | None = None
    retail_offer_price: Money | None = None
    msrp_price: Money | None = None


class PricingSummary(PayloadPart):
    """All offers of the item in figures."""

    number_of_offers: tuple[OfferCount, ...] = ()
    buy_box_eligible_offers: tuple[OfferCount, ...] = ()
    buy_box_prices: tuple[MerchantOffer, ...] = ()
    sales_rankings: tuple[SalesRank, ...] = ()
    reference_price: ReferencePrices | None = None


class PricingHealth(PayloadModel):
    """Payload of PRICING_HEALTH.

    Attributes:
        issue_type: `BuyBoxDisqualification`, so far.
    """

    notification_type: ClassVar[str] = "PRICING_HEALTH"

    issue_type: str | None = None
    seller_id: str | None = None
    offer_change_trigger: PricingTrigger = PricingTrigger()
    merchant_offer: MerchantOffer | None = None
    summary: PricingSummary = PricingSummary()
