"""FEE_PROMOTION → `fee.promoted`: Amazon offers lower fees for a time.

No follow-up call: terms and items are in the notification. All promotions that run come at once
when the seller subscribes.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from gateway import Context, Event, EventType, Notification, Router
from gateway.notifications import FeePromotion
from handlers.amounts import Amount, amount_of

_MOST_ITEMS = 100
_MOST_TERMS = 30


class PromotedItem(BaseModel):
    """What it holds for; `kind` such as ASIN."""

    kind: str | None
    id: str
    name: str | None


class Terms(BaseModel):
    """A fee that is lowered; `discount` is in the unit that `discount_type` says."""

    fee: str | None
    discount_type: str | None
    discount: str | None
    amount: Amount | None
    price_up_to: Amount | None
    estimated_total: Amount | None


class Promotion(BaseModel):
    """A promotion; `items_total` counts the items there was no room for too."""

    type: str | None
    description: str | None
    starts_at: datetime | None
    ends_at: datetime | None
    items: list[PromotedItem]
    items_total: int
    terms: list[Terms]


PROMOTED = EventType(
    type="fee.promoted",
    summary="Amazon offers a seller lower fees for a time.",
    members={"promotion": Promotion},
    example={
        "promotion": {
            "type": "NEW_SELECTION",
            "description": "New selection",
            "starts_at": "2026-02-01T00:00:00Z",
            "ends_at": "2026-05-01T00:00:00Z",
            "items": [{"kind": "ASIN", "id": "B000EXAMPLE", "name": "Enamel mug"}],
            "items_total": 1,
            "terms": [
                {
                    "fee": "ReferralFee",
                    "discount_type": "PERCENT",
                    "discount": "12.5",
                    "amount": None,
                    "price_up_to": {"amount": "60", "currency": "EUR"},
                    "estimated_total": {"amount": "3.10", "currency": "EUR"},
                }
            ],
        }
    },
    source="FEE_PROMOTION",
)

router = Router()
router.publishes(PROMOTED)


@router.on(FeePromotion)
async def fee_promotion(notification: Notification[FeePromotion], _ctx: Context) -> Event:
    """Publish the promotion."""
    payload = notification.payload
    time = payload.promotion_active_time_range
    items = _items(payload)
    promotion = Promotion(
        type=payload.fee_promotion_type,
        description=payload.fee_promotion_type_description,
        starts_at=time.effective_from_date if time else None,
        ends_at=time.effective_through_date if time else None,
        items=items[:_MOST_ITEMS],
        items_total=len(items),
        terms=_terms(payload),
    )
    return Event(type=PROMOTED.type, data={"promotion": promotion.model_dump(mode="json")})


def _items(payload: FeePromotion) -> list[PromotedItem]:
    return [
        PromotedItem(
            kind=group.identifier_type,
            id=one.identifier_value_id,
            name=(one.identifier_value_friendly_name or "")[:60] or None,
        )
        for group in payload.identifiers
        for one in group.identifier_values
        if one.identifier_value_id
    ]


def _terms(payload: FeePromotion) -> list[Terms]:
    return [
        Terms(
            fee=one.fee_type,
            discount_type=one.fee_discount_type,
            discount=None if one.fee_discount_value is None else f"{one.fee_discount_value:f}",
            amount=amount_of(one.fee_discount_monetary_amount),
            price_up_to=amount_of(one.price_threshold),
            estimated_total=amount_of(one.fees_estimate.total_fees_estimate)
            if one.fees_estimate
            else None,
        )
        for one in payload.promotion_information[:_MOST_TERMS]
    ]
