"""How the parts of an order look in Orders v0: items, buyer, address.

Source: Amazon's page "Orders API v0".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection
    from decimal import Decimal

    from gateway.simulator.orders import Order


def items_v0(order: Order, data_elements: Collection[str]) -> dict[str, Any]:
    """Return an order's items as getOrderItems shows them to a token with these data elements."""
    shown = []
    for item in order.items:
        one: dict[str, Any] = {
            "ASIN": item.asin,
            "SellerSKU": item.sku,
            "OrderItemId": item.id,
            "Title": item.title,
            "QuantityOrdered": item.quantity,
            "QuantityShipped": item.shipped,
            "ProductInfo": {"NumberOfItems": "1"},
            "ItemPrice": _money(order, item.unit_price * item.quantity),
            "IsGift": "false",
            "ConditionId": "New",
            "ConditionSubtypeId": "New",
            "IsTransparency": False,
        }
        if "buyerInfo" in data_elements:
            one["BuyerInfo"] = {"GiftWrapLevel": "Classic"}
        shown.append(one)
    return {"AmazonOrderId": order.id, "OrderItems": shown}


def items_buyer_info_v0(order: Order) -> dict[str, Any]:
    """Return what getOrderItemsBuyerInfo shows."""
    return {
        "AmazonOrderId": order.id,
        "OrderItems": [
            {"OrderItemId": item.id, "GiftWrapLevel": "Classic"} for item in order.items
        ],
    }


def _money(order: Order, amount: Decimal) -> dict[str, str]:
    return {"CurrencyCode": order.place.currency, "Amount": str(amount)}
