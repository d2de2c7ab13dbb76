"""Shipments that leave: multi-channel orders, FBA Onsite in Brazil, stores that ship for Amazon.

Source: "FULFILLMENT_ORDER_STATUS", "FBA_OUTBOUND_SHIPMENT_STATUS" and
"EXTERNAL_FULFILLMENT_SHIPMENT_STATUS_CHANGE" in Amazon's "Notification Type Values". Amazon's
schema of the first needs parts that its own example leaves out.
"""

from __future__ import annotations

from typing import ClassVar

from gateway.notifications.base import NeededId, PayloadModel, PayloadPart, Time


class FulfillmentPackage(PayloadPart):
    """A parcel; `package_number` is what getPackageTrackingDetails takes."""

    package_number: int | None = None
    carrier_code: str | None = None
    tracking_number: str | None = None


class FulfillmentShipment(PayloadPart):
    """A shipment of a fulfillment order.

    Attributes:
        estimated_arrival_date_time: In UTC.
    """

    fulfillment_shipment_status: str | None = None
    amazon_shipment_id: str | None = None
    estimated_arrival_date_time: Time | None = None
    fulfillment_shipment_packages: tuple[FulfillmentPackage, ...] = ()


class FulfillmentReturn(PayloadPart):
    """Units that came back.

    Attributes:
        received_date_time: In UTC.
        returned_quantity: In units.
    """

    received_date_time: Time | None = None
    returned_quantity: int | None = None
    seller_sku: str | None = None


class FulfillmentOrderStatus(PayloadModel):
    """Payload of FULFILLMENT_ORDER_STATUS.

    Attributes:
        seller_fulfillment_order_id: The id that the seller gave it; no Amazon order id.
        event_type: What it is about: `Order`, `Shipment` or `Return`.
        status_updated_date_time: In UTC.
        fulfillment_order_status: Such as `RECEIVED`, `PLANNING`, `PROCESSING`, `CANCELLED`,
            `COMPLETE`, `COMPLETE_PARTIALLED`, `UNFULFILLABLE`, `INVALID`.
    """

    notification_type: ClassVar[str] = "FULFILLMENT_ORDER_STATUS"
    wrapper: ClassVar[str | None] = "FulfillmentOrderStatusNotification"

    seller_fulfillment_order_id: NeededId
    seller_id: str | None = None
    event_type: str | None = None
    status_updated_date_time: Time | None = None
    fulfillment_order_status: str | None = None
    fulfillment_shipment: FulfillmentShipment | None = None
    fulfillment_return_item: FulfillmentReturn | None = None


class FbaOutboundShipmentStatus(PayloadModel):
    """Payload of FBA_OUTBOUND_SHIPMENT_STATUS (FBA Onsite, Brazil).

    Attributes:
        shipment_status: Such as `Created`, `InProgress`, `Shipped`, `Delivered`.
    """

    notification_type: ClassVar[str] = "FBA_OUTBOUND_SHIPMENT_STATUS"
    wrapper: ClassVar[str | None] = "FBAOutboundShipmentStatusNotification"

    amazon_shipment_id: str | None = None
    seller_id: str | None = None
    amazon_order_id: str | None = None
    shipment_status: str | None = None


class ExternalFulfillmentShipmentStatusChange(PayloadModel):
    """Payload of EXTERNAL_FULFILLMENT_SHIPMENT_STATUS_CHANGE; Amazon publishes no schema of it.

    Attributes:
        merchant_id: The seller.
        location_id: The store or warehouse that ships.
        channel_name: Where it was sold.
    """

    notification_type: ClassVar[str] = "EXTERNAL_FULFILLMENT_SHIPMENT_STATUS_CHANGE"
    wrapper: ClassVar[str | None] = "externalFulfillmentShipmentNotification"

    shipment_id: str | None = None
    merchant_id: str | None = None
    location_id: str | None = None
    channel_name: str | None = None
    shipment_status: str | None = None
