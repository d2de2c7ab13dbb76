"""What changed in Amazon's catalogue: content of an item, its product type, the definitions.

Source: the sections of these names in Amazon's "Notification Type Values". They come through
EventBridge; the first two name no seller, so their owner is known by the subscription alone.
"""

from __future__ import annotations

from typing import ClassVar

from gateway.notifications.base import PayloadModel


class BrandedItemContentChange(PayloadModel):
    """Payload of BRANDED_ITEM_CONTENT_CHANGE: an item of a brand that the seller owns.

    Attributes:
        attributes_changed: Such as `item_name`, `bullet_point`, `images`.
    """

    notification_type: ClassVar[str] = "BRANDED_ITEM_CONTENT_CHANGE"

    asin: str | None = None
    marketplace_id: str | None = None
    brand_name: str | None = None
    attributes_changed: tuple[str, ...] = ()


class ItemProductTypeChange(PayloadModel):
    """Payload of ITEM_PRODUCT_TYPE_CHANGE: an item of a brand that the seller owns."""

    notification_type: ClassVar[str] = "ITEM_PRODUCT_TYPE_CHANGE"

    asin: str | None = None
    marketplace_id: str | None = None
    previous_product_type: str | None = None
    current_product_type: str | None = None


class ProductTypeDefinitionsChange(PayloadModel):
    """Payload of PRODUCT_TYPE_DEFINITIONS_CHANGE.

    Attributes:
        product_type_version: What getDefinitionsProductType takes.
        new_product_types: Types that were not there before.
    """

    notification_type: ClassVar[str] = "PRODUCT_TYPE_DEFINITIONS_CHANGE"

    account_id: str | None = None
    marketplace_id: str | None = None
    product_type_version: str | None = None
    new_product_types: tuple[str, ...] = ()
