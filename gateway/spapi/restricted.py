"""Restricted data tokens (RDT): what opens personal data, for one resource of one seller.

It decides which resource a call needs one for, and gets it by createRestrictedDataToken, a call
inside its own usage plan like any other. A resource is named by its path template, which holds for
all objects of the kind, so that one token serves a thousand orders; getReportDocument is the one
that takes a single object's path only.

Operations marked restricted always carry one, save those that answer without: the Orders v0 calls
(less personal data then) and getReportDocument (which needs one for restricted report types). There
the caller says so.

Source: Amazon's page "Tokens API v2021-03-01 use case guide".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.errors import InvalidInputError, SpApiRetryableError
from gateway.model import Seller
from gateway.spapi.catalog import Operation
from gateway.spapi.requests import Prepared
from gateway.spapi.tokens import AccessToken, Issued, TokenCache, TokenOwner

CREATE = "tokens.2021-03-01.createRestrictedDataToken"
"""The operation that gives one."""

DATA_ELEMENTS = ("buyerInfo", "shippingAddress", "buyerTaxInformation")
"""What may be asked for of Orders v0."""

_WITH_ELEMENTS = frozenset({"orders.v0.getOrders", "orders.v0.getOrder", "orders.v0.getOrderItems"})
_REPORT = "reports.2021-06-30.getReportDocument"
_ON_REQUEST = _WITH_ELEMENTS | {_REPORT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """What a token opens.

    Attributes:
        path: A template, or one object's own path.
        elements: Data elements, in order.
    """

    method: str
    path: str
    elements: Sequence[str] = ()

    def __str__(self) -> str:
        return " ".join((self.method, self.path, *self.elements))

    @property
    def body(self) -> bytes:
        """What createRestrictedDataToken is asked with."""
        named: dict[str, Any] = {"method": self.method, "path": self.path}
        if self.elements:
            named["dataElements"] = list(self.elements)
        return orjson.dumps({"restrictedResources": [named]})


def resource_of(prepared: Prepared, wanted: bool | Sequence[str]) -> Resource | None:
    """Return what a call needs a restricted data token for, or None where it needs none.

    Args:
        prepared: The call.
        wanted: Whether the caller asks for personal data; of Orders v0 which, by data element.

    Raises:
        InvalidInputError: The operation has no personal data, or no such data elements.
    """
    operation = prepared.operation
    elements = () if isinstance(wanted, bool) else tuple(sorted({*wanted}))
    asked = wanted is True or bool(elements)
    _check(operation, elements, asked=asked)
    if not operation.restricted or (operation.name in _ON_REQUEST and not asked):
        return None
    if operation.name in _WITH_ELEMENTS and not elements:
        elements = tuple(sorted(DATA_ELEMENTS))
    path = prepared.target.partition("?")[0] if operation.name == _REPORT else operation.path
    return Resource(method=operation.method, path=path, elements=elements)


def _check(operation: Operation, elements: Sequence[str], *, asked: bool) -> None:
    if asked and not operation.restricted:
        raise InvalidInputError(
            f"{operation.name} takes no restricted data token; leave `restricted` out"
        )
    if elements and operation.name not in _WITH_ELEMENTS:
        raise InvalidInputError(
            f"{operation.name} has no data elements; write restricted=True in their place"
        )
    unknown = sorted({*elements} - {*DATA_ELEMENTS})
    if unknown:
        raise InvalidInputError(
            f"there is no data element {', '.join(unknown)}; write of {', '.join(DATA_ELEMENTS)}"
        )


Create = Callable[[Prepared], Awaitable[dict[str, Any]]]
"""Calls createRestrictedDataToken in the seller's name."""


class RestrictedTokens:
    """Gets restricted data tokens and keeps them as long as they live."""

    def __init__(self, cache: TokenCache, operation: Operation) -> None:
        """Bind the cache.

        Args:
            cache: Where all access tokens are kept.
            operation: createRestrictedDataToken.
        """
        self._cache = cache
        self._operation = operation

    async def of(self, seller: Seller, resource: Resource, create: Create) -> AccessToken:
        """Return a token for `resource` of the seller.

        Raises:
            SpApiError: Amazon gives none; the subclass says what to do.
            CallDeferred: createRestrictedDataToken has to wait for its usage plan.
        """
        owner = TokenOwner(
            application_id=seller.application_id,
            seller_id=seller.id,
            region=seller.region,
            resource=str(resource),
        )

        async def issue() -> Issued:
            prepared = Prepared(
                operation=self._operation,
                target=self._operation.path,
                headers={"content-type": "application/json"},
                body=resource.body,
            )
            answer = await create(prepared)
            value = answer.get("restrictedDataToken")
            if not isinstance(value, str) or not value:
                raise SpApiRetryableError(
                    f"{self._operation.name} for seller {seller.id}: Amazon's answer holds no "
                    "token; try later",
                    operation=self._operation.name,
                    seller_id=seller.id,
                )
            return Issued(value=value, life=answer.get("expiresIn"))

        return await self._cache.get(owner, seller.refresh_token, issue)
