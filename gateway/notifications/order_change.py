"""ORDER_CHANGE: an order or one of its items has changed ("ORDER_CHANGE" in Amazon's values)."""

from __future__ import annotations

from typing import ClassVar

from gateway.notifications.base import NeededId, PayloadModel, PayloadPart, Time


class OrderChangeTrigger(PayloadPart):
    """What made Amazon send the notification.

    Attributes:
        change_reason: Amazon's words, such as `Buyer Requested Cancel`.
    """

    time_of_order_change: Time | None = None
    change_reason: str | None = None


class OrderChangeItem(PayloadPart):
    """An item of the order, as far as the change shows it.

    Attributes:
        order_item_status: `Unshipped` or `Shipped`; only where the items' states differ.
        supply_source_id: The seller's warehouse that ships it.
    """

    order_item_id: str | None = None
    seller_sku: str | None = None
    supply_source_id: str | None = None
    order_item_status: str | None = None
    quantity: int | None = None
    quantity_shipped: int | None = None
    is_buyer_requested_cancel: bool | None = None
    item_earliest_delivery_date: Time | None = None
    item_latest_delivery_date: Time | None = None


class OrderSummary(PayloadPart):
    """The order at the time of the change.

    Attributes:
        order_status: `Pending`, `Unshipped`, `PartiallyShipped`, `Shipped`, `Canceled`,
            `Unfulfillable`, `InvoiceUnconfirmed` or `PendingAvailability`.
        fulfillment_type: `MFN` (the seller ships) or `AFN` (Amazon ships).
        order_type: `StandardOrder`, `LongLeadTimeOrder`, `Preorder`, `BackOrder` or
            `SourcingOnDemandOrder`.
        order_items: At item level only the changed one.
    """

    marketplace_id: str | None = None
    order_status: str | None = None
    purchase_date: Time | None = None
    destination_postal_code: str | None = None
    fulfillment_type: str | None = None
    order_type: str | None = None
    number_of_items_shipped: int | None = None
    number_of_items_unshipped: int | None = None
    earliest_delivery_date: Time | None = None
    latest_delivery_date: Time | None = None
    earliest_ship_date: Time | None = None
    latest_ship_date: Time | None = None
    cancel_notify_date: Time | None = None
    order_programs: tuple[str, ...] = ()
    shipping_programs: tuple[str, ...] = ()
    easy_ship_shipment_status: str | None = None
    electronic_invoice_status: str | None = None
    order_items: tuple[OrderChangeItem, ...] = ()


class OrderChange(PayloadModel):
    """Payload of ORDER_CHANGE.

    Attributes:
        amazon_order_id: Order in 3-7-7 form; the only field without which there is nothing to do.
        notification_level: `OrderLevel` or `OrderItemLevel`.
        order_change_type: `OrderStatusChange`, `BuyerRequestedChange` or `DeliveryTipChange`.
    """

    notification_type: ClassVar[str] = "ORDER_CHANGE"
    wrapper: ClassVar[str | None] = "OrderChangeNotification"

    amazon_order_id: NeededId
    seller_id: str | None = None
    notification_level: str | None = None
    order_change_type: str | None = None
    order_change_trigger: OrderChangeTrigger = OrderChangeTrigger()
    summary: OrderSummary = OrderSummary()
