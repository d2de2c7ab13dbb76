"""BRANDED_ITEM_CONTENT_CHANGE, ITEM_PRODUCT_TYPE_CHANGE, PRODUCT_TYPE_DEFINITIONS_CHANGE.

→ `item.content_changed`, `item.product_type_changed`, `product_types.changed`. No follow-up call:
most receivers only want to know which item to look at. The first two name no seller: their events
have one where the subscription is known.
"""

from __future__ import annotations

from pydantic import BaseModel

from gateway import Context, Event, EventType, Notification, Router
from gateway.notifications import (
    BrandedItemContentChange,
    ItemProductTypeChange,
    ProductTypeDefinitionsChange,
)

_MOST_NAMES = 200


class ItemContent(BaseModel):
    """An item of a brand that the seller owns, and what of its content changed."""

    asin: str | None
    brand: str | None
    attributes: list[str]


class ItemProductType(BaseModel):
    """An item of a brand that the seller owns, and its product types."""

    asin: str | None
    product_type: str | None
    previous_product_type: str | None


class ProductTypes(BaseModel):
    """The definitions' new version; `added_total` counts types there was no room for too."""

    version: str | None
    added: list[str]
    added_total: int


CONTENT_CHANGED = EventType(
    type="item.content_changed",
    summary="The content of an item of the seller's brand has changed.",
    members={"item": ItemContent},
    example={
        "item": {"asin": "B000EXAMPLE", "brand": "Mugly", "attributes": ["bullet_point", "images"]}
    },
    source="BRANDED_ITEM_CONTENT_CHANGE",
)
PRODUCT_TYPE_CHANGED = EventType(
    type="item.product_type_changed",
    summary="An item of the seller's brand has another product type.",
    members={"item": ItemProductType},
    example={
        "item": {
            "asin": "B000EXAMPLE",
            "product_type": "DRINKING_CUP",
            "previous_product_type": "CUP",
        }
    },
    source="ITEM_PRODUCT_TYPE_CHANGE",
)
DEFINITIONS_CHANGED = EventType(
    type="product_types.changed",
    summary="The definitions of product types have a new version.",
    members={"product_types": ProductTypes},
    example={
        "product_types": {"version": "UEXAMPLE=", "added": ["DRINKING_CUP"], "added_total": 1}
    },
    source="PRODUCT_TYPE_DEFINITIONS_CHANGE",
)

router = Router()
router.publishes(CONTENT_CHANGED, PRODUCT_TYPE_CHANGED, DEFINITIONS_CHANGED)


@router.on(BrandedItemContentChange)
async def item_content_change(
    notification: Notification[BrandedItemContentChange], _ctx: Context
) -> Event:
    """Publish which item's content changed."""
    payload = notification.payload
    item = ItemContent(
        asin=payload.asin,
        brand=payload.brand_name,
        attributes=list(payload.attributes_changed[:_MOST_NAMES]),
    )
    return Event(type=CONTENT_CHANGED.type, data={"item": item.model_dump(mode="json")})


@router.on(ItemProductTypeChange)
async def item_product_type_change(
    notification: Notification[ItemProductTypeChange], _ctx: Context
) -> Event:
    """Publish which item has another product type."""
    payload = notification.payload
    item = ItemProductType(
        asin=payload.asin,
        product_type=payload.current_product_type,
        previous_product_type=payload.previous_product_type,
    )
    return Event(type=PRODUCT_TYPE_CHANGED.type, data={"item": item.model_dump(mode="json")})


@router.on(ProductTypeDefinitionsChange)
async def product_type_definitions_change(
    notification: Notification[ProductTypeDefinitionsChange], _ctx: Context
) -> Event:
    """Publish the definitions' new version."""
    payload = notification.payload
    product_types = ProductTypes(
        version=payload.product_type_version,
        added=list(payload.new_product_types[:_MOST_NAMES]),
        added_total=len(payload.new_product_types),
    )
    return Event(
        type=DEFINITIONS_CHANGED.type,
        data={"product_types": product_types.model_dump(mode="json")},
    )
