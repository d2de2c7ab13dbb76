"""ORDER_STATUS_CHANGE and MFN_ORDER_STATUS_CHANGE: withdrawn; ORDER_CHANGE took their place.

Source: Amazon's schemas before 2026-01-28. Kept so that old messages, from an archive or a
dead-letter queue, can be read.
"""

from __future__ import annotations

from typing import ClassVar

from gateway.notifications.base import NeededId, PayloadModel, Time


class MfnOrderStatusChange(PayloadModel):
    """Payload of MFN_ORDER_STATUS_CHANGE (removed on 2024-03-27): one item of an order.

    Attributes:
        purchase_date: In UTC; Amazon wrote milliseconds since the epoch.
        destination_postal_code: Personal data.
        quantity: In units.
    """

    notification_type: ClassVar[str] = "MFN_ORDER_STATUS_CHANGE"
    wrapper: ClassVar[str | None] = "MFNOrderStatusChangeNotification"
    other_wrappers: ClassVar[tuple[str, ...]] = ("MFNOrderNotification",)

    amazon_order_id: NeededId
    seller_id: str | None = None
    marketplace_id: str | None = None
    purchase_date: Time | None = None
    order_status: str | None = None
    destination_postal_code: str | None = None
    supply_source_id: str | None = None
    order_item_id: str | None = None
    seller_sku: str | None = None
    quantity: int | None = None


class OrderStatusChange(MfnOrderStatusChange):
    """Payload of ORDER_STATUS_CHANGE (removed on 2026-07-29): one item of an order.

    Attributes:
        fulfillment_channel: `MFN` (the seller ships) or `AFN` (Amazon ships).
    """

    notification_type: ClassVar[str] = "ORDER_STATUS_CHANGE"
    wrapper: ClassVar[str | None] = "OrderStatusChangeNotification"
    other_wrappers: ClassVar[tuple[str, ...]] = ()

    fulfillment_channel: str | None = None
