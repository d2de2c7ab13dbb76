"""The operations that are served, as data, and which of them a request means.

Rates are the defaults of Amazon's pages, taken from the public models of August 2026.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class UsagePlan:
    """How often an operation may be called.

    Attributes:
        rate_per_s: Calls a second that the bucket regains.
        burst: Calls that it holds at most.
    """

    rate_per_s: float
    burst: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation.

    Attributes:
        name: `api.version.operationId`.
        path: Path template as Amazon prints it.
        plan: Usage plan of one application and seller.
    """

    name: str
    method: str
    path: str
    plan: UsagePlan

    @property
    def id(self) -> str:
        """The bare operation id, such as `getOrder`."""
        return self.name.rpartition(".")[2]


GET_ORDER = Operation(
    name="orders.2026-01-01.getOrder",
    method="GET",
    path="/orders/2026-01-01/orders/{orderId}",
    plan=UsagePlan(rate_per_s=0.5, burst=30),
)
GET_ORDER_V0 = Operation(
    name="orders.v0.getOrder",
    method="GET",
    path="/orders/v0/orders/{orderId}",
    plan=UsagePlan(rate_per_s=0.5, burst=30),
)
CREATE_RESTRICTED_DATA_TOKEN = Operation(
    name="tokens.2021-03-01.createRestrictedDataToken",
    method="POST",
    path="/tokens/2021-03-01/restrictedDataToken",
    plan=UsagePlan(rate_per_s=1.0, burst=10),
)
SERVED: Sequence[Operation] = (GET_ORDER, GET_ORDER_V0, CREATE_RESTRICTED_DATA_TOKEN)


class Routes:
    """Finds the operation of a method and path."""

    def __init__(self, operations: Sequence[Operation] = SERVED) -> None:
        self._routes = [(operation, _pattern(operation.path)) for operation in operations]

    def find(self, method: str, path: str) -> tuple[Operation, Mapping[str, str]] | None:
        """Return the operation and its path parameters, or None where none is served."""
        for operation, pattern in self._routes:
            if operation.method == method and (match := pattern.fullmatch(path)):
                return operation, match.groupdict()
        return None


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path)))
