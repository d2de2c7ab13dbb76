"""Amounts of money as notifications write them."""

from __future__ import annotations

from decimal import Decimal

from gateway.notifications.base import PayloadPart


class Money(PayloadPart):
    """An amount.

    Attributes:
        amount: In units of the currency, not in cents.
        currency_code: ISO 4217, such as `EUR`.
    """

    amount: Decimal | None = None
    currency_code: str | None = None


class Points(PayloadPart):
    """Amazon Points that a buyer gets with the item (Japan)."""

    points_number: int | None = None


class OfferCount(PayloadPart):
    """How many offers an item has in one condition and channel.

    Attributes:
        fulfillment_channel: `Amazon` or `Merchant`; only in the types about offers.
        fulfillment_type: `AFN` or `MFN`; the same in PRICING_HEALTH.
    """

    condition: str | None = None
    fulfillment_channel: str | None = None
    fulfillment_type: str | None = None
    offer_count: int | None = None


class SalesRank(PayloadPart):
    """The item's place among the best sold of a category, 1 being the first."""

    product_category_id: str | None = None
    rank: int | None = None
