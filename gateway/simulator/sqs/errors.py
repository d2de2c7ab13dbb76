"""The errors that SQS answers with; decides their codes, never when they occur.

In the JSON protocol an error is named by its shape (`__type`); clients older than that protocol
know another code, which travels in the header `x-amzn-query-error`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from gateway.errors import GatewayError

if TYPE_CHECKING:
    from collections.abc import Mapping

_LEGACY = "AWS.SimpleQueueService."
_LEGACY_CODES: Mapping[str, str] = MappingProxyType(
    {
        "QueueDoesNotExist": _LEGACY + "NonExistentQueue",
        "QueueNameExists": "QueueAlreadyExists",
        "MessageNotInflight": _LEGACY + "MessageNotInflight",
        "TooManyEntriesInBatchRequest": _LEGACY + "TooManyEntriesInBatchRequest",
        "EmptyBatchRequest": _LEGACY + "EmptyBatchRequest",
        "BatchEntryIdsNotDistinct": _LEGACY + "BatchEntryIdsNotDistinct",
        "InvalidBatchEntryId": _LEGACY + "InvalidBatchEntryId",
        "BatchRequestTooLong": _LEGACY + "BatchRequestTooLong",
        "PurgeQueueInProgress": _LEGACY + "PurgeQueueInProgress",
        "UnsupportedOperation": _LEGACY + "UnsupportedOperation",
        "InvalidParameterValueException": "InvalidParameterValue",
        "MissingRequiredParameterException": "MissingParameter",
        "ExpiredTokenException": "ExpiredToken",
        "UnknownOperationException": "InvalidAction",
    }
)


class SqsError(GatewayError):
    """An answer other than success.

    Attributes:
        shape: Name in the JSON protocol, such as `QueueDoesNotExist`.
        status: HTTP status.
        senders_fault: Whether the request is to blame rather than the service.
    """

    def __init__(
        self, shape: str, message: str, *, status: int = 400, senders_fault: bool = True
    ) -> None:
        super().__init__(message)
        self.shape = shape
        self.status = status
        self.senders_fault = senders_fault

    @property
    def legacy_code(self) -> str:
        """The code that the query protocol used, and that boto3 still reports."""
        return _LEGACY_CODES.get(self.shape, self.shape)


def no_such_queue() -> SqsError:
    """Return the answer for a queue URL or name that no queue has."""
    return SqsError("QueueDoesNotExist", "The specified queue does not exist.")


def bad_value(parameter: str, value: object, reason: str) -> SqsError:
    """Return the answer for a parameter outside what is accepted."""
    return SqsError(
        "InvalidParameterValueException",
        f"Value {value} for parameter {parameter} is invalid. Reason: {reason}",
    )


def missing(parameter: str) -> SqsError:
    """Return the answer for a request without a parameter that it needs."""
    return SqsError(
        "MissingRequiredParameterException",
        f"The request must contain the parameter {parameter}.",
    )


def bad_handle(handle: str) -> SqsError:
    """Return the answer for a receipt handle that this queue never gave out."""
    return SqsError(
        "ReceiptHandleIsInvalid", f'The input receipt handle "{handle}" is not a valid one.'
    )
