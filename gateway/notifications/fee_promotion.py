"""FEE_PROMOTION: Amazon offers the seller lower fees for a time.

Source: "FEE_PROMOTION" in Amazon's "Notification Type Values". All promotions that run come at once
when the seller subscribes.
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from gateway.notifications.base import PayloadModel, PayloadPart, Time
from gateway.notifications.money import Money


class PromotionTime(PayloadPart):
    """From when until when it holds, in UTC."""

    effective_from_date: Time | None = None
    effective_through_date: Time | None = None


class PromotedItem(PayloadPart):
    """What it holds for: an id and how Amazon words it."""

    identifier_value_id: str | None = None
    identifier_value_friendly_name: str | None = None


class PromotionIdentifiers(PayloadPart):
    """Ids of one kind, such as `ASIN` or a category."""

    identifier_type: str | None = None
    identifier_values: tuple[PromotedItem, ...] = ()


class FeeDetail(PayloadPart):
    """One fee; `included_fees` are those that make it up."""

    fee_type: str | None = None
    fee_amount: Money | None = None
    tax_amount: Money | None = None
    fee_promotion: Money | None = None
    final_fee: Money | None = None
    included_fees: tuple[FeeDetail, ...] = ()


class FeesEstimate(PayloadPart):
    """What the fees come to with the promotion.

    Attributes:
        time_of_fees_estimated: In UTC.
    """

    time_of_fees_estimated: Time | None = None
    total_fees_estimate: Money | None = None
    fee_details: tuple[FeeDetail, ...] = ()


class PromotionTerms(PayloadPart):
    """One fee that is lowered.

    Attributes:
        fee_discount_type: Amazon's word for whether `fee_discount_value` is a share or a sum.
        fee_discount_value: In the unit that `fee_discount_type` says.
        price_threshold: Price up to which it holds.
    """

    fee_type: str | None = None
    fee_discount_type: str | None = None
    fee_discount_value: Decimal | None = None
    price_threshold: Money | None = None
    fee_discount_monetary_amount: Money | None = None
    fees_estimate: FeesEstimate | None = None


class FeePromotion(PayloadModel):
    """Payload of FEE_PROMOTION; `merchant_id` is the seller."""

    notification_type: ClassVar[str] = "FEE_PROMOTION"
    wrapper: ClassVar[str | None] = "FeePromotionNotification"

    merchant_id: str | None = None
    marketplace_id: str | None = None
    fee_promotion_type: str | None = None
    fee_promotion_type_description: str | None = None
    promotion_active_time_range: PromotionTime | None = None
    identifiers: tuple[PromotionIdentifiers, ...] = ()
    promotion_information: tuple[PromotionTerms, ...] = ()
