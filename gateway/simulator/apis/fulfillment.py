"""Fulfillment Outbound 2020-07-01: getFulfillmentOrder. An id that begins with `NONE` is nobody's.

Source: Amazon's page "Fulfillment Outbound API v2020-07-01".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gateway.clock import rfc3339
from gateway.simulator.spapi.answers import not_found
from gateway.simulator.spapi.call import Answer, Call

if TYPE_CHECKING:
    from gateway.simulator.orders import Order, OrderBook
    from gateway.simulator.spapi.call import Answering

_HOUR_MS = 3_600_000


class Fulfillment:
    """Orders that Amazon fulfils for other shops: each has the facts of an order of its id."""

    def __init__(self, orders: OrderBook) -> None:
        self._orders = orders

    def answers(self) -> Mapping[str, Answering]:
        """See `Api`."""
        return {"fulfillmentOutbound.2020-07-01.getFulfillmentOrder": self._get}

    def _get(self, call: Call) -> Answer:
        fulfillment_id = call.arguments["sellerFulfillmentOrderId"]
        order = self._orders.find(call.seller.id, fulfillment_id, call.seller.marketplaces)
        if order is None or fulfillment_id.startswith("NONE"):
            raise not_found("fulfillment order", fulfillment_id)
        return Answer(body={"payload": _shown(order)})


def _shown(order: Order) -> Mapping[str, Any]:
    items = [
        {
            "sellerSku": item.sku,
            "sellerFulfillmentOrderItemId": item.id,
            "quantity": item.quantity,
            "cancelledQuantity": 0,
            "unfulfillableQuantity": 0,
        }
        for item in order.items
    ]
    return {
        "fulfillmentOrder": {
            "sellerFulfillmentOrderId": order.id,
            "marketplaceId": order.place.id,
            "displayableOrderId": order.id,
            "displayableOrderDate": rfc3339(order.created_at_ms),
            "displayableOrderComment": "Thank you for your order",
            "shippingSpeedCategory": "Standard",
            "destinationAddress": {
                "name": order.buyer.name,
                "addressLine1": order.buyer.street,
                "city": order.buyer.city,
                "postalCode": order.buyer.postal_code,
                "countryCode": order.place.country,
            },
            "fulfillmentAction": "Ship",
            "fulfillmentPolicy": "FillOrKill",
            "receivedDate": rfc3339(order.created_at_ms),
            "fulfillmentOrderStatus": "Complete",
            "statusUpdatedDate": rfc3339(order.updated_at_ms),
            "featureConstraints": [],
        },
        "fulfillmentOrderItems": items,
        "fulfillmentShipments": [_shipment(order)],
        "returnItems": [],
        "returnAuthorizations": [],
    }


def _shipment(order: Order) -> Mapping[str, Any]:
    shipped_ms = order.created_at_ms + 6 * _HOUR_MS
    packed = [
        {
            "sellerSku": item.sku,
            "sellerFulfillmentOrderItemId": item.id,
            "quantity": item.quantity,
            "packageNumber": 1,
        }
        for item in order.items
    ]
    package = {
        "packageNumber": 1,
        "carrierCode": "SAMPLE",
        "trackingNumber": f"SP{order.items[0].id}",
    }
    return {
        "amazonShipmentId": "DSIMULATED1",
        "fulfillmentCenterId": "SIM1",
        "fulfillmentShipmentStatus": "SHIPPED",
        "shippingDate": rfc3339(shipped_ms),
        "estimatedArrivalDate": rfc3339(shipped_ms + 48 * _HOUR_MS),
        "fulfillmentShipmentItem": packed,
        "fulfillmentShipmentPackage": [package],
    }
