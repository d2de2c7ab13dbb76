"""Typed payloads, one model per notification type; handlers name one in `Router.on`.

Models are read when a handler asks for the payload, never on arrival. Keys meet fields in any
casing, values that can't be read count as absent, and `raw` keeps the payload as it came. What
Amazon says of each type is data in `gateway.notifications.known`.
"""

from __future__ import annotations

from gateway.notifications.account_status import AccountStatusChanged
from gateway.notifications.application_secrets import (
    ApplicationOAuthClientNewSecret,
    ApplicationOAuthClientSecretExpiry,
)
from gateway.notifications.base import NeededId, PayloadModel, PayloadPart, Time
from gateway.notifications.catalog import (
    BrandedItemContentChange,
    ItemProductTypeChange,
    ProductTypeDefinitionsChange,
)
from gateway.notifications.fee_promotion import FeePromotion
from gateway.notifications.fulfillment import (
    ExternalFulfillmentShipmentStatusChange,
    FbaOutboundShipmentStatus,
    FulfillmentOrderStatus,
)
from gateway.notifications.hourly import (
    DetailPageTrafficEvent,
    ItemInventoryEventChange,
    ItemSalesEventChange,
)
from gateway.notifications.inventory import (
    FbaInventoryAvailabilityChanges,
    MarketplaceInventory,
)
from gateway.notifications.listings import (
    ListingsItemIssuesChange,
    ListingsItemMfnQuantityChange,
    ListingsItemStatusChange,
)
from gateway.notifications.money import Money
from gateway.notifications.offers import (
    AnyOfferChanged,
    B2bAnyOfferChanged,
    OfferChanged,
    OfferPrice,
)
from gateway.notifications.order_change import OrderChange
from gateway.notifications.order_status import MfnOrderStatusChange, OrderStatusChange
from gateway.notifications.pricing_health import MerchantOffer, PricingHealth
from gateway.notifications.processing_finished import (
    DataKioskQueryProcessingFinished,
    FeedProcessingFinished,
    ReportProcessingFinished,
)
from gateway.notifications.shipment_tracking import (
    Milestone,
    ShipmentTrackingMilestoneChanged,
)
from gateway.notifications.tax_invoices import (
    TaxInvoiceExportStatusChange,
    TaxInvoiceIssuanceStatus,
)
from gateway.notifications.transaction_update import TransactionUpdate

__all__ = [
    "AccountStatusChanged",
    "AnyOfferChanged",
    "ApplicationOAuthClientNewSecret",
    "ApplicationOAuthClientSecretExpiry",
    "B2bAnyOfferChanged",
    "BrandedItemContentChange",
    "DataKioskQueryProcessingFinished",
    "DetailPageTrafficEvent",
    "ExternalFulfillmentShipmentStatusChange",
    "FbaInventoryAvailabilityChanges",
    "FbaOutboundShipmentStatus",
    "FeePromotion",
    "FeedProcessingFinished",
    "FulfillmentOrderStatus",
    "ItemInventoryEventChange",
    "ItemProductTypeChange",
    "ItemSalesEventChange",
    "ListingsItemIssuesChange",
    "ListingsItemMfnQuantityChange",
    "ListingsItemStatusChange",
    "MarketplaceInventory",
    "MerchantOffer",
    "MfnOrderStatusChange",
    "Milestone",
    "Money",
    "NeededId",
    "OfferChanged",
    "OfferPrice",
    "OrderChange",
    "OrderStatusChange",
    "PayloadModel",
    "PayloadPart",
    "PricingHealth",
    "ProductTypeDefinitionsChange",
    "ReportProcessingFinished",
    "ShipmentTrackingMilestoneChanged",
    "TaxInvoiceExportStatusChange",
    "TaxInvoiceIssuanceStatus",
    "Time",
    "TransactionUpdate",
]
