"""Every exception of the engine, drawn as one tree by what the caller can do about it.

    GatewayError
    ├── ConfigurationError          fix the settings, then start again (exit 4)
    ├── ConflictError               somebody else holds it, or it exists already (exit 3)
    ├── NotFoundError               no such object
    │   └── LinkExpiredError            there was one; ask for a new link
    ├── InvalidInputError           fix the argument that is named
    │   ├── BlockedAddressError         in `delivery.egress`: the address guard refuses it
    │   └── OperationRemovedError       Amazon has removed the operation; use another
    ├── DependencyError             wait, it may come back (exit 5)
    │   ├── StoreUnavailableError
    │   ├── QueueUnavailableError
    │   ├── DocumentsUnavailableError
    │   ├── ArchiveUnavailableError
    │   ├── ResolutionError             in `delivery.egress`: a name can't be resolved
    │   ├── EndpointUnreachableError    in `delivery.reach`: nobody answers at an endpoint
    │   └── AwsRefusedError             in `aws.provisioning`: AWS refuses a call, or is away
    ├── SchemaOutdatedError         run `gateway db upgrade` (exit 4)
    ├── BackupDamagedError          a backup was not sound when it was read again
    ├── AuthorisationRefusedError   a seller's authorisation is not taken; begin again by a link
    ├── SealError                   a sealed value can't be opened with the keys at hand
    ├── ArchiveFaultError           an archive was cut short or altered; the file and line are named
    ├── EnvelopeError               a message that is no notification; becomes a quarantine row
    ├── HandlerRegistrationError    handler modules that can't be loaded, all at once (exit 4)
    └── SpApiError                  a follow-up call failed; what to do:
        ├── SpApiRetryableError         try later
        ├── SpApiRequestError           fix the request
        └── SpApiAuthorizationError     the seller must authorise the application again
            ├── SecretExpiredError          the application's client secret must be rotated
            ├── SpApiAccessError            the application lacks a role, or asks in a wrong region
            └── SellerPausedError           nothing was sent; resume the seller

It holds no I/O and imports nothing of the project.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class GatewayError(Exception):
    """Base of everything that the gateway raises on purpose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong with a piece of input.

    Attributes:
        where: File, environment variable, or field that holds it.
        what: What is wrong, with the value where it is no secret.
        mend: What to write instead.
        kind: Stable word where a program asks: `fifo`, `workflow`, `filter`; empty for the rest.
    """

    where: str
    what: str
    mend: str
    kind: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.mend}"


class FaultsError(GatewayError):
    """Several faults, found and reported together."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = tuple(faults)


class ConfigurationError(FaultsError):
    """The settings can't be used as they stand."""


class HandlerRegistrationError(FaultsError):
    """Handler modules can't be loaded or contradict each other."""


class ConflictError(GatewayError):
    """The thing is held by somebody else, or exists already."""


class NotFoundError(GatewayError):
    """No object has the given id."""


class LinkExpiredError(NotFoundError):
    """The time of a link to a document is over."""


class InvalidInputError(GatewayError):
    """An argument is refused; the message names it and says what is accepted."""


class OperationRemovedError(InvalidInputError):
    """Amazon has removed the operation; the message says when, and what to use instead."""


class DependencyError(GatewayError):
    """Something outside the process can't be reached or refuses to work now."""


class StoreUnavailableError(DependencyError):
    """The database can't be reached, is full, or refused a statement for the moment."""


class QueueUnavailableError(DependencyError):
    """SQS can't be used for the moment.

    Attributes:
        reason: Short stable word for health and metrics: `credentials`, `throttled`,
            `missing`, `denied`, `unsupported`, `network`, `other`.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class DocumentsUnavailableError(DependencyError):
    """Documents can't be stored or read for the moment: disk full, bucket not reachable."""


class ArchiveUnavailableError(DependencyError):
    """An archive can't be written or read for the moment: disk full, bucket not reachable."""


class SchemaOutdatedError(GatewayError):
    """The database's schema is not the one that this release works with."""


class BackupDamagedError(GatewayError):
    """The backup was not sound when it was read again; the database itself may be damaged."""


class AuthorisationRefusedError(GatewayError):
    """An authorisation that came through a browser is not taken.

    Attributes:
        reason: One word for it, such as `expired` or `replayed`; no secret, as the message.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class SealError(GatewayError):
    """A sealed value can't be opened: its key is not in the ring, or it was altered."""


class ArchiveFaultError(GatewayError):
    """An archive is not as it was written.

    Attributes:
        file: The part at fault.
        line: Its line, counted from 1.
    """

    def __init__(self, file: str, line: int, what: str) -> None:
        super().__init__(f"{file}: line {line}: {what}")
        self.file = file
        self.line = line


class EnvelopeError(GatewayError):
    """A message body is no notification; the message names the field and what is wrong."""


class SpApiError(GatewayError):
    """A call to the Selling Partner API failed.

    Attributes:
        operation: Name as in the catalog, such as `getOrder`.
        seller_id: Seller the call was made for, or None for a grantless one.
        status: HTTP status, or None where no answer came.
        code: Amazon's error code (`QuotaExceeded`, `InvalidInput`, …), or None.
        request_id: `x-amzn-RequestId`; Amazon's support asks for it.
    """

    def __init__(
        self,
        message: str,
        *,
        operation: str,
        seller_id: str | None = None,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.operation = operation
        self.seller_id = seller_id
        self.status = status
        self.code = code
        self.request_id = request_id


class SpApiRetryableError(SpApiError):
    """Try later: throttled, a fault of Amazon's, or no (whole) answer.

    Attributes:
        retry_after_s: Earliest useful time from now, where it is known.
    """

    def __init__(
        self,
        message: str,
        *,
        operation: str,
        seller_id: str | None = None,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(
            message,
            operation=operation,
            seller_id=seller_id,
            status=status,
            code=code,
            request_id=request_id,
        )
        self.retry_after_s = retry_after_s


class SpApiRequestError(SpApiError):
    """The request is wrong and will stay wrong (400, 404, 409, 413, 415, 422)."""


class SpApiAuthorizationError(SpApiError):
    """The token or the credentials are refused: revoked, expired, bad secret."""


class SecretExpiredError(SpApiAuthorizationError):
    """The application's client secret has expired, which Login with Amazon says by itself."""


class SpApiAccessError(SpApiAuthorizationError):
    """The token is taken and the resource denied: a missing role, a wrong region, a frozen account.

    Asking again changes nothing.
    """


class SellerPausedError(SpApiAuthorizationError):
    """No call is made for the seller until an operator resumes it; nothing was sent."""
