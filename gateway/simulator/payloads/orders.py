"""Payloads about orders, their money and how they are fulfilled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.clock import rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.simulator.payloads.subject import Subject

_HOUR_MS = 3_600_000


def order_change(about: Subject) -> Mapping[str, Any]:
    return {
        "OrderChangeNotification": {
            "NotificationLevel": "OrderLevel",
            "SellerId": about.seller_id,
            "AmazonOrderId": about.order_id,
            "OrderChangeType": about.order_change_type,
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


def transaction_update(about: Subject) -> Mapping[str, Any]:
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


def fulfillment_order_status(about: Subject) -> Mapping[str, Any]:
    return {
        "FulfillmentOrderStatusNotification": {
            "SellerId": about.seller_id,
            "EventType": "Shipment",
            "StatusUpdatedDateTime": about.at,
            "SellerFulfillmentOrderId": about.fulfillment_order_id,
            "FulfillmentOrderStatus": "Processing",
            "FulfillmentShipment": {
                "FulfillmentShipmentStatus": "Shipped",
                "AmazonShipmentId": "DSIMULATED1",
                "EstimatedArrivalDateTime": rfc3339(about.at_ms + 48 * _HOUR_MS),
                "FulfillmentShipmentPackages": [
                    {"PackageNumber": 1, "CarrierCode": "SAMPLE", "TrackingNumber": "SP0000000001"}
                ],
            },
        }
    }


def fba_outbound_shipment(about: Subject) -> Mapping[str, Any]:
    return {
        "FBAOutboundShipmentStatusNotification": {
            "SellerId": about.seller_id,
            "AmazonOrderId": about.order_id,
            "AmazonShipmentId": "DSIMULATED1",
            "ShipmentStatus": "Created",
        }
    }


def external_shipment(about: Subject) -> Mapping[str, Any]:
    return {
        "externalFulfillmentShipmentNotification": {
            "merchantId": about.seller_id,
            "locationId": "EXTERNAL-1",
            "channelName": "FBA",
            "shipmentId": "ESIMULATED1",
            "shipmentStatus": "CREATED",
        }
    }


def tracking_milestone(about: Subject) -> Mapping[str, Any]:
    # The payload names no seller: it is known by the subscription alone.
    milestone = {
        "status": {"code": "IN_TRANSIT", "subCode": "DEPARTED"},
        "location": {"address": {"countryCode": "US"}},
        "occurredAt": about.at,
    }
    return {
        "shipmentTrackingMilestoneChangedNotification": {
            "trackingDetail": {
                "identifier": {"aftn": "AFTN0000000001"},
                "latestMilestone": milestone,
                "milestoneHistory": [milestone],
                "trackingEstimates": [],
            }
        }
    }
