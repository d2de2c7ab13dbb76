"""ANY_OFFER_CHANGED: one of the best offers for an item that the seller offers has changed.

Only what most handlers look at is typed, since an item with many offers makes a long payload; the
rest is in `model_extra` and `raw`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from gateway.notifications.base import PayloadModel, PayloadPart, Time


class Money(PayloadPart):
    """An amount in units of its currency, not in cents."""

    amount: Decimal | None = None
    currency_code: str | None = None


class OfferChangeTrigger(PayloadPart):
    """What changed.

    Attributes:
        item_condition: Condition of the offer that changed, such as `new`.
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
    """

    condition: str | None = None
    fulfillment_channel: str | None = None
    landed_price: Money | None = None
    listing_price: Money | None = None
    shipping: Money | None = None


class OfferSummary(PayloadPart):
    """All offers of the item in figures."""

    lowest_prices: tuple[OfferPrice, ...] = ()
    buy_box_prices: tuple[OfferPrice, ...] = ()
    list_price: Money | None = None
    total_buy_box_eligible_offers: int | None = None


class Offer(PayloadPart):
    """One of the best offers; `seller_id` is whoever makes it, mostly a competitor."""

    seller_id: str | None = None
    sub_condition: str | None = None
    listing_price: Money | None = None
    shipping: Money | None = None
    is_fulfilled_by_amazon: bool | None = None
    is_buy_box_winner: bool | None = None
    is_featured_merchant: bool | None = None


class AnyOfferChanged(PayloadModel):
    """Payload of ANY_OFFER_CHANGED.

    Attributes:
        seller_id: The seller that is told.
        offers: The best offers, at most twenty, the seller's own among them if it is one.
    """

    notification_type: ClassVar[str] = "ANY_OFFER_CHANGED"
    wrapper: ClassVar[str | None] = "AnyOfferChangedNotification"

    seller_id: str | None = None
    offer_change_trigger: OfferChangeTrigger = OfferChangeTrigger()
    summary: OfferSummary = OfferSummary()
    offers: tuple[Offer, ...] = ()
