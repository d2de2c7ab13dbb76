"""LISTINGS_ITEM_…_CHANGE → `listing.changed`, `listing.deleted`: the listing as Amazon has it now.

Amazon says that something about a listing changed, not what. So getListingsItem is asked, once for
all changes of a listing that wait. A deleted listing needs no call.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from pydantic import BaseModel

from gateway import Context, Event, EventType, Notification, Router
from gateway.notifications import (
    ListingsItemIssuesChange,
    ListingsItemMfnQuantityChange,
    ListingsItemStatusChange,
)

# An event stays under 20 kB.
_MOST_ISSUES = 25
_MOST_WORDS = 300
_MOST_NAMES = 10

ListingsItemChange: TypeAlias = (
    ListingsItemStatusChange | ListingsItemIssuesChange | ListingsItemMfnQuantityChange
)


class Place(BaseModel):
    """The listing in one marketplace; `status` has BUYABLE, DISCOVERABLE, both or neither."""

    marketplace: str
    asin: str | None
    status: list[str]
    product_type: str | None
    title: str | None


class Issue(BaseModel):
    """Something wrong with the listing; `severity` is ERROR, WARNING or INFO."""

    code: str
    severity: str | None
    message: str | None
    attributes: list[str]


class Offered(BaseModel):
    """The seller's price, its digits as text; `type` is B2C or B2B."""

    marketplace: str
    type: str | None
    amount: str | None
    currency: str | None


class Units(BaseModel):
    """What can be sold through a channel; null where Amazon keeps it and counts elsewhere."""

    channel: str
    quantity: int | None


class Listing(BaseModel):
    """A listing; `issues_total` counts those that there was no room for too.

    `complete` is false where Amazon could not be asked, because neither the notification nor the
    seller's settings name a marketplace: then only what the notification said is shown.
    """

    sku: str
    change: str
    complete: bool
    marketplaces: list[Place]
    issues: list[Issue]
    issues_total: int
    offers: list[Offered]
    availability: list[Units]


class DeletedListing(BaseModel):
    """What is left to say of a listing that is gone."""

    sku: str
    asin: str | None


CHANGED = EventType(
    type="listing.changed",
    summary="A listing of the seller's has changed: its status, issues or units.",
    members={"listing": Listing},
    example={
        "listing": {
            "sku": "MUG-BLUE",
            "change": "LISTINGS_ITEM_ISSUES_CHANGE",
            "complete": True,
            "marketplaces": [
                {
                    "marketplace": "A1PA6795UKMFR9",
                    "asin": "B000EXAMPLE",
                    "status": ["DISCOVERABLE"],
                    "product_type": "DRINKING_CUP",
                    "title": "Enamel mug",
                }
            ],
            "issues": [
                {
                    "code": "90220",
                    "severity": "ERROR",
                    "message": "'material' is required but missing.",
                    "attributes": ["material"],
                }
            ],
            "issues_total": 1,
            "offers": [
                {
                    "marketplace": "A1PA6795UKMFR9",
                    "type": "B2C",
                    "amount": "19.99",
                    "currency": "EUR",
                }
            ],
            "availability": [{"channel": "DEFAULT", "quantity": 41}],
        }
    },
    source="LISTINGS_ITEM_ISSUES_CHANGE",
)
DELETED = EventType(
    type="listing.deleted",
    summary="A listing of the seller's is gone.",
    members={"listing": DeletedListing},
    example={"listing": {"sku": "MUG-BLUE", "asin": "B000EXAMPLE"}},
    source="LISTINGS_ITEM_STATUS_CHANGE",
)

router = Router()
router.publishes(CHANGED, DELETED)


def _listing_key(notification: Notification[Any]) -> str:
    """One listing in one marketplace: a deletion in another must not be lost in this one's."""
    ids = notification.identifiers
    return f"{ids.marketplace_id or ''}/{ids.sku}"


@router.on(
    ListingsItemStatusChange,
    ListingsItemIssuesChange,
    ListingsItemMfnQuantityChange,
    key=_listing_key,
    coalesce=True,
)
async def listing_change(notification: Notification[Any], ctx: Context) -> Event:
    """Fetch the listing that changed and publish it."""
    payload: ListingsItemChange = notification.payload
    if isinstance(payload, ListingsItemStatusChange) and "DELETED" in payload.status:
        gone = DeletedListing(sku=payload.sku, asin=payload.asin)
        return Event(type=DELETED.type, data={"listing": gone.model_dump(mode="json")})
    marketplace = notification.identifiers.marketplace_id
    marketplaces = [marketplace] if marketplace else list(ctx.marketplace_ids)
    listing = Listing(
        sku=payload.sku,
        change=notification.type,
        complete=bool(marketplaces),
        marketplaces=[],
        issues=[],
        issues_total=0,
        offers=[],
        availability=_told(payload),
    )
    if marketplaces:
        item = await ctx.spapi.listings_items.get_listings_item(payload.sku, marketplaces)
        listing = _with(listing, item)
    return Event(type=CHANGED.type, data={"listing": listing.model_dump(mode="json")})


def _told(payload: ListingsItemChange) -> list[Units]:
    """Return the units that the notification itself tells of."""
    if not isinstance(payload, ListingsItemMfnQuantityChange):
        return []
    return [Units(channel=payload.fulfillment_channel_code or "DEFAULT", quantity=payload.quantity)]


def _with(listing: Listing, item: Any) -> Listing:
    """Return the listing as Amazon has it."""
    return listing.model_copy(
        update={
            "marketplaces": [_place(one) for one in item.summaries],
            "issues": [_issue(one) for one in item.issues[:_MOST_ISSUES]],
            "issues_total": len(item.issues),
            "offers": [_offered(one) for one in item.offers],
            "availability": [
                Units(channel=one.fulfillment_channel_code, quantity=one.quantity)
                for one in item.fulfillment_availability
            ],
        }
    )


def _place(summary: Any) -> Place:
    return Place(
        marketplace=summary.marketplace_id,
        asin=summary.asin,
        status=list(summary.status),
        product_type=summary.product_type,
        title=summary.item_name,
    )


def _issue(issue: Any) -> Issue:
    return Issue(
        code=issue.code,
        severity=issue.severity,
        message=(issue.message or "")[:_MOST_WORDS] or None,
        attributes=list(issue.attribute_names[:_MOST_NAMES]),
    )


def _offered(offer: Any) -> Offered:
    return Offered(
        marketplace=offer.marketplace_id,
        type=offer.offer_type,
        amount=offer.price.amount if offer.price else None,
        currency=offer.price.currency_code if offer.price else None,
    )
