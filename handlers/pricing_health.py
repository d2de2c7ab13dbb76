"""PRICING_HEALTH → `offer.disqualified`: an offer of the seller's can't be featured at its price.

No follow-up call: the seller's price and those that Amazon compares it with are in the
notification.
"""

from __future__ import annotations

from pydantic import BaseModel

from gateway import Context, Event, EventType, Notification, Router
from gateway.notifications import MerchantOffer, PricingHealth
from handlers.amounts import Amount, amount_of

_MOST_PRICES = 40


class Price(BaseModel):
    """A price; landed is listing and shipping together. AFN: Amazon ships, MFN: the seller does."""

    condition: str | None
    fulfilled_by: str | None
    landed: Amount | None
    listing: Amount | None
    shipping: Amount | None


class References(BaseModel):
    """What Amazon compares the price with; `competitors` are those outside Amazon."""

    competitors: Amount | None
    average_selling: Amount | None
    amazon_own: Amount | None
    suggested_retail: Amount | None


class DisqualifiedOffer(BaseModel):
    """The offer, and what its price would have to compete with."""

    asin: str | None
    condition: str | None
    issue: str | None
    own: Price | None
    buy_box: list[Price]
    references: References | None


DISQUALIFIED = EventType(
    type="offer.disqualified",
    summary="An offer of the seller's can't be featured because of its price.",
    members={"offer": DisqualifiedOffer},
    example={
        "offer": {
            "asin": "B000EXAMPLE",
            "condition": "new",
            "issue": "BuyBoxDisqualification",
            "own": {
                "condition": "new",
                "fulfilled_by": "MFN",
                "landed": {"amount": "24.50", "currency": "USD"},
                "listing": {"amount": "24.50", "currency": "USD"},
                "shipping": {"amount": "0.00", "currency": "USD"},
            },
            "buy_box": [],
            "references": {
                "competitors": {"amount": "21.99", "currency": "USD"},
                "average_selling": None,
                "amazon_own": None,
                "suggested_retail": None,
            },
        }
    },
    source="PRICING_HEALTH",
)

router = Router()
router.publishes(DISQUALIFIED)


@router.on(PricingHealth)
async def pricing_health(notification: Notification[PricingHealth], _ctx: Context) -> Event:
    """Publish the offer and its competition."""
    payload = notification.payload
    references = payload.summary.reference_price
    offer = DisqualifiedOffer(
        asin=payload.offer_change_trigger.asin,
        condition=payload.offer_change_trigger.item_condition,
        issue=payload.issue_type,
        own=_price(payload.merchant_offer) if payload.merchant_offer else None,
        buy_box=[_price(one) for one in payload.summary.buy_box_prices[:_MOST_PRICES]],
        references=references
        and References(
            competitors=amount_of(references.competitive_price_threshold),
            average_selling=amount_of(references.average_selling_price),
            amazon_own=amount_of(references.retail_offer_price),
            suggested_retail=amount_of(references.msrp_price),
        ),
    )
    return Event(type=DISQUALIFIED.type, data={"offer": offer.model_dump(mode="json")})


def _price(of: MerchantOffer) -> Price:
    return Price(
        condition=of.condition,
        fulfilled_by=of.fulfillment_type,
        landed=amount_of(of.landed_price),
        listing=amount_of(of.listing_price),
        shipping=amount_of(of.shipping),
    )
