"""Orders 2026-01-01 and Orders v0: one order, and lists of them.

Source: Amazon's pages "Orders API v2026-01-01" and "Orders API v0".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from gateway.simulator.apis.order_views import INCLUDED_DATA, order_2026, order_v0
from gateway.simulator.apis.restricted import opened_elements
from gateway.simulator.spapi.answers import bad_input, not_found
from gateway.simulator.spapi.call import Answer, Call

if TYPE_CHECKING:
    from gateway.simulator.orders import Order, OrderBook
    from gateway.simulator.spapi.call import Answering


class Orders:
    """The operations on orders."""

    def __init__(self, orders: OrderBook) -> None:
        self._orders = orders

    def answers(self) -> Mapping[str, Answering]:
        """See `Api`."""
        return {
            "orders.2026-01-01.getOrder": self._get,
            "orders.v0.getOrder": self._get_v0,
        }

    def _get(self, call: Call) -> Answer:
        return Answer(body={"order": order_2026(self._called(call), _included(call))})

    def _get_v0(self, call: Call) -> Answer:
        opened = opened_elements(call.grant, path=call.path, template=call.operation.path)
        return Answer(body={"payload": order_v0(self._called(call), opened)})

    def _called(self, call: Call) -> Order:
        order_id = call.arguments["orderId"]
        order = self._orders.find(call.seller.id, order_id, call.seller.marketplaces)
        if order is None:
            raise not_found("order", order_id)
        return order


def _included(call: Call) -> Collection[str]:
    included = set(call.listed("includedData"))
    if unknown := included - INCLUDED_DATA:
        raise bad_input("includedData is invalid.", ", ".join(sorted(unknown)))
    return included
