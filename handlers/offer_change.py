"""ANY_OFFER_CHANGED, B2B_ANY_OFFER_CHANGED → `offer.changed`, in the seller's own terms.

No follow-up call: what is lowest, who has the buy box and where the seller's own offer stands is
all in the notification. Where prices are to be fetched as well, load `handlers.offer_pricing`
beside this one.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from gateway import Context, Event, EventType, Notification, Router
from gateway.notifications import AnyOfferChanged, B2bAnyOfferChanged, OfferChanged, OfferPrice
from handlers.amounts import Amount, amount_of

_MOST_PRICES = 40


class Price(BaseModel):
    """A price; landed is listing and shipping together."""

    condition: str | None
    channel: str | None
    quantity: int | None
    landed: Amount | None
    listing: Amount | None
    shipping: Amount | None


class OwnOffer(BaseModel):
    """The seller's own offer, where it is among the best."""

    condition: str | None
    listing: Amount | None
    shipping: Amount | None
    fulfilled_by_amazon: bool | None
    has_buy_box: bool | None


class ItemOffers(BaseModel):
    """The best offers for an item that the seller offers too.

    `offers_total` counts all offers, `competitors` the shown ones that others make. `business` says
    whether they are offers to businesses.
    """

    asin: str | None
    condition: str | None
    business: bool
    change: str | None
    changed_at: datetime | None
    lowest: list[Price]
    buy_box: list[Price]
    own: OwnOffer | None
    competitors: int
    offers_total: int | None


CHANGED = EventType(
    type="offer.changed",
    summary="One of the best offers for an item that the seller offers has changed.",
    members={"offer": ItemOffers},
    example={
        "offer": {
            "asin": "B000EXAMPLE",
            "condition": "new",
            "business": False,
            "change": "External",
            "changed_at": "2026-01-31T08:59:12Z",
            "lowest": [
                {
                    "condition": "new",
                    "channel": "Merchant",
                    "quantity": None,
                    "landed": {"amount": "18.50", "currency": "EUR"},
                    "listing": {"amount": "15.50", "currency": "EUR"},
                    "shipping": {"amount": "3.00", "currency": "EUR"},
                }
            ],
            "buy_box": [],
            "own": {
                "condition": "new",
                "listing": {"amount": "19.99", "currency": "EUR"},
                "shipping": {"amount": "0.00", "currency": "EUR"},
                "fulfilled_by_amazon": True,
                "has_buy_box": False,
            },
            "competitors": 3,
            "offers_total": 4,
        }
    },
    source="ANY_OFFER_CHANGED",
)

router = Router()
router.publishes(CHANGED)


@router.on(AnyOfferChanged, B2bAnyOfferChanged)
async def offer_change(notification: Notification[OfferChanged], _ctx: Context) -> Event:
    """Publish where the seller's offer stands."""
    payload = notification.payload
    trigger, summary = payload.offer_change_trigger, payload.summary
    seller_id = notification.identifiers.seller_id
    counts = [one.offer_count for one in summary.number_of_offers if one.offer_count is not None]
    offer = ItemOffers(
        asin=trigger.asin,
        condition=trigger.item_condition,
        business=isinstance(payload, B2bAnyOfferChanged),
        change=trigger.offer_change_type,
        changed_at=trigger.time_of_offer_change,
        lowest=[_price(one) for one in summary.lowest_prices[:_MOST_PRICES]],
        buy_box=[_price(one) for one in summary.buy_box_prices[:_MOST_PRICES]],
        own=_own(payload, seller_id),
        competitors=sum(one.seller_id != seller_id for one in payload.offers),
        offers_total=sum(counts) if counts else None,
    )
    return Event(type=CHANGED.type, data={"offer": offer.model_dump(mode="json")})


def _price(of: OfferPrice) -> Price:
    return Price(
        condition=of.condition,
        channel=of.fulfillment_channel,
        quantity=of.quantity_tier,
        landed=amount_of(of.landed_price),
        listing=amount_of(of.listing_price),
        shipping=amount_of(of.shipping),
    )


def _own(payload: OfferChanged, seller_id: str | None) -> OwnOffer | None:
    own = next((one for one in payload.offers if one.seller_id == seller_id), None)
    if own is None or seller_id is None:
        return None
    return OwnOffer(
        condition=own.sub_condition,
        listing=amount_of(own.listing_price),
        shipping=amount_of(own.shipping),
        fulfilled_by_amazon=own.is_fulfilled_by_amazon,
        has_buy_box=own.is_buy_box_winner,
    )
