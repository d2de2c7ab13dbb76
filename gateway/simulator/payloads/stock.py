"""Payloads about stock, sales and traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.clock import rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.simulator.payloads.subject import Subject

_HOUR_MS = 3_600_000


def inventory_availability(about: Subject) -> Mapping[str, Any]:
    return {
        "SellerId": about.seller_id,
        "FNSKU": f"X00{about.asin[-7:]}",
        "ASIN": about.asin,
        "SKU": about.sku,
        "FulfillmentInventoryByMarketplace": [
            {
                "MarketplaceId": about.marketplace_id,
                "ItemName": "Enamel Camping Mug",
                "FulfillmentInventory": {
                    "Fulfillable": 12,
                    "InboundQuantityBreakdown": {"Working": 0, "Shipped": 4, "Receiving": 0},
                    "ReservedQuantityBreakdown": {
                        "WarehouseProcessing": 0,
                        "WarehouseTransfer": 0,
                        "PendingCustomerOrder": 1,
                    },
                    "Unfulfillable": 0,
                    "Researching": 0,
                },
                "Stores": [],
            }
        ],
    }


def traffic(about: Subject) -> Mapping[str, Any]:
    return {"detailPageTrafficEvents": [_an_hour(about) | {"glanceViews": 17}]}


def item_inventory(about: Subject) -> Mapping[str, Any]:
    return {"itemInventoryEventChanges": [_an_hour(about) | {"highlyAvailableInventory": 12}]}


def item_sales(about: Subject) -> Mapping[str, Any]:
    sold = {"currencyCode": "USD", "orderedUnits": 3, "orderedRevenue": 59.97}
    return {"itemSalesEventChanges": [_an_hour(about) | sold]}


def _an_hour(about: Subject) -> dict[str, Any]:
    return {
        "accountId": about.account_id,
        "marketplaceId": about.marketplace_id,
        "startTime": rfc3339(about.at_ms - 2 * _HOUR_MS),
        "endTime": rfc3339(about.at_ms - _HOUR_MS),
        "asin": about.asin,
    }
