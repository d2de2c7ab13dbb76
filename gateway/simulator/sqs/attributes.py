"""A queue's attributes; decides which may be set, their ranges and their defaults.

It never touches messages: queues read the parsed values.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import orjson

from gateway.simulator.sqs.errors import SqsError

if TYPE_CHECKING:
    from collections.abc import Mapping

# name → (lowest, highest, default), as the page "CreateQueue" states them
_NUMBERS: Mapping[str, tuple[int, int, int]] = MappingProxyType(
    {
        "DelaySeconds": (0, 900, 0),
        "MaximumMessageSize": (1_024, 1_048_576, 1_048_576),
        "MessageRetentionPeriod": (60, 1_209_600, 345_600),
        "ReceiveMessageWaitTimeSeconds": (0, 20, 0),
        "VisibilityTimeout": (0, 43_200, 30),
        "KmsDataKeyReusePeriodSeconds": (60, 86_400, 300),
    }
)
_SHOWN_UNSET = tuple(name for name in _NUMBERS if not name.startswith("Kms"))
_FLAGS = frozenset({"FifoQueue", "ContentBasedDeduplication", "SqsManagedSseEnabled"})
_CHOICES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "DeduplicationScope": frozenset({"messageGroup", "queue"}),
        "FifoThroughputLimit": frozenset({"perQueue", "perMessageGroupId"}),
    }
)
_DOCUMENTS = frozenset({"Policy", "RedrivePolicy", "RedriveAllowPolicy"})
_FREE = frozenset({"KmsMasterKeyId"})
_COMPUTED = frozenset(
    {
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
        "CreatedTimestamp",
        "LastModifiedTimestamp",
        "QueueArn",
    }
)
SETTABLE = frozenset(_NUMBERS) | _FLAGS | frozenset(_CHOICES) | _DOCUMENTS | _FREE
READABLE = SETTABLE | _COMPUTED
_MAX_RECEIVE_COUNT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Redrive:
    """When and where a queue gives messages up."""

    target_arn: str
    max_receives: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueAttributes:
    """What was set on a queue, as strings, and the same parsed.

    Attributes:
        given: The attributes that were set, as the client wrote them.
    """

    given: Mapping[str, str]
    delay_ms: int
    max_size_bytes: int
    retention_ms: int
    wait_s: int
    visibility_ms: int
    redrive: Redrive | None
    fifo: bool
    content_deduplication: bool
    deduplicate_by_group: bool

    def shown(self) -> dict[str, str]:
        """Return what GetQueueAttributes shows of them, defaults included."""
        shown = {name: str(_NUMBERS[name][2]) for name in _SHOWN_UNSET}
        shown["SqsManagedSseEnabled"] = "true"
        shown.update(self.given)
        return shown


def parse_attributes(given: Mapping[str, str], *, fifo_name: bool) -> QueueAttributes:
    """Check and parse attributes as a client gives them; an empty document unsets itself.

    Raises:
        SqsError: A name is unknown, a value is out of range, or FIFO and name contradict.
    """
    kept = {name: value for name, value in given.items() if value or name not in _DOCUMENTS}
    for name, value in kept.items():
        _check(name, value)
    fifo = kept.get("FifoQueue") == "true"
    if fifo != fifo_name or kept.get("FifoQueue") == "false":
        raise _refused(
            "FifoQueue",
            "A FIFO queue's name ends in .fifo, and a standard queue has no such attribute.",
        )
    return QueueAttributes(
        given=kept,
        delay_ms=_number(kept, "DelaySeconds") * 1_000,
        max_size_bytes=_number(kept, "MaximumMessageSize"),
        retention_ms=_number(kept, "MessageRetentionPeriod") * 1_000,
        wait_s=_number(kept, "ReceiveMessageWaitTimeSeconds"),
        visibility_ms=_number(kept, "VisibilityTimeout") * 1_000,
        redrive=_redrive(kept.get("RedrivePolicy")),
        fifo=fifo,
        content_deduplication=kept.get("ContentBasedDeduplication") == "true",
        deduplicate_by_group=kept.get("DeduplicationScope") == "messageGroup",
    )


def _check(name: str, value: str) -> None:
    if name not in SETTABLE:
        raise SqsError("InvalidAttributeName", f"Unknown Attribute {name}.")
    if name in _NUMBERS:
        low, high, _ = _NUMBERS[name]
        if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
            raise _refused(name, f"It must be a whole number from {low} to {high}.")
    elif name in _FLAGS:
        if value not in {"true", "false"}:
            raise _refused(name, "It must be true or false.")
    elif name in _CHOICES:
        if value not in _CHOICES[name]:
            raise _refused(name, f"It must be one of {', '.join(sorted(_CHOICES[name]))}.")
    elif name in _DOCUMENTS:
        _document(name, value)


def _number(given: Mapping[str, str], name: str) -> int:
    return int(given.get(name, _NUMBERS[name][2]))


def _document(name: str, value: str) -> Mapping[str, Any]:
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError as exc:
        raise _refused(name, "It is no JSON document.") from exc
    if not isinstance(document, dict):
        raise _refused(name, "It must be a JSON object.")
    return document


def _redrive(value: str | None) -> Redrive | None:
    if value is None:
        return None
    document = _document("RedrivePolicy", value)
    target, limit = document.get("deadLetterTargetArn"), document.get("maxReceiveCount")
    if not isinstance(target, str) or not target:
        raise _refused("RedrivePolicy", "It must have a deadLetterTargetArn.")
    # Clients write the count as a number or as a string; SQS takes both.
    text = str(limit)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= _MAX_RECEIVE_COUNT:
        raise _refused("RedrivePolicy", f"maxReceiveCount must be 1 to {_MAX_RECEIVE_COUNT}.")
    return Redrive(target_arn=target, max_receives=int(text))


def _refused(name: str, reason: str) -> SqsError:
    return SqsError(
        "InvalidAttributeValue", f"Invalid value for the parameter {name}. Reason: {reason}"
    )
