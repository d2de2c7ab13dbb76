"""The types that come through EventBridge, by themselves, not yet, or no more, as data.

Source: Amazon's "Notification Type Values", "Set up notifications with Amazon SQS" and "… with
Amazon EventBridge", "Filter notification subscriptions", "Selling Partner API roles", and the
schemas of the models repository, state of 2026-08-05.
"""

from __future__ import annotations

from gateway.notifications import (
    application_secrets,
    catalog,
    listings,
    order_status,
    shipment_tracking,
    tax_invoices,
)
from gateway.notifications.kinds import (
    Audience,
    EventFilter,
    NotificationType,
    Places,
    Standing,
    Workflow,
)

_BOTH = (Audience.SELLER, Audience.VENDOR)
_ITEM = Places(seller="SellerId", marketplace="MarketplaceId", asin="Asin", sku="Sku")

EVENT_BRIDGE_TYPES = (
    NotificationType(
        name="BRANDED_ITEM_CONTENT_CHANGE",
        workflow=Workflow.EVENT_BRIDGE,
        places=Places(marketplace="MarketplaceId", asin="Asin"),
        follow_up=("getCatalogItem",),
        model=catalog.BrandedItemContentChange,
        note="For brand owners; only the subscription says whose it is.",
    ),
    NotificationType(
        name="ITEM_PRODUCT_TYPE_CHANGE",
        workflow=Workflow.EVENT_BRIDGE,
        places=Places(marketplace="MarketplaceId", asin="Asin"),
        follow_up=("getDefinitionsProductType", "getCatalogItem"),
        model=catalog.ItemProductTypeChange,
        note="For brand owners; only the subscription says whose it is.",
    ),
    NotificationType(
        name="LISTINGS_ITEM_STATUS_CHANGE",
        workflow=Workflow.EVENT_BRIDGE,
        places=_ITEM,
        follow_up=("getListingsItem",),
        model=listings.ListingsItemStatusChange,
    ),
    NotificationType(
        name="LISTINGS_ITEM_ISSUES_CHANGE",
        payload_versions=("2023-12-13", "1.0"),
        workflow=Workflow.EVENT_BRIDGE,
        audience=_BOTH,
        places=_ITEM,
        follow_up=("getListingsItem",),
        model=listings.ListingsItemIssuesChange,
        note="Version 1.0 was removed on 2026-08-26.",
    ),
    NotificationType(
        name="LISTINGS_ITEM_MFN_QUANTITY_CHANGE",
        workflow=Workflow.EVENT_BRIDGE,
        places=Places(seller="SellerId", sku="Sku"),
        follow_up=("getListingsItem",),
        model=listings.ListingsItemMfnQuantityChange,
    ),
    NotificationType(
        name="PRODUCT_TYPE_DEFINITIONS_CHANGE",
        workflow=Workflow.EVENT_BRIDGE,
        audience=_BOTH,
        places=Places(seller="AccountId", marketplace="MarketplaceId"),
        follow_up=("searchDefinitionsProductTypes", "getDefinitionsProductType"),
        model=catalog.ProductTypeDefinitionsChange,
    ),
    NotificationType(
        name="SHIPMENT_TRACKING_MILESTONE_CHANGED",
        payload_versions=("2026-01-30",),
        workflow=Workflow.EVENT_BRIDGE,
        audience=_BOTH,
        event_filter=EventFilter.REQUIRED,
        event_filter_fields=("trackingIdentifier",),
        follow_up=("getShipmentTracking",),
        model=shipment_tracking.ShipmentTrackingMilestoneChanged,
        note="One subscription a shipment, which alone says whose it is; its workflow is unsure.",
    ),
)

OTHER_TYPES = (
    NotificationType(
        name="APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY",
        standing=Standing.APPLICATION,
        payload_versions=("2023-11-30",),
        audience=(Audience.APPLICATION,),
        follow_up=("rotateApplicationClientSecret",),
        model=application_secrets.ApplicationOAuthClientSecretExpiry,
    ),
    NotificationType(
        name="APPLICATION_OAUTH_CLIENT_NEW_SECRET",
        standing=Standing.APPLICATION,
        payload_versions=("2023-11-30",),
        audience=(Audience.APPLICATION,),
        model=application_secrets.ApplicationOAuthClientNewSecret,
        note="Carries a live secret.",
    ),
    NotificationType(
        name="BOPIS_CHECKIN_DETAILS",
        standing=Standing.UNDESCRIBED,
        payload_versions=(),
        workflow=None,
    ),
    NotificationType(
        name="SHIPPING_CHARGE_NOTIFICATION",
        standing=Standing.UNDESCRIBED,
        payload_versions=(),
        workflow=None,
    ),
    NotificationType(
        name="TAX_INVOICE_EXPORT_STATUS_CHANGE",
        standing=Standing.ANNOUNCED,
        payload_versions=(),
        workflow=None,
        places=Places(marketplace="marketplaceId", document=("exportId",)),
        follow_up=("getInvoicesExport", "getInvoicesDocument"),
        model=tax_invoices.TaxInvoiceExportStatusChange,
        note="Brazil; published on 2026-07-29 and deleted the next day.",
    ),
    NotificationType(
        name="TAX_INVOICE_ISSUANCE_STATUS",
        standing=Standing.ANNOUNCED,
        payload_versions=(),
        workflow=None,
        places=Places(marketplace="marketplaceId", order="orderId", document=("invoiceId",)),
        follow_up=("getInvoice",),
        model=tax_invoices.TaxInvoiceIssuanceStatus,
        note="Brazil; published on 2026-07-29 and deleted the next day.",
    ),
    NotificationType(
        name="ORDER_STATUS_CHANGE",
        standing=Standing.WITHDRAWN,
        places=Places(
            seller="OrderStatusChangeNotification.SellerId",
            marketplace="OrderStatusChangeNotification.MarketplaceId",
            order="OrderStatusChangeNotification.AmazonOrderId",
            sku="OrderStatusChangeNotification.SellerSKU",
        ),
        follow_up=("getOrder",),
        model=order_status.OrderStatusChange,
        note="Removed on 2026-07-29; ORDER_CHANGE took its place.",
    ),
    NotificationType(
        name="MFN_ORDER_STATUS_CHANGE",
        standing=Standing.WITHDRAWN,
        places=Places(
            seller="MFNOrderStatusChangeNotification.SellerId",
            marketplace="MFNOrderStatusChangeNotification.MarketplaceId",
            order="MFNOrderStatusChangeNotification.AmazonOrderId",
            sku="MFNOrderStatusChangeNotification.SellerSKU",
        ),
        follow_up=("getOrder",),
        model=order_status.MfnOrderStatusChange,
        note="Removed on 2024-03-27; ORDER_CHANGE took its place.",
    ),
)
