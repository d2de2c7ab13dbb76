"""Payloads about listings and the catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.clock import rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.simulator.payloads.subject import Subject

_HOUR_MS = 3_600_000


def listing_status(about: Subject) -> Mapping[str, Any]:
    return {
        "SellerId": about.seller_id,
        "MarketplaceId": about.marketplace_id,
        "Asin": about.asin,
        "Sku": about.sku,
        "CreatedDate": rfc3339(about.at_ms - _HOUR_MS),
        "Status": ["BUYABLE", "DISCOVERABLE"],
    }


def listing_issues(about: Subject) -> Mapping[str, Any]:
    return {
        "SellerId": about.seller_id,
        "MarketplaceId": about.marketplace_id,
        "Asin": about.asin,
        "Sku": about.sku,
        "Severities": ["WARNING"],
        "EnforcementActions": [],
    }


def mfn_quantity(about: Subject) -> Mapping[str, Any]:
    return {
        "SellerId": about.seller_id,
        "FulfillmentChannelCode": "DEFAULT",
        "Sku": about.sku,
        "Quantity": 42,
    }


def branded_content(about: Subject) -> Mapping[str, Any]:
    # The payload names no seller: it is known by the subscription alone.
    return {
        "MarketplaceId": about.marketplace_id,
        "BrandName": "Sample Brand",
        "Asin": about.asin,
        "AttributesChanged": ["bullet_point", "item_name"],
    }


def product_type(about: Subject) -> Mapping[str, Any]:
    # The payload names no seller: it is known by the subscription alone.
    return {
        "MarketplaceId": about.marketplace_id,
        "Asin": about.asin,
        "PreviousProductType": "KITCHEN",
        "CurrentProductType": "DRINKING_CUP",
    }


def product_type_definitions(about: Subject) -> Mapping[str, Any]:
    return {
        "AccountId": about.seller_id,
        "MarketplaceId": about.marketplace_id,
        "ProductTypeVersion": "UHqSqmb4FNUk0001",
        "NewProductTypes": ["DRINKING_CUP"],
    }
