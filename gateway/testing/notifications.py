"""Notifications for tests: of every type that Amazon sends, believable, and of the test's own."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from gateway.clock import rfc3339
from gateway.envelope import read_envelope
from gateway.model import IdPrefix, NotificationState, Origin, StoredNotification, new_id
from gateway.notifications.base import PayloadModel
from gateway.simulator.notifications import notification as simulated
from gateway.simulator.payloads import Subject
from gateway.testing.clock import NOON

SELLER = "A2EXAMPLESELLER"


def a_notification(
    kind: type[PayloadModel] | str,
    payload: Mapping[str, Any] | None = None,
    *,
    seller_id: str | None = SELLER,
    event_time: datetime = NOON,
    notification_id: str | None = None,
    **about: Any,
) -> StoredNotification:
    """Return a notification as it lies in the inbox; `run_handler` takes it.

    Args:
        kind: A type such as `ORDER_CHANGE`, or its payload model.
        payload: What stands under `Payload`, as Amazon writes it. Unless given, a believable one
            of the type is made; of a type that is unknown it must be given.
        seller_id: Whose it is.
        event_time: When it happened, with its time zone.
        notification_id: Amazon's id; a new one unless given.
        **about: What a made payload is about: `order_id`, `marketplace_id`, `sku`, `asin`,
            `report_id`, `processing_status`, `document_id`, …

    Raises:
        InvalidInputError: The type is unknown and no payload was given.
    """
    type_ = kind if isinstance(kind, str) else kind.notification_type
    identity = notification_id or str(uuid.uuid4())
    at_ms = round(event_time.timestamp() * 1000)
    if payload is None:
        subject = Subject(seller_id=seller_id or "", at_ms=at_ms, **about)
        body = simulated(type_, subject, notification_id=identity)
    else:
        body = orjson.dumps(
            {
                "NotificationType": type_,
                "PayloadVersion": "1.0",
                "EventTime": rfc3339(at_ms),
                "Payload": payload,
                "NotificationMetadata": {"NotificationId": identity},
            }
        )
    envelope = read_envelope(body)
    return StoredNotification(
        id=new_id(IdPrefix.NOTIFICATION, at_ms),
        identity=envelope.identity,
        type=envelope.type,
        payload_version=envelope.payload_version,
        seller_id=envelope.seller_id or seller_id,
        marketplace_id=envelope.marketplace_id,
        application_id=envelope.application_id,
        subscription_id=envelope.subscription_id,
        event_time_ms=envelope.event_time_ms,
        received_at_ms=at_ms,
        source="test",
        origin=Origin.INJECT,
        state=NotificationState.ACCEPTED,
        body=envelope.body,
    )
