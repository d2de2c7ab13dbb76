"""Faults as `application/problem+json` (RFC 9457): which status, which words, and never a secret.

The ends of `type` are the words that the command line uses for the same faults.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pydantic import Field, ValidationError

from gateway.admin.fields import Shown
from gateway.errors import (
    ConflictError,
    DependencyError,
    Fault,
    FaultsError,
    GatewayError,
    InvalidInputError,
    NotFoundError,
    StoreUnavailableError,
)
from gateway.store.outbox import IdempotencyConflictError
from gateway.telemetry.redaction import redact_text

CONTENT_TYPE: Final = "application/problem+json"

TITLES: Final[Mapping[int, str]] = {
    400: "The request can't be read",
    401: "No usable API key",
    403: "The API key may not do this",
    404: "There is no such object",
    405: "This can't be done here",
    408: "The request took too long",
    409: "It contradicts what is there",
    412: "It was changed meanwhile",
    413: "The request is too large",
    415: "The body is of another type than asked for",
    417: "This can't be expected",
    422: "The request is refused",
    429: "Too many requests",
    500: "The gateway failed",
    503: "A dependency can't be reached",
}
"""What each status means here."""

_COME_BACK_S: Final = 5


class FaultShown(Shown):
    """One thing wrong with the request."""

    where: str = Field(description="The member of the body, query or path that holds it.")
    what: str = Field(description="What is wrong.")
    mend: str = Field(description="What to write instead.")


class Problem(Shown):
    """A request that was not done, as RFC 9457 describes it."""

    type: str = Field(description="`urn:gateway:problem:` and a stable word.")
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    request_id: str = Field(description="Stands in the gateway's log beside what happened.")
    faults: list[FaultShown] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal(Exception):  # noqa: N818 it is thrown, but it is an answer
    """An answer other than the one that was asked for.

    Attributes:
        word: The end of the problem's `type`.
        headers: Sent along, such as `Retry-After`.
    """

    status: int
    word: str
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict)
    faults: Sequence[Fault] = ()

    def problem(self, request_id: str) -> Problem:
        """Return what the caller is told."""
        faults = [
            FaultShown(where=f.where, what=redact_text(f.what), mend=redact_text(f.mend))
            for f in self.faults
        ]
        return Problem(
            type=f"urn:gateway:problem:{self.word}",
            title=TITLES[self.status],
            status=self.status,
            detail=redact_text(self.detail),
            request_id=request_id,
            faults=faults or None,
        )


def unauthorized(detail: str) -> Refusal:
    """Return the refusal of a request without a usable key."""
    headers = {"WWW-Authenticate": 'Bearer realm="gateway"'}
    return Refusal(status=401, word="unauthorized", detail=detail, headers=headers)


def forbidden(detail: str) -> Refusal:
    """Return the refusal of what the key's scopes don't allow."""
    return Refusal(status=403, word="forbidden", detail=detail)


def too_many(wait_s: int, detail: str) -> Refusal:
    """Return the refusal of a caller that is too fast."""
    headers = {"Retry-After": str(wait_s)}
    return Refusal(status=429, word="too-many-requests", detail=detail, headers=headers)


def refusal_of(exc: Exception) -> Refusal:  # noqa: PLR0911 one for each kind of fault
    """Return how an exception is answered; one that nobody foresaw tells the caller nothing."""
    match exc:
        case Refusal():
            return exc
        case IdempotencyConflictError():
            return Refusal(status=422, word="idempotency-key", detail=str(exc))
        case ConflictError():
            # What a database says of its constraints is for the log.
            said = str(exc) if exc.__cause__ is None else "it contradicts what is there"
            return Refusal(status=409, word="conflict", detail=said)
        case NotFoundError():
            return Refusal(status=404, word="not-found", detail=str(exc))
        case FaultsError():
            return Refusal(
                status=422, word="invalid", detail="the request holds faults", faults=exc.faults
            )
        case InvalidInputError():
            return Refusal(status=422, word="invalid", detail=str(exc))
        case DependencyError():
            headers = {"Retry-After": str(_COME_BACK_S)}
            of_store = isinstance(exc, StoreUnavailableError)
            what = "the database" if of_store else "what this needs beside the database"
            return Refusal(
                status=503,
                word="unreachable",
                detail=f"{what} can't be used now",
                headers=headers,
            )
        case GatewayError():
            return Refusal(status=500, word="failed", detail="it could not be done; see the log")
        case _:
            return Refusal(status=500, word="unexpected", detail="an unexpected fault; see the log")


def invalid(exc: ValidationError, where: str) -> Refusal:
    """Return the refusal of a body or query that is not of its form; no value is repeated."""
    faults = [
        Fault(
            where=".".join([where, *(str(part) for part in error["loc"])]),
            what=error["msg"],
            mend="see the OpenAPI document at /v1/openapi.json",
        )
        for error in exc.errors(include_url=False, include_context=False, include_input=False)
    ]
    return Refusal(
        status=422,
        word="invalid",
        detail=f"the {where} is not of the form asked for",
        faults=faults,
    )
