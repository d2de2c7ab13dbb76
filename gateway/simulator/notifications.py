"""Whole message bodies as they arrive on a queue: payload, envelope, and what carries it.

Source: Amazon's pages "Set up notifications with Amazon SQS" and "… with Amazon EventBridge".
"""

from __future__ import annotations

import uuid
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import orjson

from gateway.clock import rfc3339
from gateway.errors import InvalidInputError
from gateway.simulator.cast import DEFAULT_APPLICATION
from gateway.simulator.payloads import KINDS, Kind, Subject

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ACCOUNT = "111122223333"
_REGION = "us-east-1"


class Wrap(StrEnum):
    """What a notification is wrapped in on the queue."""

    SQS = "sqs"
    EVENT_BRIDGE = "eventbridge"
    SNS = "sns"
    DOUBLE = "double"


def known_types() -> Sequence[str]:
    """Return the types that a notification can be built of."""
    return tuple(KINDS)


def subscription_id(seller_id: str, type_: str) -> str:
    """Return the id of the subscription that a seller has to a type here, the same each time."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{seller_id}/{type_}"))


def notification(
    type_: str,
    about: Subject,
    *,
    notification_id: str | None = None,
    application_id: str = DEFAULT_APPLICATION.id,
    subscription: str | None = None,
    bus: tuple[str, str] = (_ACCOUNT, _REGION),
    wrap: str | None = None,
) -> bytes:
    """Return a message body.

    Args:
        type_: Notification type, such as `ORDER_CHANGE`.
        about: What it is about.
        notification_id: Amazon's id for it; a new one unless given.
        application_id: Application that is subscribed.
        subscription: Id of the subscription; one made of the seller and the type unless given.
        bus: AWS account and region that an EventBridge frame names.
        wrap: A `Wrap`; the type's own way unless given.

    Raises:
        InvalidInputError: The type or the wrap is unknown.
    """
    kind = KINDS.get(type_)
    if kind is None:
        raise InvalidInputError(f"no notification {type_!r}; known are {', '.join(KINDS)}")
    own_way = Wrap.EVENT_BRIDGE if kind.event_bridge else Wrap.SQS
    if wrap is not None and wrap not in list(Wrap):
        raise InvalidInputError(f"no wrap {wrap!r}; known are {', '.join(Wrap)}")
    metadata = {
        "ApplicationId": application_id,
        "SubscriptionId": subscription or subscription_id(about.seller_id, type_),
        "PublishTime": rfc3339(about.at_ms),
        "NotificationId": notification_id or str(uuid.uuid4()),
    }
    envelope = _envelope(type_, kind, about, metadata)
    if (wrap or own_way) == Wrap.EVENT_BRIDGE:
        return _framed(type_, about, envelope, bus=bus, application_id=application_id)
    return _wrapped(about, orjson.dumps(envelope), Wrap(wrap or own_way))


def _envelope(
    type_: str, kind: Kind, about: Subject, metadata: Mapping[str, str]
) -> Mapping[str, Any]:
    envelope = {
        "NotificationVersion": kind.version,
        "NotificationType": type_,
        "PayloadVersion": kind.payload_version,
        "EventTime": rfc3339(about.at_ms),
        "Payload": kind.payload(about),
        "NotificationMetadata": metadata,
    }
    if kind.pascal:
        return envelope
    camel = {_camel(name): value for name, value in envelope.items()}
    camel["notificationMetadata"] = {_camel(name): value for name, value in metadata.items()}
    return camel


def _camel(name: str) -> str:
    return name[0].lower() + name[1:]


def _framed(
    type_: str,
    about: Subject,
    envelope: Mapping[str, Any],
    *,
    bus: tuple[str, str],
    application_id: str,
) -> bytes:
    """Return a notification in the frame of an event on an application's partner bus."""
    account, region = bus
    return orjson.dumps(
        {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": type_,
            "source": f"aws.partner/sellingpartnerapi.amazon.com/{account}/{application_id}",
            "account": account,
            "time": rfc3339(about.at_ms),
            "region": region,
            "resources": [],
            "detail": envelope,
        }
    )


def _wrapped(about: Subject, body: bytes, wrap: Wrap) -> bytes:
    if wrap is Wrap.DOUBLE:
        return orjson.dumps(body.decode())
    if wrap is not Wrap.SNS:
        return body
    return orjson.dumps(
        {
            "Type": "Notification",
            "MessageId": str(uuid.uuid4()),
            "TopicArn": f"arn:aws:sns:us-east-1:{_ACCOUNT}:notifications",
            "Message": body.decode(),
            "Timestamp": rfc3339(about.at_ms),
        }
    )
