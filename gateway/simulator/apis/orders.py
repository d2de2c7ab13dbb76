"""Orders 2026-01-01 and Orders v0: one order and its parts, and its shipment.

Source: Amazon's pages "Orders API v2026-01-01" and "Orders API v0".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gateway.simulator.apis.order_lists import included_data
from gateway.simulator.apis.order_views import address_v0, buyer_v0, order_2026, order_v0
from gateway.simulator.apis.order_views_v0 import items_buyer_info_v0, items_v0
from gateway.simulator.apis.restricted import opened_elements
from gateway.simulator.order_life import OrderStatus
from gateway.simulator.spapi.answers import bad_input, not_found
from gateway.simulator.spapi.call import Answer, Call, needed_text

if TYPE_CHECKING:
    from gateway.simulator.apis.order_traffic import OrderTraffic
    from gateway.simulator.orders import Order, OrderBook
    from gateway.simulator.spapi.call import Answering


class Orders:
    """The operations on one order."""

    def __init__(self, orders: OrderBook, traffic: OrderTraffic) -> None:
        self._orders = orders
        self._traffic = traffic

    def answers(self) -> Mapping[str, Answering]:
        """See `Api`."""
        return {
            "orders.2026-01-01.getOrder": self._get,
            "orders.v0.getOrder": self._get_v0,
            "orders.v0.getOrderItems": self._items,
            "orders.v0.getOrderBuyerInfo": self._buyer,
            "orders.v0.getOrderAddress": self._address,
            "orders.v0.getOrderItemsBuyerInfo": lambda call: Answer(
                body={"payload": items_buyer_info_v0(self._called(call))}
            ),
            "orders.v0.confirmShipment": self._confirm,
        }

    def _get(self, call: Call) -> Answer:
        return Answer(body={"order": order_2026(self._called(call), included_data(call))})

    def _get_v0(self, call: Call) -> Answer:
        return Answer(body={"payload": order_v0(self._called(call), _opened(call))})

    def _items(self, call: Call) -> Answer:
        return Answer(body={"payload": items_v0(self._called(call), _opened(call))})

    def _buyer(self, call: Call) -> Answer:
        order = self._called(call)
        # Without a restricted data token Amazon answers with the id alone.
        shown = buyer_v0(order) if "buyerInfo" in _opened(call) else {}
        return Answer(body={"payload": {"AmazonOrderId": order.id, **shown}})

    def _address(self, call: Call) -> Answer:
        order = self._called(call)
        opened = "shippingAddress" in _opened(call)
        shown = {"ShippingAddress": address_v0(order)} if opened else {}
        return Answer(body={"payload": {"AmazonOrderId": order.id, **shown}})

    def _confirm(self, call: Call) -> Answer:
        order, fields = self._called(call), call.fields()
        needed_text(fields, "marketplaceId")
        package = fields.get("packageDetail")
        if not isinstance(package, dict) or not isinstance(package.get("orderItems"), list):
            raise bad_input("packageDetail is required.", "packageDetail")
        for name in ("packageReferenceId", "carrierCode", "trackingNumber", "shipDate"):
            needed_text(package, name)
        if order.by_amazon or order.status not in {
            OrderStatus.UNSHIPPED,
            OrderStatus.PARTIALLY_SHIPPED,
        }:
            raise bad_input("The order can't be shipped by the seller as it stands.", order.id)
        self._traffic.move(call.seller, order.id, OrderStatus.SHIPPED)
        return Answer(status=204)

    def _called(self, call: Call) -> Order:
        order_id = call.arguments["orderId"]
        order = self._orders.find(call.seller.id, order_id, call.seller.marketplaces)
        if order is None:
            raise not_found("order", order_id)
        return order


def _opened(call: Call) -> frozenset[str]:
    return opened_elements(call.grant, path=call.path, template=call.operation.path)
