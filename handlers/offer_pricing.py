"""ANY_OFFER_CHANGED → `offer.priced`: prices of the item as Amazon's Pricing API has them now.

Not among the bundled handlers that `modules = ["handlers"]` loads, because it costs a call that
Amazon grants once in 30 seconds for a seller: name it beside them,
`modules = ["handlers", "handlers.offer_pricing"]`. While a call waits, changes gather: one call
asks for twenty items of a marketplace, and an item that changed ten times is asked for once.

Settings, under `[handlers.offer_pricing]`:
    included_data: What getCompetitiveSummary is asked for (default featuredBuyingOptions,
        lowestPricedOffers, referencePrices).
"""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from gateway import Context, Event, EventType, Later, Notification, Reject, Retry, Router, Skip
from gateway.notifications import AnyOfferChanged

_BATCH = 20
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


@router.on(AnyOfferChanged, key=lambda n: n.identifiers.marketplace_id, coalesce=True)
async def offer_pricing(
    notification: Notification[AnyOfferChanged], ctx: Context
) -> list[Event] | Later:
    """Fetch and publish the prices of up to twenty items, and put off the rest."""
    marketplace_id = notification.identifiers.marketplace_id
    asins: list[str] = ctx.state["asins"] if ctx.state else await _changed(notification, ctx)
    if marketplace_id is None or not asins:
        raise Skip("the notification names no item or no marketplace")
    batch = asins[:_BATCH]
    included = ctx.settings.get("included_data", _DATA)
    answers = await ctx.spapi.pricing.get_competitive_summary(batch, marketplace_id, included)
    answered = dict(zip(batch, answers, strict=False))
    refused = {asin: one.errors for asin, one in answered.items() if one.refused}
    events = [
        _event(Pricing(asin=asin, marketplace=marketplace_id, summary=dict(one.body)), ctx.now)
        for asin, one in answered.items()
        if one.ok
    ]
    if refused:
        ctx.log.warning("offer_pricing.refused", items=refused)
    if not events and not refused:
        raise Retry(f"getCompetitiveSummary answered nothing for {', '.join(batch)}")
    done = {asin for asin, one in answered.items() if one.ok or one.refused}
    left = [asin for asin in asins if asin not in done]
    if not events and not left:
        raise Reject(f"Amazon has no prices of {', '.join(refused)}")
    return Later(0, {"asins": left}, events=events) if left else events


async def _changed(notification: Notification[AnyOfferChanged], ctx: Context) -> list[str]:
    """Return the items that changed, each once, the newest change first."""
    asins = [notification.identifiers.asin]
    asins += [other.identifiers.asin async for other in ctx.taken_along()]
    return [one for one in dict.fromkeys(asins) if one is not None]


def _event(pricing: Pricing, at: datetime) -> Event:
    data = {"pricing": pricing.model_dump(mode="json")}
    return Event(type=PRICED.type, data=data, occurred_at=at)
