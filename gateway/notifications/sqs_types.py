"""The types that Amazon sends straight to SQS, as data.

Source: Amazon's "Notification Type Values", "Set up notifications with Amazon SQS" and "… with
Amazon EventBridge", "Filter notification subscriptions", "Selling Partner API roles", and the
schemas of the models repository, state of 2026-08-05.
"""

from __future__ import annotations

from gateway.notifications import (
    account_status,
    fee_promotion,
    fulfillment,
    hourly,
    inventory,
    offers,
    order_change,
    pricing_health,
    processing_finished,
    transaction_update,
)
from gateway.notifications.kinds import Audience, EventFilter, NotificationType, Places

_BOTH = (Audience.SELLER, Audience.VENDOR)
_OFFER_CALLS = ("getCompetitiveSummary", "getFeaturedOfferExpectedPriceBatch", "getItemOffers")

SELLER_TYPES = (
    NotificationType(
        name="ACCOUNT_STATUS_CHANGED",
        payload_versions=("2021-01-01",),
        filter_expression=True,
        follow_up=("getMarketplaceParticipations", "getAccount"),
        model=account_status.AccountStatusChanged,
        note="Only the subscription says whose it is.",
    ),
    NotificationType(
        name="ANY_OFFER_CHANGED",
        filter_expression=True,
        event_filter=EventFilter.OPTIONAL,
        event_filter_fields=("marketplaceIds", "aggregationSettings"),
        places=Places(
            seller="AnyOfferChangedNotification.SellerId",
            marketplace="AnyOfferChangedNotification.OfferChangeTrigger.MarketplaceId",
            asin="AnyOfferChangedNotification.OfferChangeTrigger.ASIN",
        ),
        follow_up=_OFFER_CALLS,
        model=offers.AnyOfferChanged,
        note="With aggregation one notification stands for several changes.",
    ),
    NotificationType(
        name="B2B_ANY_OFFER_CHANGED",
        filter_expression=True,
        places=Places(
            seller="B2BAnyOfferChangedNotification.SellerId",
            marketplace="B2BAnyOfferChangedNotification.OfferChangeTrigger.MarketplaceId",
            asin="B2BAnyOfferChangedNotification.OfferChangeTrigger.ASIN",
        ),
        follow_up=_OFFER_CALLS,
        model=offers.B2bAnyOfferChanged,
        note="Was written in camelCase before 2026-02-25.",
    ),
    NotificationType(
        name="FBA_INVENTORY_AVAILABILITY_CHANGES",
        filter_expression=True,
        places=Places(
            seller="SellerId",
            marketplace="FulfillmentInventoryByMarketplace[].MarketplaceId",
            asin="ASIN",
            sku="SKU",
        ),
        follow_up=("getInventorySummaries",),
        model=inventory.FbaInventoryAvailabilityChanges,
        note="The whole state, not the difference.",
    ),
    NotificationType(
        name="FBA_OUTBOUND_SHIPMENT_STATUS",
        filter_expression=True,
        places=Places(
            seller="FBAOutboundShipmentStatusNotification.SellerId",
            order="FBAOutboundShipmentStatusNotification.AmazonOrderId",
        ),
        follow_up=("getShipmentDetails", "submitInvoice"),
        model=fulfillment.FbaOutboundShipmentStatus,
        note="FBA Onsite in Brazil only.",
    ),
    NotificationType(
        name="EXTERNAL_FULFILLMENT_SHIPMENT_STATUS_CHANGE",
        filter_expression=True,
        places=Places(seller="externalFulfillmentShipmentNotification.merchantId"),
        follow_up=("getShipment",),
        model=fulfillment.ExternalFulfillmentShipmentStatusChange,
        note="Amazon publishes no schema of it.",
    ),
    NotificationType(
        name="FEE_PROMOTION",
        filter_expression=True,
        places=Places(
            seller="FeePromotionNotification.MerchantId",
            marketplace="FeePromotionNotification.MarketplaceId",
        ),
        follow_up=("getMyFeesEstimates",),
        model=fee_promotion.FeePromotion,
        note="All promotions that run come at once on subscribing.",
    ),
    NotificationType(
        name="FULFILLMENT_ORDER_STATUS",
        filter_expression=True,
        places=Places(
            seller="FulfillmentOrderStatusNotification.SellerId",
            sku="FulfillmentOrderStatusNotification.FulfillmentReturnItem.SellerSKU",
        ),
        follow_up=("getFulfillmentOrder", "getPackageTrackingDetails"),
        model=fulfillment.FulfillmentOrderStatus,
        note="Known by the seller's own SellerFulfillmentOrderId.",
    ),
    NotificationType(
        name="ORDER_CHANGE",
        filter_expression=True,
        event_filter=EventFilter.REQUIRED,
        event_filter_fields=("orderChangeTypes",),
        places=Places(
            seller="OrderChangeNotification.SellerId",
            marketplace="OrderChangeNotification.Summary.MarketplaceId",
            order="OrderChangeNotification.AmazonOrderId",
            sku="OrderChangeNotification.Summary.OrderItems[].SellerSKU",
        ),
        follow_up=("getOrder", "getOrderItems"),
        model=order_change.OrderChange,
        note="Needs an event filter or a filter expression.",
    ),
    NotificationType(
        name="PRICING_HEALTH",
        filter_expression=True,
        places=Places(
            seller="sellerId",
            marketplace="offerChangeTrigger.marketplaceId",
            asin="offerChangeTrigger.asin",
        ),
        follow_up=("getFeaturedOfferExpectedPriceBatch",),
        model=pricing_health.PricingHealth,
    ),
    NotificationType(
        name="TRANSACTION_UPDATE",
        filter_expression=True,
        places=Places(
            seller="TransactionUpdateNotification.SellingPartnerMetadata.SellingPartnerId",
            marketplace="TransactionUpdateNotification.SellingPartnerMetadata.MarketplaceId",
            order="TransactionUpdateNotification.RelatedIdentifiers[Name=OrderId]",
        ),
        follow_up=("listTransactions",),
        model=transaction_update.TransactionUpdate,
        note="Carries no transaction id.",
    ),
)

DOCUMENT_TYPES = (
    NotificationType(
        name="DATA_KIOSK_QUERY_PROCESSING_FINISHED",
        payload_versions=("2023-11-15", "1.0"),
        audience=_BOTH,
        places=Places(
            seller="accountId", document=("queryId", "dataDocumentId", "errorDocumentId")
        ),
        follow_up=("getDocument", "createQuery"),
        model=processing_finished.DataKioskQueryProcessingFinished,
        note="DONE without a data document means that nothing was found.",
    ),
    NotificationType(
        name="FEED_PROCESSING_FINISHED",
        payload_versions=("1.0", "2020-09-04"),
        audience=_BOTH,
        filter_expression=True,
        places=Places(
            seller="feedProcessingFinishedNotification.sellerId",
            document=(
                "feedProcessingFinishedNotification.feedId",
                "feedProcessingFinishedNotification.resultFeedDocumentId",
            ),
        ),
        follow_up=("getFeed", "getFeedDocument"),
        model=processing_finished.FeedProcessingFinished,
        note="Vendors have an accountId in place of a sellerId.",
    ),
    NotificationType(
        name="REPORT_PROCESSING_FINISHED",
        payload_versions=("1.0", "2020-09-04"),
        audience=_BOTH,
        filter_expression=True,
        places=Places(
            seller="reportProcessingFinishedNotification.sellerId",
            document=(
                "reportProcessingFinishedNotification.reportId",
                "reportProcessingFinishedNotification.reportDocumentId",
            ),
        ),
        follow_up=("getReport", "getReportDocument"),
        model=processing_finished.ReportProcessingFinished,
        note="Comes for reports that others asked for too, and more than once for one report.",
    ),
)

HOURLY_TYPES = (
    NotificationType(
        name="DETAIL_PAGE_TRAFFIC_EVENT",
        payload_versions=("2020-09-04", "1.0"),
        audience=_BOTH,
        filter_expression=True,
        places=Places(
            seller="detailPageTrafficEvents[].accountId",
            marketplace="detailPageTrafficEvents[].marketplaceId",
            asin="detailPageTrafficEvents[].asin",
        ),
        model=hourly.DetailPageTrafficEvent,
        note="Rows of many items; several messages an hour, up to a day late.",
    ),
    NotificationType(
        name="ITEM_INVENTORY_EVENT_CHANGE",
        payload_versions=("2020-09-04", "1.0"),
        audience=_BOTH,
        filter_expression=True,
        places=Places(
            seller="itemInventoryEventChanges[].accountId",
            marketplace="itemInventoryEventChanges[].marketplaceId",
            asin="itemInventoryEventChanges[].asin",
        ),
        model=hourly.ItemInventoryEventChange,
        note="Rows of many items; several messages an hour, up to a day late.",
    ),
    NotificationType(
        name="ITEM_SALES_EVENT_CHANGE",
        payload_versions=("2020-09-04", "1.0"),
        audience=_BOTH,
        filter_expression=True,
        places=Places(
            seller="itemSalesEventChanges[].accountId",
            marketplace="itemSalesEventChanges[].marketplaceId",
            asin="itemSalesEventChanges[].asin",
        ),
        model=hourly.ItemSalesEventChange,
        note="Rows of many items; several messages an hour, up to a day late.",
    ),
)
