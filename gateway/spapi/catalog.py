"""Every operation of the Selling Partner API, as data.

It decides what a name means (`orders.2026-01-01.getOrder`, or `searchOrders` where one operation
alone is called so, or `GET /orders/…`) and which usage plan an operation has before Amazon says
otherwise. It never decides when a call goes out.

The facts stand in `operations.tsv` and `operations_removed.tsv` beside this module, one row for
each (method, path): Amazon's public API models of 2026-08, their history where tables were dropped
(`history DATE`), and Amazon's "… Rate Limits" pages (`page`). Where model and page disagree, both
are kept and the smaller holds.
"""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import TypeVar

from gateway.errors import InvalidInputError, OperationRemovedError
from gateway.model import UsagePlan

UNKNOWN_PLAN = UsagePlan(rate_per_s=0.5, burst=1)
"""What is assumed of an operation whose usage plan Amazon does not publish."""

MODELS_DATE = "2026-08-05"
"""Of which day Amazon's models are that the facts were taken from."""

_IDEMPOTENT_METHODS = frozenset({"GET", "PUT", "DELETE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of one version of one API.

    Attributes:
        api: Slug of the API, such as `orders`.
        version: As in the path, such as `2026-01-01` or `v0`.
        id: Amazon's operation id, such as `getOrder`.
        path: Template with `{parameters}`.
        rate_per_s: Calls a second by Amazon's model, or None where it says none.
        burst: Bucket size by Amazon's model, or None.
        rate_source: `model`, `history DATE`, `page` or `unknown`.
        page_rate_per_s: What Amazon's rate-limits page says where it differs, or None.
        page_burst: The same for the burst.
        application_rate_per_s: Limit of an application over all its sellers, or None.
        scope: Scope of a grantless operation, or None for one that needs a seller's token.
        restricted: Whether personal data in the answer needs a restricted data token.
        static_sandbox: Whether Amazon's model holds static sandbox cases.
        dynamic_sandbox: Whether Amazon's sandbox answers it dynamically.
        sandbox_only: Whether it exists in Amazon's sandbox alone.
        page_parameter: Name of the parameter that asks for the next page, or None.
        next_token: Where an answer holds the next page's token, or None.
        page_rule: `alone`, `either` or `query-type` where the token doesn't simply go with the same
            parameters (see `pagination`), or None.
        headers: Names of the parameters that are headers.
        repeated: Names of the list parameters that are written once for each item; the others are
            joined by commas.
        deprecated: Date since when Amazon advises against it, or None.
        removal: Date at which Amazon means to remove it, or None.
    """

    api: str
    version: str
    id: str
    method: str
    path: str
    rate_per_s: float | None
    burst: int | None
    rate_source: str
    page_rate_per_s: float | None = None
    page_burst: int | None = None
    application_rate_per_s: float | None = None
    scope: str | None = None
    restricted: bool = False
    static_sandbox: bool = False
    dynamic_sandbox: bool = False
    sandbox_only: bool = False
    page_parameter: str | None = None
    next_token: str | None = None
    page_rule: str | None = None
    headers: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    deprecated: str | None = None
    removal: str | None = None

    def __hash__(self) -> int:
        """Hash what tells operations apart, not their twenty facts."""
        return hash((self.method, self.path))

    @property
    def name(self) -> str:
        """The full name: `api.version.id`."""
        return f"{self.api}.{self.version}.{self.id}"

    @property
    def idempotent(self) -> bool:
        """Whether a call may be repeated although the first may have had its effect."""
        return self.method in _IDEMPOTENT_METHODS

    @property
    def rate_date(self) -> str | None:
        """Of which day the figures are, or None where that is not known."""
        if self.rate_source == "model":
            return MODELS_DATE
        return self.rate_source.partition(" ")[2] or None

    @property
    def plan(self) -> UsagePlan | None:
        """Usage plan of one (application, seller, region), or None where none is known."""
        rates = [rate for rate in (self.rate_per_s, self.page_rate_per_s) if rate is not None]
        bursts = [burst for burst in (self.burst, self.page_burst) if burst is not None]
        if not rates or not bursts:
            return None
        return UsagePlan(rate_per_s=min(rates), burst=min(bursts))

    @property
    def application_plan(self) -> UsagePlan | None:
        """Usage plan of one (application, region) over all sellers, or None.

        Amazon states no burst for it; a second's worth is assumed.
        """
        rate = self.application_rate_per_s
        return None if rate is None else UsagePlan(rate_per_s=rate, burst=max(1, int(rate)))


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedOperation:
    """An operation that Amazon has removed.

    Attributes:
        removed: When: a date, or a month where no day is known.
        instead: Name of what replaces it, or None.
    """

    api: str
    version: str
    id: str
    method: str
    path: str
    rate_per_s: float
    burst: int
    removed: str
    instead: str | None

    @property
    def name(self) -> str:
        """The full name: `api.version.id`."""
        return f"{self.api}.{self.version}.{self.id}"


OperationT = TypeVar("OperationT", Operation, RemovedOperation)


class Catalog:
    """Operations found by name; immutable."""

    def __init__(
        self, operations: Sequence[Operation], removed: Sequence[RemovedOperation] = ()
    ) -> None:
        self.operations = tuple(operations)
        self.removed = tuple(removed)
        self._live = _by_every_name(self.operations)
        self._gone = _by_every_name(self.removed)

    @classmethod
    def load(cls) -> Catalog:
        """Read the facts that ship with the gateway."""
        return cls(
            [_operation(row) for row in _rows("operations.tsv")],
            [_removed(row) for row in _rows("operations_removed.tsv")],
        )

    def find(self, name: str) -> Operation:
        """Return the one operation that `name` means.

        Args:
            name: Full name, unique operation id, or `METHOD /path/template`.

        Raises:
            InvalidInputError: There is none, or there are several; all are listed.
            OperationRemovedError: Amazon has removed it.
        """
        found = self._live.get(name, ())
        if len(found) == 1:
            return found[0]
        if found:
            raise InvalidInputError(f"operation {name!r} is ambiguous; write one of {_list(found)}")
        raise self._why_not(name)

    def look_up(self, name: str) -> Operation | RemovedOperation:
        """Return the one operation that `name` means, removed ones included.

        Raises:
            InvalidInputError: There is none, or there are several; all are listed.
        """
        gone = self._gone.get(name, ())
        if name not in self._live and len(gone) == 1:
            return gone[0]
        return self.find(name)

    def all_named(self, name: str) -> Sequence[Operation]:
        """Return every operation that `name` may mean; a bare id means each version of it.

        Raises:
            InvalidInputError: There is none.
        """
        found = self._live.get(name)
        if not found:
            raise self._why_not(name)
        return tuple(found)

    def _why_not(self, name: str) -> InvalidInputError:
        gone = self._gone.get(name, ())
        if gone:
            first = gone[0]
            instead = f"use {first.instead}" if first.instead else "nothing replaces it"
            return OperationRemovedError(
                f"operation {first.name} was removed on {first.removed}; {instead}"
            )
        near = difflib.get_close_matches(name, self._live, n=3)
        hint = f"did you mean {', '.join(near)}?" if near else "see `gateway catalog list`"
        return InvalidInputError(f"operation {name!r} is unknown; {hint}")


def _by_every_name(operations: Sequence[OperationT]) -> Mapping[str, Sequence[OperationT]]:
    index: dict[str, list[OperationT]] = {}
    for operation in operations:
        for name in (operation.name, operation.id, f"{operation.method} {operation.path}"):
            index.setdefault(name, []).append(operation)
    return index


def _list(operations: Sequence[Operation]) -> str:
    names = [operation.name for operation in operations]
    if len(set(names)) < len(names):
        names = [f"`{operation.method} {operation.path}`" for operation in operations]
    return ", ".join(sorted(names))


def _rows(file: str) -> Iterator[Mapping[str, str]]:
    text = resources.files("gateway.spapi").joinpath(file).read_text(encoding="utf-8")
    return csv.DictReader(text.splitlines(), dialect="excel-tab")


def _operation(row: Mapping[str, str]) -> Operation:
    flags = row["flags"]
    return Operation(
        api=row["api"],
        version=row["version"],
        id=row["operation"],
        method=row["method"],
        path=row["path"],
        rate_per_s=_number(row["rate"]),
        burst=_whole(row["burst"]),
        rate_source=row["source"],
        page_rate_per_s=_number(row["page_rate"]),
        page_burst=_whole(row["page_burst"]),
        application_rate_per_s=_number(row["application_rate"]),
        scope=row["scope"] or None,
        restricted="r" in flags,
        static_sandbox="s" in flags,
        dynamic_sandbox="d" in flags,
        sandbox_only="o" in flags,
        page_parameter=row["page_parameter"] or None,
        next_token=row["next_token"] or None,
        page_rule=row["page_rule"] or None,
        headers=_names(row["headers"]),
        repeated=_names(row["repeated"]),
        deprecated=row["deprecated"] or None,
        removal=row["removal"] or None,
    )


def _removed(row: Mapping[str, str]) -> RemovedOperation:
    return RemovedOperation(
        api=row["api"],
        version=row["version"],
        id=row["operation"],
        method=row["method"],
        path=row["path"],
        rate_per_s=float(row["rate"]),
        burst=int(row["burst"]),
        removed=row["removed"],
        instead=row["instead"] or None,
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()


def _number(text: str) -> float | None:
    return float(text) if text else None


def _whole(text: str) -> int | None:
    return int(text) if text else None
