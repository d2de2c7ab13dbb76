"""The faults that the local SP-API can be told to show; decides which call meets which.

A fault is written `kind` or `kind=number`; the kinds and what their number means:

    status=N          answered N with an error body; 429 with QuotaExceeded
    html=N            answered N (503) with an HTML page
    empty=N           answered N (500) with no body
    stall=S           held back S (30) seconds, then answered as usual
    truncated         answered 200 with the connection cut in the middle of the body
    malformed         answered as usual, with half of the JSON and a right Content-Length
    dropped           connection cut before an answer
    expired-token     answered 403 as for a token that has ended
    no-rate-header    answered as usual without `x-amzn-RateLimit-Limit`
    clock-skew=S      answered as usual with a `Date` that is S (300) seconds late; below 0: early

A fault without an operation is for every operation. The token endpoint and the documents are no
operations: what is for them names `lwa.token`, `documents.get` or `documents.put`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from gateway.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class FaultKind(StrEnum):
    """What goes wrong."""

    STATUS = "status"
    HTML = "html"
    EMPTY = "empty"
    STALL = "stall"
    TRUNCATED = "truncated"
    MALFORMED = "malformed"
    DROPPED = "dropped"
    EXPIRED_TOKEN = "expired-token"  # noqa: S105 a name
    NO_RATE_HEADER = "no-rate-header"
    CLOCK_SKEW = "clock-skew"


_DEFAULT_NUMBERS: Mapping[FaultKind, float] = MappingProxyType(
    {
        FaultKind.STATUS: 500,
        FaultKind.HTML: 503,
        FaultKind.EMPTY: 500,
        FaultKind.STALL: 30,
        FaultKind.CLOCK_SKEW: 300,
    }
)


TOKEN, GET_DOCUMENT, PUT_DOCUMENT = "lwa.token", "documents.get", "documents.put"
NO_OPERATIONS = frozenset({TOKEN, GET_DOCUMENT, PUT_DOCUMENT})


@dataclass(slots=True, kw_only=True)
class Fault:
    """One fault and the calls it is for.

    Attributes:
        number: Status or seconds, as the kind has it.
        operation: Full name or operation id; None for every operation.
        seller: Seller id; None for every seller.
        chance: From 0 to 1, drawn for each call.
        times: Calls left that it may hit; None for no limit.
    """

    kind: FaultKind
    number: float = 0
    operation: str | None = None
    seller: str | None = None
    chance: float = 1.0
    times: int | None = None


@dataclass(slots=True)
class SpApiFaults:
    """The faults in force, the oldest first; the first that fits a call strikes."""

    random: Random = field(default_factory=Random, repr=False)
    _faults: list[Fault] = field(default_factory=list)

    def add(
        self,
        text: str,
        *,
        operation: str | None = None,
        seller: str | None = None,
        chance: float = 1.0,
        times: int | None = None,
    ) -> Fault:
        """Put a fault into force, written as the module's docstring shows.

        Raises:
            InvalidInputError: The text is no fault, or the chance is outside 0 to 1.
        """
        if not 0 <= chance <= 1:
            raise InvalidInputError("chance must be from 0 to 1")
        fault = parse_fault(text)
        fault.operation, fault.seller = operation, seller
        fault.chance, fault.times = chance, times
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """End every fault."""
        self._faults.clear()

    def strike(self, *, operation: str, seller: str | None) -> Fault | None:
        """Return the fault that strikes a call, and count it; None where none does."""
        names = {operation, operation.rpartition(".")[2]}
        if operation not in NO_OPERATIONS:
            names.add("")
        for fault in self._faults:
            if (fault.operation or "") not in names:
                continue
            if fault.seller not in {None, seller}:
                continue
            if fault.chance < 1 and self.random.random() >= fault.chance:
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
            return fault
        return None

    def show(self) -> Sequence[Mapping[str, Any]]:
        """Return the faults in force as plain data."""
        return [
            {
                "fault": f"{fault.kind}={fault.number:g}" if fault.number else fault.kind.value,
                "operation": fault.operation,
                "seller": fault.seller,
                "chance": fault.chance,
                "times": fault.times,
            }
            for fault in self._faults
        ]


def parse_fault(text: str) -> Fault:
    """Return the fault that a text stands for.

    Raises:
        InvalidInputError: The kind is unknown, or its number is none.
    """
    name, given, number = text.strip().partition("=")
    try:
        kind = FaultKind(name)
    except ValueError as exc:
        known = ", ".join(kind.value for kind in FaultKind)
        raise InvalidInputError(f"no fault {name!r}; known are {known}") from exc
    if not given:
        return Fault(kind=kind, number=_DEFAULT_NUMBERS.get(kind, 0))
    try:
        value = float(number)
    except ValueError as exc:
        raise InvalidInputError(f"fault {name} takes a number, not {number!r}") from exc
    if kind in {FaultKind.STATUS, FaultKind.HTML, FaultKind.EMPTY} and not 200 <= value < 600:
        raise InvalidInputError(f"fault {name} takes an HTTP status, not {number}")
    return Fault(kind=kind, number=value)
