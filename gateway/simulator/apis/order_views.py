"""How an order's facts look in Orders 2026-01-01 and in Orders v0; decides shape, never facts.

Personal data stands only where it was asked for: data sets of `includedData` in the one, data
elements of a restricted data token in the other. Source: Amazon's pages "Orders API v2026-01-01"
and "Orders API v0".
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from gateway.clock import rfc3339
from gateway.simulator.order_life import OrderStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from decimal import Decimal

    from gateway.simulator.orders import Item, Order

INCLUDED_DATA = frozenset(
    {
        "BUYER",
        "RECIPIENT",
        "PROCEEDS",
        "EXPENSE",
        "PROMOTION",
        "CANCELLATION",
        "FULFILLMENT",
        "PACKAGES",
        "TAX",
        "PAYMENT",
        "FULFILLMENT_ORDERS",
    }
)
V0_STATUS: Mapping[OrderStatus, str] = MappingProxyType(
    {
        OrderStatus.PENDING: "Pending",
        OrderStatus.UNSHIPPED: "Unshipped",
        OrderStatus.PARTIALLY_SHIPPED: "PartiallyShipped",
        OrderStatus.SHIPPED: "Shipped",
        OrderStatus.CANCELLED: "Canceled",
    }
)
_DAY_MS = 86_400_000


def order_2026(order: Order, included: Collection[str]) -> dict[str, Any]:
    """Return an order as Orders 2026-01-01 shows it with these data sets."""
    shown: dict[str, Any] = {
        "orderId": order.id,
        "createdTime": rfc3339(order.created_at_ms),
        "lastUpdatedTime": rfc3339(order.updated_at_ms),
        "programs": _programs(order),
        "salesChannel": {
            "channelName": "AMAZON",
            "marketplaceId": order.place.id,
            "marketplaceName": order.place.shop,
        },
        "orderItems": [_item_2026(order, item, included) for item in order.items],
    }
    if "BUYER" in included:
        shown["buyer"] = {"buyerName": order.buyer.name, "buyerEmail": order.buyer.email}
    if "RECIPIENT" in included:
        shown["recipient"] = {"deliveryAddress": _address_2026(order)}
    if "PROCEEDS" in included:
        shown["proceeds"] = {"grandTotal": _money(order, order.total)}
    if "FULFILLMENT" in included:
        shown["fulfillment"] = _fulfillment_2026(order)
    if "PACKAGES" in included and not order.by_amazon:
        shown["packages"] = _packages_2026(order)
    return shown


def order_v0(order: Order, data_elements: Collection[str]) -> dict[str, Any]:
    """Return an order as Orders v0 shows it to a token that opens these data elements."""
    shown: dict[str, Any] = {
        "AmazonOrderId": order.id,
        "PurchaseDate": rfc3339(order.created_at_ms),
        "LastUpdateDate": rfc3339(order.updated_at_ms),
        "OrderStatus": V0_STATUS[order.status],
        "FulfillmentChannel": "AFN" if order.by_amazon else "MFN",
        "SalesChannel": order.place.shop,
        "ShipServiceLevel": "Standard",
        "ShipmentServiceLevelCategory": "Standard",
        "NumberOfItemsShipped": sum(item.shipped for item in order.items),
        "NumberOfItemsUnshipped": sum(item.quantity - item.shipped for item in order.items),
        "PaymentMethod": "Other",
        "PaymentMethodDetails": ["Standard"],
        "MarketplaceId": order.place.id,
        "OrderType": "StandardOrder",
        "EarliestShipDate": rfc3339(order.created_at_ms + _DAY_MS),
        "LatestShipDate": rfc3339(order.created_at_ms + 2 * _DAY_MS),
        "IsBusinessOrder": order.business,
        "IsPrime": order.prime,
        "IsReplacementOrder": False,
        "IsSoldByAB": False,
        "IsGlobalExpressEnabled": False,
        "IsPremiumOrder": False,
        "IsISPU": False,
    }
    if order.status is not OrderStatus.PENDING:
        # Amazon shows no amount while the payment is pending.
        shown["OrderTotal"] = {
            "CurrencyCode": order.place.currency,
            "Amount": str(order.total),
        }
    if "buyerInfo" in data_elements:
        shown["BuyerInfo"] = buyer_v0(order)
    if "shippingAddress" in data_elements:
        shown["ShippingAddress"] = address_v0(order)
    return shown


def _programs(order: Order) -> list[str]:
    flags = {"PRIME": order.prime, "AMAZON_BUSINESS": order.business}
    return [name for name, on in flags.items() if on]


def _money(order: Order, amount: Decimal) -> dict[str, str]:
    return {"amount": str(amount), "currencyCode": order.place.currency}


def _item_2026(order: Order, item: Item, included: Collection[str]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "orderItemId": item.id,
        "quantityOrdered": item.quantity,
        "product": {
            "asin": item.asin,
            "title": item.title,
            "sellerSku": item.sku,
            "condition": {"conditionType": "NEW", "conditionSubtype": "NEW"},
            "price": {"unitPrice": _money(order, item.unit_price)},
        },
    }
    if "PROCEEDS" in included:
        goods = _money(order, item.unit_price * item.quantity)
        shown["proceeds"] = {
            "proceedsTotal": goods,
            "breakdowns": [{"type": "ITEM", "subtotal": goods}],
        }
    if "FULFILLMENT" in included:
        shown["fulfillment"] = {
            "quantityFulfilled": item.shipped,
            "quantityUnfulfilled": item.quantity - item.shipped,
        }
    return shown


def _fulfillment_2026(order: Order) -> dict[str, Any]:
    return {
        "fulfillmentStatus": order.status.value,
        "fulfilledBy": "AMAZON" if order.by_amazon else "MERCHANT",
        "fulfillmentServiceLevel": "STANDARD",
        "shipByWindow": {
            "earliestDateTime": rfc3339(order.created_at_ms + _DAY_MS),
            "latestDateTime": rfc3339(order.created_at_ms + 2 * _DAY_MS),
        },
        "deliverByWindow": {
            "earliestDateTime": rfc3339(order.created_at_ms + 3 * _DAY_MS),
            "latestDateTime": rfc3339(order.created_at_ms + 6 * _DAY_MS),
        },
    }


def _packages_2026(order: Order) -> list[dict[str, Any]]:
    if order.status is not OrderStatus.SHIPPED:
        return []
    return [
        {
            "packageReferenceId": "1",
            "createdTime": rfc3339(order.updated_at_ms),
            "packageStatus": {"status": "SHIPPED"},
            "carrier": "Sample Post",
            "trackingNumber": f"SP{order.items[0].id}",
            "packageItems": [
                {"orderItemId": item.id, "quantity": item.shipped} for item in order.items
            ],
        }
    ]


def _address_2026(order: Order) -> dict[str, str]:
    return {
        "name": order.buyer.name,
        "addressLine1": order.buyer.street,
        "city": order.buyer.city,
        "postalCode": order.buyer.postal_code,
        "countryCode": order.place.country,
        "phone": order.buyer.phone,
        "addressType": "RESIDENTIAL",
    }


def buyer_v0(order: Order) -> dict[str, str]:
    """Return who bought an order, as Orders v0 shows it."""
    return {"BuyerEmail": order.buyer.email, "BuyerName": order.buyer.name}


def address_v0(order: Order) -> dict[str, str]:
    """Return where an order goes, as Orders v0 shows it."""
    return {
        "Name": order.buyer.name,
        "AddressLine1": order.buyer.street,
        "City": order.buyer.city,
        "PostalCode": order.buyer.postal_code,
        "CountryCode": order.place.country,
        "Phone": order.buyer.phone,
        "AddressType": "Residential",
    }
