"""The payload of each notification type, in the casing and shape that the type has.

Casing is per type: some payloads and their envelopes are written in PascalCase, some in camelCase.
Source: Amazon's page "Notification Type Values" and the public schemas; the values are invented.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from gateway.clock import rfc3339

_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a notification is about; a type takes from it what it needs."""

    seller_id: str
    at_ms: int
    marketplace_id: str = "ATVPDKIKX0DER"
    order_id: str = "902-0000000-0000000"
    order_status: str = "Unshipped"
    asin: str = "B000SIMUL8"
    sku: str = "SKU-0001"
    report_id: str = "100000020000"
    feed_id: str = "200000020000"
    query_id: str = "300000020000"
    processing_status: str = "DONE"
    document_id: str = "amzn1.spdoc.1.4.na.00000000-0000-4000-8000-000000000000"
    client_id: str = "amzn1.application-oa2-client.00000000000000000000000000000001"
    client_secret: str = "amzn1.oa2-cs.v1.simulator-0002"  # noqa: S105 opens nothing

    @property
    def at(self) -> str:
        """When it happened."""
        return rfc3339(self.at_ms)

    @property
    def account_id(self) -> str:
        """The seller as account-wide types name it."""
        return f"amzn1.merchant.o.{self.seller_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What is fixed about a notification type.

    Attributes:
        pascal: Whether the envelope is in PascalCase rather than camelCase.
        event_bridge: Whether it comes through EventBridge rather than straight to SQS.
    """

    pascal: bool
    payload: Callable[[Subject], Mapping[str, Any]]
    event_bridge: bool = False
    version: str = "1.0"
    payload_version: str = "1.0"


def _order_change(about: Subject) -> Mapping[str, Any]:
    return {
        "OrderChangeNotification": {
            "NotificationLevel": "OrderLevel",
            "SellerId": about.seller_id,
            "AmazonOrderId": about.order_id,
            "OrderChangeType": "OrderStatusChange",
            "OrderChangeTrigger": {"TimeOfOrderChange": about.at, "ChangeReason": None},
            "Summary": {
                "MarketplaceId": about.marketplace_id,
                "OrderStatus": about.order_status,
                "PurchaseDate": rfc3339(about.at_ms - _HOUR_MS),
                "DestinationPostalCode": None,
                "FulfillmentType": "MFN",
                "OrderType": "StandardOrder",
                "NumberOfItemsShipped": 0,
                "NumberOfItemsUnshipped": 1,
                "OrderPrograms": [],
                "ShippingPrograms": [],
                "OrderItems": [
                    {
                        "OrderItemId": f"{about.order_id.replace('-', '')}01",
                        "SellerSKU": about.sku,
                        "OrderItemStatus": about.order_status,
                        "Quantity": 1,
                        "QuantityShipped": 0,
                    }
                ],
            },
        }
    }


def _any_offer_changed(about: Subject) -> Mapping[str, Any]:
    price = {"Amount": 19.99, "CurrencyCode": "USD"}
    free = {"Amount": 0.0, "CurrencyCode": "USD"}
    channel = {"Condition": "new", "FulfillmentChannel": "Merchant"}
    return {
        "AnyOfferChangedNotification": {
            "SellerId": about.seller_id,
            "OfferChangeTrigger": {
                "MarketplaceId": about.marketplace_id,
                "ASIN": about.asin,
                "ItemCondition": "new",
                "TimeOfOfferChange": about.at,
                "OfferChangeType": "External",
            },
            "Summary": {
                "NumberOfOffers": [{**channel, "OfferCount": 2}],
                "NumberOfBuyBoxEligibleOffers": [{**channel, "OfferCount": 2}],
                "LowestPrices": [
                    {**channel, "LandedPrice": price, "ListingPrice": price, "Shipping": free}
                ],
            },
            "Offers": [
                {
                    "SellerId": about.seller_id,
                    "SubCondition": "new",
                    "ListingPrice": price,
                    "Shipping": free,
                    "IsFulfilledByAmazon": False,
                    "ShipsDomestically": True,
                }
            ],
        }
    }


def _report_finished(about: Subject) -> Mapping[str, Any]:
    return {
        "reportProcessingFinishedNotification": {
            "sellerId": about.seller_id,
            "accountId": about.account_id,
            "reportId": about.report_id,
            "reportType": "GET_MERCHANT_LISTINGS_ALL_DATA",
            "processingStatus": about.processing_status,
            "reportDocumentId": about.document_id,
        }
    }


def _feed_finished(about: Subject) -> Mapping[str, Any]:
    return {
        "feedProcessingFinishedNotification": {
            "sellerId": about.seller_id,
            "accountId": about.account_id,
            "feedId": about.feed_id,
            "feedType": "JSON_LISTINGS_FEED",
            "processingStatus": about.processing_status,
            "resultFeedDocumentId": about.document_id,
        }
    }


def _query_finished(about: Subject) -> Mapping[str, Any]:
    return {
        "accountId": about.account_id,
        "queryId": about.query_id,
        "query": "query { sample }",
        "processingStatus": about.processing_status,
        "dataDocumentId": about.document_id,
    }


def _account_status_changed(_about: Subject) -> Mapping[str, Any]:
    # The payload names no seller: it is known by the subscription alone.
    return {
        "accountStatusChangeNotification": {
            "previousAccountStatus": "NORMAL",
            "currentAccountStatus": "AT_RISK",
        }
    }


def _inventory_availability(about: Subject) -> Mapping[str, Any]:
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
                    "ReservedQuantityBreakdown": {"CustomerOrder": 1, "Transfer": 0},
                    "Unfulfillable": 0,
                },
                "Stores": [],
            }
        ],
    }


def _pricing_health(about: Subject) -> Mapping[str, Any]:
    price = {"amount": 24.99, "currencyCode": "USD"}
    free = {"amount": 0.0, "currencyCode": "USD"}
    return {
        "issueType": "BuyBoxDisqualification",
        "sellerId": about.seller_id,
        "offerChangeTrigger": {
            "marketplaceId": about.marketplace_id,
            "asin": about.asin,
            "itemCondition": "new",
            "timeOfOfferChange": about.at,
        },
        "merchantOffer": {
            "condition": "new",
            "fulfillmentType": "MFN",
            "listingPrice": price,
            "shipping": free,
            "landedPrice": price,
        },
        "summary": {"numberOfOffers": [], "buyBoxEligibleOffers": []},
    }


def _listing_status(about: Subject) -> Mapping[str, Any]:
    return {
        "SellerId": about.seller_id,
        "MarketplaceId": about.marketplace_id,
        "Asin": about.asin,
        "Sku": about.sku,
        "CreatedDate": rfc3339(about.at_ms - _HOUR_MS),
        "Status": ["BUYABLE", "DISCOVERABLE"],
    }


def _listing_issues(about: Subject) -> Mapping[str, Any]:
    return {
        "SellerId": about.seller_id,
        "MarketplaceId": about.marketplace_id,
        "Asin": about.asin,
        "Sku": about.sku,
        "Severities": ["WARNING"],
        "EnforcementActions": [],
    }


def _transaction_update(about: Subject) -> Mapping[str, Any]:
    return {
        "TransactionUpdateNotification": {
            "SellingPartnerMetadata": {
                "SellingPartnerId": about.seller_id,
                "MarketplaceId": about.marketplace_id,
                "AccountType": "Standard Orders",
            },
            "RelatedIdentifiers": [
                {"RelatedIdentifierName": "OrderId", "RelatedIdentifierValue": about.order_id}
            ],
            "TransactionType": "Shipment",
            "PostedDate": about.at,
            "TotalAmount": {"CurrencyAmount": 19.99, "CurrencyCode": "USD"},
        }
    }


def _traffic(about: Subject) -> Mapping[str, Any]:
    row = {
        "accountId": about.account_id,
        "marketplaceId": about.marketplace_id,
        "startTime": rfc3339(about.at_ms - 2 * _HOUR_MS),
        "endTime": rfc3339(about.at_ms - _HOUR_MS),
        "asin": about.asin,
        "glanceViews": 17,
    }
    return {"detailPageTrafficEvents": [row]}


def _new_secret(about: Subject) -> Mapping[str, Any]:
    return {
        "applicationOAuthClientNewSecret": {
            "clientId": about.client_id,
            "newClientSecret": about.client_secret,
            "newClientSecretExpiryTime": rfc3339(about.at_ms + 180 * 24 * _HOUR_MS),
            "oldClientSecretExpiryTime": rfc3339(about.at_ms + 7 * 24 * _HOUR_MS),
        }
    }


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "ORDER_CHANGE": Kind(pascal=True, payload=_order_change),
        "ANY_OFFER_CHANGED": Kind(pascal=True, payload=_any_offer_changed),
        "FBA_INVENTORY_AVAILABILITY_CHANGES": Kind(pascal=True, payload=_inventory_availability),
        "TRANSACTION_UPDATE": Kind(pascal=True, payload=_transaction_update),
        "REPORT_PROCESSING_FINISHED": Kind(
            pascal=False, payload=_report_finished, version="2020-09-04"
        ),
        "FEED_PROCESSING_FINISHED": Kind(
            pascal=False, payload=_feed_finished, version="2020-09-04"
        ),
        "DATA_KIOSK_QUERY_PROCESSING_FINISHED": Kind(
            pascal=False, payload=_query_finished, payload_version="2023-11-15"
        ),
        "DETAIL_PAGE_TRAFFIC_EVENT": Kind(
            pascal=False, payload=_traffic, payload_version="2020-09-04"
        ),
        "ACCOUNT_STATUS_CHANGED": Kind(
            pascal=False, payload=_account_status_changed, payload_version="2021-01-01"
        ),
        "PRICING_HEALTH": Kind(pascal=False, payload=_pricing_health),
        "APPLICATION_OAUTH_CLIENT_NEW_SECRET": Kind(
            pascal=False, payload=_new_secret, payload_version="2023-11-30"
        ),
        "LISTINGS_ITEM_STATUS_CHANGE": Kind(
            pascal=True, payload=_listing_status, event_bridge=True
        ),
        "LISTINGS_ITEM_ISSUES_CHANGE": Kind(
            pascal=True,
            payload=_listing_issues,
            event_bridge=True,
            payload_version="2023-12-13",
        ),
    }
)
