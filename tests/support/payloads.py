"""A payload of every notification type, written for the tests, with what must be read from it.

The casing of keys is the type's own; ids are invented.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.bodies import camel, notification

SELLER = "A3SELLERTEST01"
ACCOUNT = f"amzn1.merchant.o.{SELLER}"
VENDOR = "amzn1.vg.4242"
GERMANY, USA = "A1PA6795UKMFR9", "ATVPDKIKX0DER"
ORDER, ASIN, SKU = "303-7654321-1234567", "B0TESTMUG1", "MUG-BLUE"
AT = "2026-03-01T10:00:00.500Z"
HOUR = {"startTime": "2026-03-01T08:00:00Z", "endTime": "2026-03-01T09:00:00Z"}
EUROS = {"Amount": 19.99, "CurrencyCode": "EUR"}
DOLLARS = {"amount": 24.5, "currencyCode": "USD"}


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One payload.

    Attributes:
        pascal: Whether the envelope is in PascalCase.
        ids: What the normaliser must find; None for what isn't there.
        read: Dotted paths of fields → values in their JSON form.
    """

    type: str
    payload: Mapping[str, Any]
    version: str = "1.0"
    pascal: bool = True
    ids: Mapping[str, Any] = field(default_factory=dict)
    read: Mapping[str, Any] = field(default_factory=dict)
    variant: str = ""

    def __str__(self) -> str:
        return "-".join(filter(None, (self.type, self.version, self.variant)))


def _ids(**given: Any) -> dict[str, Any]:
    none = dict.fromkeys(("seller_id", "marketplace_id", "order_id", "asin", "sku"))
    return {**none, **given}


def _price(**more: Any) -> dict[str, Any]:
    return {
        "Condition": "new",
        "LandedPrice": EUROS,
        "ListingPrice": EUROS,
        "Shipping": {"Amount": 0.0, "CurrencyCode": "EUR"},
        **more,
    }


def _offers(b2b: bool) -> dict[str, Any]:
    count = {"Condition": "new", "FulfillmentChannel": "Amazon", "OfferCount": 4}
    more = {"OfferType": "B2B", "QuantityTier": 5, "DiscountType": "Quantity Discount"}
    trigger = {
        "MarketplaceId": GERMANY,
        "ASIN": ASIN,
        "ItemCondition": "new",
        "TimeOfOfferChange": AT,
    }
    summary: dict[str, Any] = {
        "NumberOfOffers": [count],
        "LowestPrices": [_price(FulfillmentChannel="Amazon", **(more if b2b else {}))],
        "BuyBoxPrices": [_price(Points={"PointsNumber": 3}, **(more if b2b else {}))],
    }
    if b2b:
        summary["BuyBoxEligibleOffers"] = [count]
        summary["BuyBoxPrices"][0]["SellerId"] = "A3RIVALTEST001"
    else:
        trigger["OfferChangeType"] = "Internal"
        summary |= {
            "NumberOfBuyBoxEligibleOffers": [count],
            "ListPrice": EUROS,
            "MinimumAdvertisedPrice": EUROS,
            "SuggestedLowerPricePlusShipping": EUROS,
            "CompetitivePriceThreshold": EUROS,
            "TotalBuyBoxEligibleOffers": 4,
            "SalesRankings": [{"ProductCategoryId": "kitchen", "Rank": 17}],
        }
    offers = [
        {
            "SellerId": seller,
            "SubCondition": "new",
            "ListingPrice": EUROS,
            "Shipping": EUROS,
            "IsFulfilledByAmazon": True,
            "IsBuyBoxWinner": winner,
            "IsFeaturedMerchant": True,
        }
        for seller, winner in (("A3RIVALTEST001", True), (SELLER, False))
    ]
    return {
        "SellerId": SELLER,
        "OfferChangeTrigger": trigger,
        "Summary": summary,
        "Offers": offers,
    }


_OFFER_IDS = _ids(seller_id=SELLER, marketplace_id=GERMANY, asin=ASIN)
_OFFER_READ = {
    "offer_change_trigger.asin": ASIN,
    "summary.lowest_prices.0.landed_price.amount": "19.99",
    "summary.buy_box_prices.0.points.points_number": 3,
    "offers.1.seller_id": SELLER,
    "offers.0.is_buy_box_winner": True,
}
_FEE = {
    "FeeType": "ReferralFee",
    "FeeAmount": EUROS,
    "TaxAmount": EUROS,
    "FeePromotion": EUROS,
    "FinalFee": EUROS,
}


def _finished(kind: str, vendor: bool, **more: Any) -> dict[str, Any]:
    whose = {"accountId": VENDOR} if vendor else {"sellerId": SELLER, "accountId": ACCOUNT}
    return {f"{kind}ProcessingFinishedNotification": {**whose, "processingStatus": "DONE", **more}}


def _listing(**more: Any) -> dict[str, Any]:
    return {"SellerId": SELLER, "MarketplaceId": GERMANY, "Asin": ASIN, "Sku": SKU, **more}


_LISTING_IDS = _ids(seller_id=SELLER, marketplace_id=GERMANY, asin=ASIN, sku=SKU)


def _order_status(**more: Any) -> dict[str, Any]:
    return {
        "SellerId": SELLER,
        "MarketplaceId": GERMANY,
        "AmazonOrderId": ORDER,
        "PurchaseDate": 1772359200500,
        "OrderStatus": "Unshipped",
        "DestinationPostalCode": "10115",
        "SupplySourceId": None,
        "OrderItemId": "60000000000001",
        "SellerSKU": SKU,
        "Quantity": 2,
        **more,
    }


_ORDER_IDS = _ids(seller_id=SELLER, marketplace_id=GERMANY, order_id=ORDER, sku=SKU)

SAMPLES = (
    Sample(
        type="ACCOUNT_STATUS_CHANGED",
        version="2021-01-01",
        pascal=False,
        payload={
            "accountStatusChangeNotification": {
                "previousAccountStatus": "NORMAL",
                "currentAccountStatus": "AT_RISK",
            }
        },
        ids=_ids(),
        read={"previous_account_status": "NORMAL", "current_account_status": "AT_RISK"},
    ),
    Sample(
        type="ANY_OFFER_CHANGED",
        payload={"AnyOfferChangedNotification": _offers(b2b=False)},
        ids=_OFFER_IDS,
        read=_OFFER_READ,
    ),
    Sample(
        type="B2B_ANY_OFFER_CHANGED",
        payload={"B2BAnyOfferChangedNotification": _offers(b2b=True)},
        ids=_OFFER_IDS,
        read={**_OFFER_READ, "summary.lowest_prices.0.quantity_tier": 5},
    ),
    Sample(
        type="BRANDED_ITEM_CONTENT_CHANGE",
        payload={
            "MarketplaceId": GERMANY,
            "BrandName": "Mugly",
            "Asin": ASIN,
            "AttributesChanged": ["bullet_point", "images"],
        },
        ids=_ids(marketplace_id=GERMANY, asin=ASIN),
        read={"brand_name": "Mugly", "attributes_changed": ["bullet_point", "images"]},
    ),
    Sample(
        type="DATA_KIOSK_QUERY_PROCESSING_FINISHED",
        version="2023-11-15",
        pascal=False,
        payload={
            "accountId": ACCOUNT,
            "queryId": "54321019001",
            "query": "{ salesAndTraffic { x } }",
            "processingStatus": "DONE",
            "dataDocumentId": "amzn1.tortuga.3.test",
            "errorDocumentId": None,
            "pagination": {"nextToken": "page-2"},
        },
        ids=_ids(seller_id=SELLER),
        read={"query_id": "54321019001", "pagination.next_token": "page-2"},
    ),
    Sample(
        type="DETAIL_PAGE_TRAFFIC_EVENT",
        version="2020-09-04",
        pascal=False,
        payload={
            "detailPageTrafficEvents": [
                {"accountId": ACCOUNT, "marketplaceId": USA, "asin": asin, "glanceViews": n, **HOUR}
                for n, asin in enumerate((ASIN, "B0TESTMUG2"))
            ]
        },
        ids=_ids(seller_id=SELLER, marketplace_id=USA),
        read={"detail_page_traffic_events.1.glance_views": 1},
    ),
    Sample(
        type="EXTERNAL_FULFILLMENT_SHIPMENT_STATUS_CHANGE",
        pascal=False,
        payload={
            "externalFulfillmentShipmentNotification": {
                "merchantId": SELLER,
                "locationId": "store-7",
                "channelName": "FBA",
                "shipmentId": "0a1b2c3d",
                "shipmentStatus": "ACCEPTED",
            }
        },
        ids=_ids(seller_id=SELLER),
        read={"shipment_id": "0a1b2c3d", "shipment_status": "ACCEPTED", "location_id": "store-7"},
    ),
    Sample(
        type="FBA_INVENTORY_AVAILABILITY_CHANGES",
        payload={
            "SellerId": SELLER,
            "FNSKU": "X00TEST001",
            "ASIN": ASIN,
            "SKU": SKU,
            "FulfillmentInventoryByMarketplace": [
                {
                    "MarketplaceId": GERMANY,
                    "ItemName": "Mug",
                    "FulfillmentInventory": {
                        "Fulfillable": 12,
                        "Unfulfillable": 1,
                        "Researching": 0,
                        "InboundQuantityBreakdown": {"Working": 1, "Shipped": 2, "Receiving": 3},
                        "ReservedQuantityBreakdown": {
                            "WarehouseProcessing": 4,
                            "WarehouseTransfer": 5,
                            "PendingCustomerOrder": 6,
                        },
                        "FutureSupplyBuyable": 7,
                        "PendingCustomerOrderInTransit": 8,
                    },
                    "Stores": [],
                }
            ],
        },
        ids=_ids(seller_id=SELLER, asin=ASIN, sku=SKU),
        read={
            "fnsku": "X00TEST001",
            "fulfillment_inventory_by_marketplace.0.fulfillment_inventory.fulfillable": 12,
            "fulfillment_inventory_by_marketplace.0.fulfillment_inventory"
            ".inbound_quantity_breakdown.receiving": 3,
        },
    ),
    Sample(
        type="FBA_OUTBOUND_SHIPMENT_STATUS",
        payload={
            "FBAOutboundShipmentStatusNotification": {
                "SellerId": SELLER,
                "AmazonOrderId": ORDER,
                "AmazonShipmentId": "D1TEST",
                "ShipmentStatus": "Created",
            }
        },
        ids=_ids(seller_id=SELLER, order_id=ORDER),
        read={"amazon_shipment_id": "D1TEST", "shipment_status": "Created"},
    ),
    Sample(
        type="FEE_PROMOTION",
        payload={
            "FeePromotionNotification": {
                "MerchantId": SELLER,
                "MarketplaceId": GERMANY,
                "FeePromotionType": "NEW_SELECTION",
                "FeePromotionTypeDescription": "New selection",
                "PromotionActiveTimeRange": {
                    "EffectiveFromDate": AT,
                    "EffectiveThroughDate": "2026-06-01T00:00:00Z",
                },
                "Identifiers": [
                    {
                        "IdentifierType": "ASIN",
                        "IdentifierValues": [
                            {
                                "IdentifierValueId": ASIN,
                                "IdentifierValueFriendlyName": "Mug",
                            }
                        ],
                    }
                ],
                "PromotionInformation": [
                    {
                        "FeeType": "ReferralFee",
                        "FeeDiscountType": "PERCENT",
                        "FeeDiscountValue": 12.5,
                        "PriceThreshold": EUROS,
                        "FeeDiscountMonetaryAmount": EUROS,
                        "FeesEstimate": {
                            "TimeOfFeesEstimated": AT,
                            "TotalFeesEstimate": EUROS,
                            "FeeDetails": [{**_FEE, "IncludedFees": [_FEE]}],
                        },
                    }
                ],
            }
        },
        ids=_ids(seller_id=SELLER, marketplace_id=GERMANY),
        read={
            "merchant_id": SELLER,
            "promotion_information.0.fee_discount_value": "12.5",
            "promotion_information.0.fees_estimate.fee_details.0.included_fees.0.fee_type": (
                "ReferralFee"
            ),
            "identifiers.0.identifier_values.0.identifier_value_id": ASIN,
        },
    ),
    *(
        Sample(
            type="FEED_PROCESSING_FINISHED",
            version=version,
            pascal=False,
            payload=_finished(
                "feed",
                vendor,
                feedId="30001",
                feedType="JSON_LISTINGS_FEED",
                resultFeedDocumentId="amzn1.tortuga.4.test",
            ),
            ids=_ids(seller_id=VENDOR if vendor else SELLER),
            read={"feed_id": "30001", "result_feed_document_id": "amzn1.tortuga.4.test"},
        )
        for version, vendor in (("2020-09-04", False), ("1.0", True))
    ),
    Sample(
        type="FULFILLMENT_ORDER_STATUS",
        payload={
            "FulfillmentOrderStatusNotification": {
                "SellerId": SELLER,
                "EventType": "Shipment",
                "StatusUpdatedDateTime": AT,
                "SellerFulfillmentOrderId": "WEB-77",
                "FulfillmentOrderStatus": "PROCESSING",
                "FulfillmentShipment": {
                    "FulfillmentShipmentStatus": "SHIPPED",
                    "AmazonShipmentId": "D2TEST",
                    "EstimatedArrivalDateTime": AT,
                    "FulfillmentShipmentPackages": [
                        {"PackageNumber": 9, "CarrierCode": "DHL", "TrackingNumber": "T-1"}
                    ],
                },
                "FulfillmentReturnItem": {
                    "ReceivedDateTime": AT,
                    "ReturnedQuantity": 1,
                    "SellerSKU": SKU,
                },
            }
        },
        ids=_ids(seller_id=SELLER, sku=SKU),
        read={
            "seller_fulfillment_order_id": "WEB-77",
            "fulfillment_shipment.fulfillment_shipment_packages.0.tracking_number": "T-1",
            "fulfillment_return_item.returned_quantity": 1,
        },
    ),
    Sample(
        type="ITEM_INVENTORY_EVENT_CHANGE",
        version="2020-09-04",
        pascal=False,
        payload={
            "itemInventoryEventChanges": [
                {
                    "accountId": VENDOR,
                    "marketplaceId": USA,
                    "asin": ASIN,
                    "highlyAvailableInventory": 8,
                    **HOUR,
                }
            ]
        },
        ids=_ids(seller_id=VENDOR, marketplace_id=USA, asin=ASIN),
        read={"item_inventory_event_changes.0.highly_available_inventory": 8},
    ),
    Sample(
        type="ITEM_PRODUCT_TYPE_CHANGE",
        payload={
            "MarketplaceId": GERMANY,
            "Asin": ASIN,
            "PreviousProductType": "CUP",
            "CurrentProductType": "DRINKING_CUP",
        },
        ids=_ids(marketplace_id=GERMANY, asin=ASIN),
        read={"previous_product_type": "CUP", "current_product_type": "DRINKING_CUP"},
    ),
    Sample(
        type="ITEM_SALES_EVENT_CHANGE",
        version="2020-09-04",
        pascal=False,
        payload={
            "itemSalesEventChanges": [
                {
                    "accountId": ACCOUNT,
                    "marketplaceId": USA,
                    "asin": ASIN,
                    "currencyCode": "USD",
                    "orderedUnits": 3,
                    "orderedRevenue": 73.5,
                    **HOUR,
                }
            ]
        },
        ids=_ids(seller_id=SELLER, marketplace_id=USA, asin=ASIN),
        read={
            "item_sales_event_changes.0.ordered_units": 3,
            "item_sales_event_changes.0.ordered_revenue": "73.5",
        },
    ),
    Sample(
        type="LISTINGS_ITEM_STATUS_CHANGE",
        payload=_listing(CreatedDate=AT, Status=["BUYABLE", "DISCOVERABLE"]),
        ids=_LISTING_IDS,
        read={"status": ["BUYABLE", "DISCOVERABLE"], "sku": SKU},
    ),
    *(
        Sample(
            type="LISTINGS_ITEM_ISSUES_CHANGE",
            version=version,
            payload=_listing(Severities=["ERROR"], EnforcementActions=["SEARCH_SUPPRESSED"]),
            ids=_LISTING_IDS,
            read={"severities": ["ERROR"], "enforcement_actions": ["SEARCH_SUPPRESSED"]},
        )
        for version in ("2023-12-13", "1.0")
    ),
    Sample(
        type="LISTINGS_ITEM_MFN_QUANTITY_CHANGE",
        payload={
            "SellerId": SELLER,
            "FulfillmentChannelCode": "DEFAULT",
            "Sku": SKU,
            "Quantity": 41,
        },
        ids=_ids(seller_id=SELLER, sku=SKU),
        read={"quantity": 41, "fulfillment_channel_code": "DEFAULT"},
    ),
    Sample(
        type="ORDER_CHANGE",
        payload={
            "OrderChangeNotification": {
                "NotificationLevel": "OrderLevel",
                "SellerId": SELLER,
                "AmazonOrderId": ORDER,
                "OrderChangeType": "OrderStatusChange",
                "OrderChangeTrigger": {"TimeOfOrderChange": AT, "ChangeReason": "Shipment"},
                "Summary": {
                    "MarketplaceId": GERMANY,
                    "OrderStatus": "Shipped",
                    "PurchaseDate": None,
                    "DestinationPostalCode": "10115",
                    "FulfillmentType": "MFN",
                    "OrderType": "StandardOrder",
                    "NumberOfItemsShipped": 3,
                    "NumberOfItemsUnshipped": 0,
                    "EarliestDeliveryDate": AT,
                    "LatestDeliveryDate": AT,
                    "EarliestShipDate": AT,
                    "LatestShipDate": AT,
                    "CancelNotifyDate": AT,
                    "OrderPrograms": ["Business"],
                    "ShippingPrograms": ["EasyShip"],
                    "EasyShipShipmentStatus": "PickedUp",
                    "ElectronicInvoiceStatus": "Accepted",
                    "OrderItems": [
                        {
                            "OrderItemId": "60000000000001",
                            "SellerSKU": SKU,
                            "SupplySourceId": None,
                            "OrderItemStatus": "Shipped",
                            "Quantity": 3,
                            "QuantityShipped": 3,
                            "IsBuyerRequestedCancel": False,
                            "ItemEarliestDeliveryDate": AT,
                            "ItemLatestDeliveryDate": AT,
                        }
                    ],
                },
            }
        },
        ids=_ORDER_IDS,
        read={
            "amazon_order_id": ORDER,
            "summary.order_items.0.seller_sku": SKU,
            "order_change_trigger.change_reason": "Shipment",
        },
    ),
    Sample(
        type="PRICING_HEALTH",
        pascal=False,
        payload={
            "issueType": "BuyBoxDisqualification",
            "sellerId": SELLER,
            "offerChangeTrigger": {
                "marketplaceId": USA,
                "asin": ASIN,
                "itemCondition": "new",
                "timeOfOfferChange": AT,
            },
            "merchantOffer": {
                "condition": "new",
                "fulfillmentType": "MFN",
                "listingPrice": DOLLARS,
                "shipping": DOLLARS,
                "landedPrice": DOLLARS,
                "points": {"pointsNumber": 2},
            },
            "summary": {
                "numberOfOffers": [{"condition": "new", "fulfillmentType": "MFN", "offerCount": 3}],
                "buyBoxEligibleOffers": [
                    {"condition": "new", "fulfillmentType": "MFN", "offerCount": 1}
                ],
                "buyBoxPrices": [
                    {
                        "condition": "new",
                        "listingPrice": DOLLARS,
                        "shipping": DOLLARS,
                        "landedPrice": DOLLARS,
                    }
                ],
                "salesRankings": [{"productCategoryId": "kitchen", "rank": 17}],
                "referencePrice": {
                    "averageSellingPrice": DOLLARS,
                    "competitivePriceThreshold": DOLLARS,
                    "msrpPrice": DOLLARS,
                    "retailOfferPrice": DOLLARS,
                },
            },
        },
        ids=_ids(seller_id=SELLER, marketplace_id=USA, asin=ASIN),
        read={
            "merchant_offer.landed_price.amount": "24.5",
            "summary.reference_price.msrp_price.currency_code": "USD",
        },
    ),
    Sample(
        type="PRODUCT_TYPE_DEFINITIONS_CHANGE",
        payload={
            "AccountId": SELLER,
            "MarketplaceId": GERMANY,
            "ProductTypeVersion": "UTEST=",
            "NewProductTypes": ["DRINKING_CUP"],
        },
        ids=_ids(seller_id=SELLER, marketplace_id=GERMANY),
        read={"product_type_version": "UTEST=", "new_product_types": ["DRINKING_CUP"]},
    ),
    *(
        Sample(
            type="REPORT_PROCESSING_FINISHED",
            version=version,
            pascal=False,
            payload=_finished(
                "report",
                vendor,
                reportId="700001",
                reportType="GET_MERCHANT_LISTINGS_ALL_DATA",
                reportDocumentId="amzn1.spdoc.1.test",
            ),
            ids=_ids(seller_id=VENDOR if vendor else SELLER),
            read={"report_id": "700001", "report_document_id": "amzn1.spdoc.1.test"},
        )
        for version, vendor in (("1.0", False), ("2020-09-04", True))
    ),
    Sample(
        type="SHIPMENT_TRACKING_MILESTONE_CHANGED",
        version="2026-01-30",
        pascal=False,
        payload={
            "shipmentTrackingMilestoneChangedNotification": {
                "trackingDetail": {
                    "identifier": {
                        "aftn": "AFTN1",
                        "carrierTracking": {"trackingNumber": "T-1", "carrierCode": "UPS"},
                    },
                    "latestMilestone": {
                        "status": {"code": "DELIVERED", "subCode": "PORCH", "description": "There"},
                        "location": {
                            "address": {"city": "Austin", "region": "Texas", "countryCode": "US"}
                        },
                        "occurredAt": AT,
                    },
                    "milestoneHistory": [{"status": {"code": "SHIPPED"}, "occurredAt": AT}],
                    "trackingEstimates": [
                        {
                            "type": "ESTIMATED_DELIVERY_DATE",
                            "estimatedInterval": {"startTime": AT, "endTime": AT},
                            "lastUpdatedTime": AT,
                        }
                    ],
                    "trackingUrl": "https://track.example/AFTN1",
                }
            }
        },
        ids=_ids(),
        read={
            "tracking_detail.identifier.aftn": "AFTN1",
            "tracking_detail.latest_milestone.status.sub_code": "PORCH",
        },
    ),
    Sample(
        type="TRANSACTION_UPDATE",
        payload={
            "TransactionUpdateNotification": {
                "SellingPartnerMetadata": {
                    "SellingPartnerId": SELLER,
                    "MarketplaceId": GERMANY,
                    "AccountType": "Standard Orders",
                },
                "RelatedIdentifiers": [
                    {
                        "RelatedIdentifierName": "FinancialEventGroupId",
                        "RelatedIdentifierValue": "group-1",
                    },
                    {"RelatedIdentifierName": "OrderId", "RelatedIdentifierValue": ORDER},
                ],
                "TransactionType": "Shipment",
                "PostedDate": AT,
                "TotalAmount": {"CurrencyAmount": 19.99, "CurrencyCode": "EUR"},
            }
        },
        ids=_ids(seller_id=SELLER, marketplace_id=GERMANY, order_id=ORDER),
        read={
            "total_amount.currency_amount": "19.99",
            "related_identifiers.1.related_identifier_value": ORDER,
        },
    ),
    Sample(
        type="APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY",
        version="2023-11-30",
        pascal=False,
        payload={
            "applicationOAuthClientSecretExpiry": {
                "clientId": "amzn1.application-oa2-client.test",
                "clientSecretExpiryTime": AT,
                "clientSecretExpiryReason": "PERIODIC_ROTATION",
            }
        },
        ids=_ids(),
        read={"client_secret_expiry_reason": "PERIODIC_ROTATION"},
    ),
    Sample(
        type="APPLICATION_OAUTH_CLIENT_NEW_SECRET",
        version="2023-11-30",
        pascal=False,
        payload={
            "applicationOAuthClientNewSecret": {
                "clientId": "amzn1.application-oa2-client.test",
                "newClientSecret": "amzn1.oa2-cs.v1.hunter2",
                "newClientSecretExpiryTime": AT,
                "oldClientSecretExpiryTime": AT,
            }
        },
        ids=_ids(),
        read={"client_id": "amzn1.application-oa2-client.test", "new_client_secret": "**********"},
    ),
    Sample(
        type="TAX_INVOICE_EXPORT_STATUS_CHANGE",
        pascal=False,
        payload={"marketplaceId": "A2Q3Y263D00KWC", "exportId": "exp-1", "status": "DONE"},
        ids=_ids(marketplace_id="A2Q3Y263D00KWC"),
        read={"export_id": "exp-1", "status": "DONE"},
    ),
    Sample(
        type="TAX_INVOICE_ISSUANCE_STATUS",
        pascal=False,
        payload={
            "marketplaceId": "A2Q3Y263D00KWC",
            "invoiceId": "inv-1",
            "date": AT,
            "orderId": ORDER,
            "status": "ERROR",
            "error": {"errorCode": "REJECTED", "govResponse": "539"},
        },
        ids=_ids(marketplace_id="A2Q3Y263D00KWC", order_id=ORDER),
        read={"invoice_id": "inv-1", "error.gov_response": "539"},
    ),
    Sample(
        type="ORDER_STATUS_CHANGE",
        payload={"OrderStatusChangeNotification": _order_status(FulfillmentChannel="MFN")},
        ids=_ORDER_IDS,
        read={"purchase_date": "2026-03-01T10:00:00.500000Z", "fulfillment_channel": "MFN"},
    ),
    *(
        Sample(
            type="MFN_ORDER_STATUS_CHANGE",
            payload={wrapper: _order_status()},
            ids=_ORDER_IDS,
            read={"amazon_order_id": ORDER, "quantity": 2},
            variant=wrapper,
        )
        for wrapper in ("MFNOrderStatusChangeNotification", "MFNOrderNotification")
    ),
)
"""At least one for each type with a model."""


def whole(sample: Sample, payload: Any = None) -> dict[str, Any]:
    """The whole notification about a sample, in the casing that its type has."""
    body = notification(
        sample.type, sample.payload if payload is None else payload, PayloadVersion=sample.version
    )
    return body if sample.pascal else {**camel(body), "payload": body["Payload"]}
