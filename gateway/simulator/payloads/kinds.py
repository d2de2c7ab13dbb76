"""Every notification type, with what is fixed about it.

Source: Amazon's page "Notification Type Values" and the public schemas of August 2026.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from gateway.simulator.payloads import account, listings, offers, orders, processing, stock
from gateway.simulator.payloads.subject import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

_PASCAL_TO_SQS = {
    "ORDER_CHANGE": orders.order_change,
    "TRANSACTION_UPDATE": orders.transaction_update,
    "FULFILLMENT_ORDER_STATUS": orders.fulfillment_order_status,
    "FBA_OUTBOUND_SHIPMENT_STATUS": orders.fba_outbound_shipment,
    "ANY_OFFER_CHANGED": offers.any_offer_changed,
    "B2B_ANY_OFFER_CHANGED": offers.b2b_any_offer_changed,
    "FEE_PROMOTION": offers.fee_promotion,
    "FBA_INVENTORY_AVAILABILITY_CHANGES": stock.inventory_availability,
}
_PASCAL_TO_EVENT_BRIDGE = {
    "LISTINGS_ITEM_STATUS_CHANGE": listings.listing_status,
    "LISTINGS_ITEM_MFN_QUANTITY_CHANGE": listings.mfn_quantity,
    "BRANDED_ITEM_CONTENT_CHANGE": listings.branded_content,
    "ITEM_PRODUCT_TYPE_CHANGE": listings.product_type,
    "PRODUCT_TYPE_DEFINITIONS_CHANGE": listings.product_type_definitions,
}
_CAMEL_TO_SQS = {
    "PRICING_HEALTH": (offers.pricing_health, "1.0"),
    "EXTERNAL_FULFILLMENT_SHIPMENT_STATUS_CHANGE": (orders.external_shipment, "1.0"),
    "ACCOUNT_STATUS_CHANGED": (account.account_status_changed, "2021-01-01"),
    "DATA_KIOSK_QUERY_PROCESSING_FINISHED": (processing.query_finished, "2023-11-15"),
    "DETAIL_PAGE_TRAFFIC_EVENT": (stock.traffic, "2020-09-04"),
    "ITEM_INVENTORY_EVENT_CHANGE": (stock.item_inventory, "2020-09-04"),
    "ITEM_SALES_EVENT_CHANGE": (stock.item_sales, "2020-09-04"),
}
# Amazon sends these two to the queue that is registered with the application, unasked.
_OF_THE_APPLICATION = {
    "APPLICATION_OAUTH_CLIENT_NEW_SECRET": account.new_secret,
    "APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY": account.secret_expiry,
}
# Live messages say payload version 1.0 under an envelope of 2020-09-04.
_PROCESSING = {
    "REPORT_PROCESSING_FINISHED": processing.report_finished,
    "FEED_PROCESSING_FINISHED": processing.feed_finished,
}

KINDS: Mapping[str, Kind] = MappingProxyType(
    {type_: Kind(pascal=True, payload=payload) for type_, payload in _PASCAL_TO_SQS.items()}
    | {
        type_: Kind(pascal=True, payload=payload, event_bridge=True)
        for type_, payload in _PASCAL_TO_EVENT_BRIDGE.items()
    }
    | {
        type_: Kind(pascal=False, payload=payload, payload_version=version)
        for type_, (payload, version) in _CAMEL_TO_SQS.items()
    }
    | {
        type_: Kind(pascal=False, payload=payload, version="2020-09-04")
        for type_, payload in _PROCESSING.items()
    }
    | {
        type_: Kind(pascal=False, payload=payload, payload_version="2023-11-30", subscribable=False)
        for type_, payload in _OF_THE_APPLICATION.items()
    }
    | {
        "LISTINGS_ITEM_ISSUES_CHANGE": Kind(
            pascal=True,
            payload=listings.listing_issues,
            event_bridge=True,
            payload_version="2023-12-13",
        ),
        "SHIPMENT_TRACKING_MILESTONE_CHANGED": Kind(
            pascal=False,
            payload=orders.tracking_milestone,
            event_bridge=True,
            payload_version="2026-01-30",
        ),
    }
)
