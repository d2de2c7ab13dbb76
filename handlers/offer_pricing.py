"""ANY_OFFER_CHANGED → `offer.priced`: prices of the item as Amazon's Pricing API has them now.

Not among the bundled handlers that `modules = ["handlers"]` loads, because it costs a call that
Amazon grants once in 30 seconds for a seller: name it beside them,
`modules = ["handlers", "handlers.offer_pricing"]`. All changes of an item that wait become one
call, so what a busy item costs is bounded; what many items cost is not.

Settings, under `[handlers.offer_pricing]`:
    included_data: What getCompetitiveSummary is asked for (default featuredBuyingOptions,
        lowestPricedOffers, referencePrices).
"""

from __future__ import annotations

from pydantic import BaseModel

from gateway import Context, Event, EventType, Notification, Retry, Router, Skip
from gateway.notifications import AnyOfferChanged

_DATA = ("featuredBuyingOptions", "lowestPricedOffers", "referencePrices")


class Pricing(BaseModel):
    """Prices of an item; `summary` is Amazon's answer of getCompetitiveSummary."""

    asin: str
    marketplace: str
    summary: dict[str, object]


PRICED = EventType(
    type="offer.priced",
    summary="The prices of an item whose offers have changed, as the Pricing API has them now.",
    members={"pricing": Pricing},
    example={
        "pricing": {
            "asin": "B000EXAMPLE",
            "marketplace": "A1PA6795UKMFR9",
            "summary": {"asin": "B000EXAMPLE", "featuredBuyingOptions": []},
        }
    },
    source="ANY_OFFER_CHANGED",
)

router = Router()
router.publishes(PRICED)


@router.on(
    AnyOfferChanged,
    key=lambda n: f"{n.identifiers.marketplace_id}/{n.identifiers.asin}",
    coalesce=True,
)
async def offer_pricing(notification: Notification[AnyOfferChanged], ctx: Context) -> Event | Skip:
    """Fetch and publish the item's prices."""
    ids = notification.identifiers
    if ids.asin is None or ids.marketplace_id is None:
        return Skip("the notification names no item or no marketplace")
    included = ctx.settings.get("included_data", _DATA)
    answers = await ctx.spapi.pricing.get_competitive_summary(
        [ids.asin], ids.marketplace_id, included
    )
    if not answers or not answers[0].ok:
        raise Retry(f"getCompetitiveSummary answered nothing for {ids.asin}")
    pricing = Pricing(asin=ids.asin, marketplace=ids.marketplace_id, summary=dict(answers[0].body))
    return Event(type=PRICED.type, data={"pricing": pricing.model_dump(mode="json")})
