"""Typed calls of the Fulfillment Outbound API 2020-07-01: getFulfillmentOrder. 2/s, burst 30.

Named are the fields that hold no personal data: addresses, e-mails, comments, gift texts and tax
stay in `raw` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.spapi.apis.views import Calls, View, found, part

_GET = "fulfillmentOutbound.2020-07-01.getFulfillmentOrder"


class FulfillmentOrderHead(View):
    """The order itself.

    Attributes:
        fulfillment_order_status: `New`, `Received`, `Planning`, `Processing`, `Cancelled`,
            `Complete`, `CompletePartialled`, `Unfulfillable` or `Invalid`.
        shipping_speed_category: `Standard`, `Expedited`, `Priority` or `ScheduledDelivery`.
    """

    seller_fulfillment_order_id: str
    displayable_order_id: str | None = None
    displayable_order_date: str | None = None
    marketplace_id: str | None = None
    fulfillment_order_status: str | None = None
    fulfillment_action: str | None = None
    fulfillment_policy: str | None = None
    shipping_speed_category: str | None = None
    received_date: str | None = None
    status_updated_date: str | None = None


class FulfillmentOrderItem(View):
    """A line of the order; quantities in units."""

    seller_fulfillment_order_item_id: str
    seller_sku: str | None = None
    quantity: int | None = None
    cancelled_quantity: int | None = None
    unfulfillable_quantity: int | None = None
    estimated_ship_date: str | None = None
    estimated_arrival_date: str | None = None


class ShipmentPackage(View):
    """A parcel; its tracking number is in `raw`."""

    package_number: int
    carrier_code: str | None = None
    estimated_arrival_date: str | None = None


class FulfillmentShipment(View):
    """What leaves one fulfilment centre.

    Attributes:
        fulfillment_shipment_status: `PENDING`, `SHIPPED`, `CANCELLED_BY_FULFILLER` or
            `CANCELLED_BY_SELLER`.
    """

    amazon_shipment_id: str
    fulfillment_center_id: str | None = None
    fulfillment_shipment_status: str | None = None
    shipping_date: str | None = None
    estimated_arrival_date: str | None = None
    fulfillment_shipment_package: tuple[ShipmentPackage, ...] = ()


class FulfillmentOrder(View):
    """An order that Amazon ships for the seller."""

    fulfillment_order: FulfillmentOrderHead
    fulfillment_order_items: tuple[FulfillmentOrderItem, ...] = ()
    fulfillment_shipments: tuple[FulfillmentShipment, ...] = ()

    def without_personal_data(self) -> dict[str, Any]:
        """Return the named fields as JSON values: nothing about the recipient."""
        return self.data()


class FulfillmentOutbound:
    """The Fulfillment Outbound API 2020-07-01."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def get_fulfillment_order(self, seller_fulfillment_order_id: str) -> FulfillmentOrder:
        """Return a fulfilment order by the id that the seller gave it.

        Raises:
            SpApiError: The call failed; the subclass says what to do.
        """
        answer: Mapping[str, Any] = await self._calls.call(
            _GET, sellerFulfillmentOrderId=seller_fulfillment_order_id
        )
        read = FulfillmentOrder.read(part(answer, "payload"))
        return found(read, operation=_GET, what="fulfilment order")
