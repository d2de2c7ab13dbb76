"""One message and its checksums; decides what a message weighs and how its MD5s are formed.

The MD5 of message attributes follows "Calculating the MD5 message digest for message attributes"
in the "Amazon SQS Developer Guide".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import struct
import uuid
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from gateway.simulator.sqs.errors import SqsError, bad_value

if TYPE_CHECKING:
    from collections.abc import Mapping

_STRING_KIND = b"\x01"
_BINARY_KIND = b"\x02"
_MAX_ATTRIBUTES = 10
# What XML 1.0 does not know: SQS refuses it in either protocol.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class Phase(IntEnum):
    """Where a message stands in its queue."""

    VISIBLE = 0
    DELAYED = 1
    IN_FLIGHT = 2
    GONE = 3


@dataclass(slots=True, eq=False, kw_only=True)
class Message:
    """A message in a queue.

    Attributes:
        number: Place in the order of the server's messages; new in each queue it comes to.
        receives: How often it was received, over all queues it was in.
        visible_at_ms: When it becomes visible (again); meaningful while it is hidden.
        dead_letter_source: ARN of the queue that gave it up, where one did.
    """

    number: int
    id: str
    body: str
    body_md5: str
    sent_at_ms: int
    attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    attributes_md5: str | None = None
    trace_header: str | None = None
    group: str | None = None
    deduplication_id: str | None = None
    sequence_number: str | None = None
    phase: Phase = Phase.VISIBLE
    visible_at_ms: int = 0
    receives: int = 0
    first_received_at_ms: int = 0
    dead_letter_source: str | None = None


def new_message_id() -> str:
    """Return an id for a new message."""
    return str(uuid.uuid4())


def check_body(body: str) -> None:
    """Refuse a body that SQS would refuse for its characters.

    Raises:
        SqsError: It is empty or holds a character that SQS does not carry.
    """
    if not body:
        raise SqsError(
            "MissingRequiredParameterException",
            "The request must contain the parameter MessageBody.",
        )
    if _FORBIDDEN.search(body):
        raise SqsError(
            "InvalidMessageContents", "The message holds characters outside the allowed set."
        )


def md5_hex(body: str) -> str:
    """Return the MD5 of a body's UTF-8 bytes in hex."""
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()


def size_bytes(body: str, attributes: Mapping[str, Any]) -> int:
    """Return what counts against the size limit: the body and the attributes, checked or not."""
    size = len(body) if body.isascii() else len(body.encode())
    for name, attribute in attributes.items():
        parts = attribute.values() if isinstance(attribute, dict) else ()
        size += sum(len(str(part).encode()) for part in (name, *parts))
    return size


def attributes_md5(attributes: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Return the MD5 over message attributes, or None where there are none.

    Raises:
        SqsError: An attribute has no known data type, or no value of that type.
    """
    if not attributes:
        return None
    if len(attributes) > _MAX_ATTRIBUTES:
        raise bad_value(
            "MessageAttributes", len(attributes), f"A message takes at most {_MAX_ATTRIBUTES}."
        )
    digest = hashlib.md5(usedforsecurity=False)
    for name in sorted(attributes):
        data_type, kind, value = _encoded(name, attributes[name])
        for part in (name.encode(), data_type.encode()):
            digest.update(struct.pack("!I", len(part)) + part)
        digest.update(kind + struct.pack("!I", len(value)) + value)
    return digest.hexdigest()


def _encoded(name: str, attribute: object) -> tuple[str, bytes, bytes]:
    """Return the data type, the kind byte and the value's bytes of one attribute."""
    if not isinstance(attribute, dict) or not isinstance(attribute.get("DataType"), str):
        raise bad_value("MessageAttributes", name, "It must have a DataType.")
    data_type: str = attribute["DataType"]
    family = data_type.partition(".")[0]
    if family in {"String", "Number"}:
        text = attribute.get("StringValue")
        if not isinstance(text, str) or not text:
            raise bad_value("MessageAttributes", name, "It must have a StringValue.")
        return data_type, _STRING_KIND, text.encode()
    if family == "Binary":
        try:
            value = base64.b64decode(attribute.get("BinaryValue") or "", validate=True)
        except (binascii.Error, ValueError, TypeError) as exc:
            raise bad_value("MessageAttributes", name, "Its BinaryValue is no base64.") from exc
        return data_type, _BINARY_KIND, value
    raise bad_value(
        "MessageAttributes", name, "Its DataType must begin with String, Number or Binary."
    )
