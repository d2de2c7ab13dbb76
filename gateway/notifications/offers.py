"""ANY_OFFER_CHANGED and B2B_ANY_OFFER_CHANGED: one of the best offers for an item has changed.

Source: "ANY_OFFER_CHANGED" and "B2B_ANY_OFFER_CHANGED" in Amazon's "Notification Type Values". Of
B2B_ANY_OFFER_CHANGED both casings are on the wire. Of each offer only what most handlers look at is
typed, since an item with many offers makes a long payload; the rest is in `model_extra` and `raw`.

A subscription may aggregate: then one notification stands for several changes, of which it shows
the last. So read the state that it shows, and don't count notifications.
"""

from __future__ import annotations

from typing import ClassVar

from gateway.notifications.base import PayloadModel, PayloadPart, Time
from gateway.notifications.money import Money, OfferCount, Points, SalesRank


class OfferChangeTrigger(PayloadPart):
    """What changed.

    Attributes:
        item_condition: Condition of the offer that changed, such as `new`.
        time_of_offer_change: In UTC.
        offer_change_type: `External` (outside Amazon), `Internal` or `Featured Offer`.
    """

    marketplace_id: str | None = None
    asin: str | None = None
    item_condition: str | None = None
    time_of_offer_change: Time | None = None
    offer_change_type: str | None = None


class OfferPrice(PayloadPart):
    """The price of the lowest or of the featured offer of one condition.

    Attributes:
        fulfillment_channel: `Amazon` or `Merchant`.
        landed_price: Listing price and shipping together.
        offer_type: `B2B` or `B2C`; B2B_ANY_OFFER_CHANGED only, like the next two.
        quantity_tier: Units from which the price holds.
        discount_type: `Quantity Discount` or `Progressive Discount`.
        seller_id: Who makes it; B2B_ANY_OFFER_CHANGED only.
    """

    condition: str | None = None
    fulfillment_channel: str | None = None
    landed_price: Money | None = None
    listing_price: Money | None = None
    shipping: Money | None = None
    points: Points | None = None
    offer_type: str | None = None
    quantity_tier: int | None = None
    discount_type: str | None = None
    seller_id: str | None = None


class OfferSummary(PayloadPart):
    """All offers of the item in figures.

    Attributes:
        buy_box_eligible_offers: As B2B_ANY_OFFER_CHANGED calls the same.
        competitive_price_threshold: Price of competitors outside Amazon.
        suggested_lower_price_plus_shipping: Amazon's advice, shipping included.
    """

    number_of_offers: tuple[OfferCount, ...] = ()
    lowest_prices: tuple[OfferPrice, ...] = ()
    buy_box_prices: tuple[OfferPrice, ...] = ()
    list_price: Money | None = None
    minimum_advertised_price: Money | None = None
    suggested_lower_price_plus_shipping: Money | None = None
    competitive_price_threshold: Money | None = None
    total_buy_box_eligible_offers: int | None = None
    number_of_buy_box_eligible_offers: tuple[OfferCount, ...] = ()
    buy_box_eligible_offers: tuple[OfferCount, ...] = ()
    sales_rankings: tuple[SalesRank, ...] = ()


class Offer(PayloadPart):
    """One of the best offers; `seller_id` is whoever makes it, mostly a competitor."""

    seller_id: str | None = None
    sub_condition: str | None = None
    listing_price: Money | None = None
    shipping: Money | None = None
    is_fulfilled_by_amazon: bool | None = None
    is_buy_box_winner: bool | None = None
    is_featured_merchant: bool | None = None


class OfferChanged(PayloadModel):
    """What both types have in common.

    Attributes:
        seller_id: The seller that is told.
        offers: The best offers, at most twenty, the seller's own among them if it is one.
    """

    seller_id: str | None = None
    offer_change_trigger: OfferChangeTrigger = OfferChangeTrigger()
    summary: OfferSummary = OfferSummary()
    offers: tuple[Offer, ...] = ()


class AnyOfferChanged(OfferChanged):
    """Payload of ANY_OFFER_CHANGED: offers to consumers."""

    notification_type: ClassVar[str] = "ANY_OFFER_CHANGED"
    wrapper: ClassVar[str | None] = "AnyOfferChangedNotification"


class B2bAnyOfferChanged(OfferChanged):
    """Payload of B2B_ANY_OFFER_CHANGED: offers to businesses, with prices for quantities."""

    notification_type: ClassVar[str] = "B2B_ANY_OFFER_CHANGED"
    wrapper: ClassVar[str | None] = "B2BAnyOfferChangedNotification"
