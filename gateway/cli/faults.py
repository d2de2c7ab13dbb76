"""How a failed command ends: its exit code, and what it says on stderr.

Exit codes: 0 ok, 1 failed, 2 usage, 3 conflict or lock, 4 configuration, 5 a dependency can't be
reached. With `--json` the fault is one `application/problem+json` object (RFC 9457) on stderr.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from typing import Any, TextIO

from gateway.errors import (
    ConfigurationError,
    ConflictError,
    DependencyError,
    Fault,
    FaultsError,
    GatewayError,
    HandlerRegistrationError,
    InvalidInputError,
    NotFoundError,
    OperationRemovedError,
    SchemaOutdatedError,
    SealError,
    SellerPausedError,
    SpApiAccessError,
    SpApiAuthorizationError,
    SpApiError,
    SpApiRetryableError,
)
from gateway.telemetry.redaction import redact_text


class ExitCode(IntEnum):
    """What the exit codes mean."""

    OK = 0
    FAILED = 1
    USAGE = 2
    CONFLICT = 3
    CONFIGURATION = 4
    UNREACHABLE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A fault as it is told to the caller.

    Attributes:
        kind: Stable word; the end of the problem's `type`.
        detail: What happened this time.
        faults: Single faults, where there are several.
        facts: Further members, such as Amazon's request id.
    """

    kind: str
    title: str
    detail: str
    exit_code: ExitCode
    faults: Sequence[Fault] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the members of the problem+json object."""
        members: dict[str, Any] = {
            "type": f"urn:gateway:problem:{self.kind}",
            "title": self.title,
            "detail": self.detail,
            "exit_code": int(self.exit_code),
            **self.facts,
        }
        if self.faults:
            members["faults"] = [
                {name: text for name, text in asdict(fault).items() if text}
                for fault in self.faults
            ]
        return members


# The first class that matches decides, so the special stand before the general.
_KINDS: Sequence[tuple[type[BaseException], str, str, ExitCode]] = (
    (ConfigurationError, "configuration", "The settings can't be used", ExitCode.CONFIGURATION),
    (HandlerRegistrationError, "handlers", "Handlers can't be loaded", ExitCode.CONFIGURATION),
    (SchemaOutdatedError, "schema", "The database needs an upgrade", ExitCode.CONFIGURATION),
    (SealError, "sealing", "A sealed value can't be opened", ExitCode.CONFIGURATION),
    (ConflictError, "conflict", "Somebody else holds it, or it exists", ExitCode.CONFLICT),
    (OperationRemovedError, "removed", "Amazon has removed the operation", ExitCode.USAGE),
    (InvalidInputError, "usage", "An argument is refused", ExitCode.USAGE),
    (NotFoundError, "not-found", "There is no such object", ExitCode.FAILED),
    (DependencyError, "unreachable", "A dependency can't be reached", ExitCode.UNREACHABLE),
    (SpApiRetryableError, "unreachable", "A dependency can't be reached", ExitCode.UNREACHABLE),
    (SellerPausedError, "paused", "The seller is paused", ExitCode.FAILED),
    (SpApiAccessError, "access", "Amazon denies access to the resource", ExitCode.FAILED),
    (SpApiAuthorizationError, "authorisation", "Amazon refuses the token", ExitCode.FAILED),
    (SpApiError, "refused", "Amazon refuses the request", ExitCode.FAILED),
    (GatewayError, "failed", "The command failed", ExitCode.FAILED),
)


def problem_of(exc: BaseException) -> Problem:
    """Return how an exception is told; one that nobody foresaw is a plain failure."""
    faults = exc.faults if isinstance(exc, FaultsError) else ()
    for kind, word, title, code in _KINDS:
        if isinstance(exc, kind):
            detail = redact_text(str(exc)) or title
            return Problem(
                kind=word,
                title=title,
                detail=detail,
                exit_code=code,
                faults=faults,
                facts=_facts_of(exc),
            )
    detail = redact_text(f"{type(exc).__name__}: {exc}")
    return Problem(
        kind="unexpected", title="Unexpected fault", detail=detail, exit_code=ExitCode.FAILED
    )


def _facts_of(exc: BaseException) -> dict[str, Any]:
    """Return what of an error of Amazon's a script or Amazon's support may ask for."""
    if not isinstance(exc, SpApiError):
        return {}
    names = ("operation", "seller_id", "status", "code", "request_id")
    return {name: getattr(exc, name) for name in names}


def usage_problem(message: str) -> Problem:
    """Return a fault in how the command was called."""
    return Problem(
        kind="usage",
        title="The command can't be understood",
        detail=message,
        exit_code=ExitCode.USAGE,
    )


def tell(problem: Problem, *, stderr: TextIO, as_json: bool) -> None:
    """Write a problem to stderr, for a machine or for a person."""
    if as_json:
        stderr.write(json.dumps(problem.as_json(), ensure_ascii=False) + "\n")
        return
    if not problem.faults:
        stderr.write(f"error: {problem.detail}\n")
        return
    stderr.write(f"error: {problem.title}:\n")
    stderr.writelines(
        f"  {fault.where}: {fault.what}\n    → {fault.mend}\n" for fault in problem.faults
    )
