"""LISTINGS_ITEM_…: a listing of the seller's has changed. They come through EventBridge.

Source: the sections of these names in Amazon's "Notification Type Values". None says what changed
in the listing itself: getListingsItem does.
"""

from __future__ import annotations

from typing import ClassVar

from gateway.notifications.base import NeededId, PayloadModel, Time


class ListingsItemStatusChange(PayloadModel):
    """Payload of LISTINGS_ITEM_STATUS_CHANGE.

    Attributes:
        created_date: When the listing was made, in UTC.
        status: `BUYABLE`, `DISCOVERABLE` or both; `DELETED`; empty where it is neither.
    """

    notification_type: ClassVar[str] = "LISTINGS_ITEM_STATUS_CHANGE"

    sku: NeededId
    seller_id: str | None = None
    marketplace_id: str | None = None
    asin: str | None = None
    created_date: Time | None = None
    status: tuple[str, ...] = ()


class ListingsItemIssuesChange(PayloadModel):
    """Payload of LISTINGS_ITEM_ISSUES_CHANGE, versions 2023-12-13 and 1.0.

    Attributes:
        severities: Of the issues that there are now: `ERROR`, `WARNING`; or `NONE`.
        enforcement_actions: What Amazon does because of them, such as `SEARCH_SUPPRESSED`.
    """

    notification_type: ClassVar[str] = "LISTINGS_ITEM_ISSUES_CHANGE"

    sku: NeededId
    seller_id: str | None = None
    marketplace_id: str | None = None
    asin: str | None = None
    severities: tuple[str, ...] = ()
    enforcement_actions: tuple[str, ...] = ()


class ListingsItemMfnQuantityChange(PayloadModel):
    """Payload of LISTINGS_ITEM_MFN_QUANTITY_CHANGE; it names no marketplace.

    Attributes:
        fulfillment_channel_code: `DEFAULT`, or the code of a warehouse.
        quantity: Units that can be sold now.
    """

    notification_type: ClassVar[str] = "LISTINGS_ITEM_MFN_QUANTITY_CHANGE"

    sku: NeededId
    seller_id: str | None = None
    fulfillment_channel_code: str | None = None
    quantity: int | None = None
