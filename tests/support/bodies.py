"""Message bodies for tests: one payload per family of Amazon's spelling, and every wrapping."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

NOTIFICATION_ID = "5b1f9c1e-27a4-4f0e-9a06-5d1f3a7b0c11"

ORDER_PAYLOAD: dict[str, Any] = {
    "OrderChangeNotification": {
        "NotificationLevel": "OrderLevel",
        "SellerId": "ASELLER1",
        "AmazonOrderId": "123-1234567-1234567",
        "OrderChangeType": "OrderStatusChange",
        "OrderChangeTrigger": {
            "TimeOfOrderChange": "2026-03-01T10:00:00.500Z",
            "ChangeReason": "Shipment",
        },
        "Summary": {
            "MarketplaceId": "A1PA6795UKMFR9",
            "OrderStatus": "Shipped",
            "PurchaseDate": "2026-02-27T08:15:00Z",
            "DestinationPostalCode": "10115",
            "FulfillmentType": "MFN",
            "OrderType": "StandardOrder",
            "NumberOfItemsShipped": 3,
            "NumberOfItemsUnshipped": 0,
            "OrderPrograms": ["Business"],
            "OrderItems": [
                {
                    "OrderItemId": "60000000000001",
                    "SellerSKU": "MUG-BLUE",
                    "SupplySourceId": None,
                    "Quantity": 3,
                    "QuantityShipped": 3,
                    "IsBuyerRequestedCancel": False,
                }
            ],
        },
    }
}

REPORT_PAYLOAD: dict[str, Any] = {
    "reportProcessingFinishedNotification": {
        "sellerId": "ASELLER1",
        "accountId": "amzn1.merchant.o.ASELLER1",
        "reportId": "700001",
        "reportType": "GET_MERCHANT_LISTINGS_ALL_DATA",
        "processingStatus": "DONE",
        "reportDocumentId": "amzn1.spdoc.1.test",
    }
}


def notification(
    type_: str = "ORDER_CHANGE",
    payload: Mapping[str, Any] | None = None,
    *,
    metadata: Mapping[str, Any] | None = None,
    **members: Any,
) -> dict[str, Any]:
    """Return a notification in PascalCase; `members` replace the outer ones, None removes."""
    outer: dict[str, Any] = {
        "NotificationVersion": "1.0",
        "NotificationType": type_,
        "PayloadVersion": "1.0",
        "EventTime": "2026-03-01T10:00:01.250Z",
        "Payload": copy.deepcopy(ORDER_PAYLOAD if payload is None else dict(payload)),
        "NotificationMetadata": {
            "ApplicationId": "amzn1.sellerapps.app.test",
            "SubscriptionId": "sub-1",
            "PublishTime": "2026-03-01T10:00:02Z",
            "NotificationId": NOTIFICATION_ID,
        }
        if metadata is None
        else dict(metadata),
    }
    outer.update(members)
    return {key: value for key, value in outer.items() if value is not None}


def camel(value: Any) -> Any:
    """Return the JSON value with each key's first letter in lower case."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: camel(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [camel(inner) for inner in value]
    return value


def pascal(value: Any) -> Any:
    """Return the JSON value with each key's first letter in upper case."""
    if isinstance(value, dict):
        return {key[:1].upper() + key[1:]: pascal(inner) for key, inner in value.items()}
    return [pascal(inner) for inner in value] if isinstance(value, list) else value


def lower(value: Any) -> Any:
    """Return the JSON value with its keys in lower case."""
    if isinstance(value, dict):
        return {key.lower(): lower(inner) for key, inner in value.items()}
    return [lower(inner) for inner in value] if isinstance(value, list) else value


def text(value: Any) -> str:
    """Return JSON with white space, as no serializer of the gateway would write it."""
    return json.dumps(value, indent=1)


def eventbridge(detail: Any) -> dict[str, Any]:
    """Return EventBridge's frame round `detail`."""
    return {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": "LISTINGS_ITEM_STATUS_CHANGE",
        "source": "aws.partner/sellingpartnerapi.amazon.com/111122223333/amzn1.sellerapps.app.test",
        "account": "111122223333",
        "time": "2026-03-01T10:00:03Z",
        "region": "eu-west-1",
        "resources": [],
        "detail": detail,
    }


def sns(message: str) -> dict[str, Any]:
    """Return SNS's frame round `message`."""
    return {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": "arn:aws:sns:eu-west-1:111122223333:notifications",
        "Message": message,
        "Timestamp": "2026-03-01T10:00:04Z",
    }
