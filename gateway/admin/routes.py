"""What a route is.

From the one table of routes come the server's routes, the permissions and the OpenAPI document, so
that they can't differ.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from pydantic import BaseModel

from gateway.access import ApiKey, Scope
from gateway.admin.api import Api
from gateway.admin.fields import Given
from gateway.errors import NotFoundError
from gateway.model import IdPrefix

M = TypeVar("M", bound=BaseModel)

_ID: Final = "[0-9a-f]{32}"
_PARAMETER: Final = re.compile(r"\{(\w+)\}")

PATH_PATTERNS: Final[Mapping[str, str]] = {
    "endpoint_id": f"^{IdPrefix.ENDPOINT}_{_ID}$",
    "secret_id": f"^{IdPrefix.SECRET}_{_ID}$",
    "event_id": f"^{IdPrefix.EVENT}_{_ID}$",
    "delivery_id": f"^{IdPrefix.DELIVERY}_{_ID}$",
    "attempt_id": f"^{IdPrefix.ATTEMPT}_{_ID}$",
    "notification_id": f"^{IdPrefix.NOTIFICATION}_{_ID}$",
    "job_id": f"^{IdPrefix.NOTIFICATION}_{_ID}$",
    "handling_id": f"^{IdPrefix.HANDLING}_{_ID}$",
    "quarantine_id": f"^{IdPrefix.QUARANTINE}_{_ID}$",
    "key_id": f"^{IdPrefix.API_KEY}_{_ID}$",
    "operation_id": f"^{IdPrefix.OPERATION}_{_ID}$",
    "erasure_id": f"^{IdPrefix.ERASURE}_{_ID}$",
    "thing_id": r"^[A-Za-z0-9_.:-]{1,256}$",
    "event_type": r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*(\.\*)?$",
    "seller_id": "^[A-Za-z0-9._-]{1,64}$",
    "consumer": "^[A-Za-z0-9_.-]{1,64}$",
}
"""What each parameter of a path looks like; anything else is no object of ours."""


NOBODY: Final = ApiKey(id="nobody", name="", scopes=frozenset(), digest=b"", created_at_ms=0)
"""Who asks without a key, where none is needed."""


class NoQuery(Given):
    """A route that takes no query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, read and admitted.

    Attributes:
        key: Who asks.
        path: The parameters of the path.
        idempotency_key: The header `Idempotency-Key`, or None.
        if_match: The header `If-Match`, or None.
    """

    key: ApiKey
    request_id: str
    path: Mapping[str, str]
    query_given: BaseModel
    body_given: BaseModel | None = None
    idempotency_key: str | None = None
    if_match: str | None = None

    def query(self, model: type[M]) -> M:
        """Return the query, which is of the route's model."""
        assert isinstance(self.query_given, model)
        return self.query_given

    def body(self, model: type[M]) -> M:
        """Return the body, which is of the route's model."""
        assert isinstance(self.body_given, model)
        return self.body_given

    def sees(self, tenant: str | None) -> bool:
        """Whether an object of `tenant` exists for the caller."""
        return self.key.tenant is None or self.key.tenant == tenant

    def check_sees(self, tenant: str | None, what: str) -> None:
        """Take an object of another tenant for one that is not there.

        Raises:
            NotFoundError: It is another tenant's, or nobody's.
        """
        if not self.sees(tenant):
            raise NotFoundError(f"there is no {what}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A handler's answer where the body alone does not say it all.

    Attributes:
        status: Another one than the route's.
    """

    body: BaseModel
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Api, Call], Awaitable[BaseModel | Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One thing that can be asked for.

    Attributes:
        name: The OpenAPI document's `operationId`.
        scope: What a key must be allowed to do; None where no key is needed.
        answer: The model of the body that is answered.
        operators_only: Whether a tenant's key is refused, because what it shows or changes is
            nobody's in particular.
        refusals: Statuses that it may answer beside those of every route.
        takes_idempotency_key, takes_if_match: Which headers mean something to it.
    """

    method: str
    path: str
    name: str
    tag: str
    summary: str
    scope: Scope | None
    handler: Handler
    answer: type[BaseModel]
    status: int = 200
    query: type[BaseModel] = NoQuery
    body: type[BaseModel] | None = None
    operators_only: bool = False
    refusals: frozenset[int] = frozenset()
    takes_idempotency_key: bool = False
    takes_if_match: bool = False

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the path's parameters, in their order."""
        return tuple(_PARAMETER.findall(self.path))

    def statuses(self) -> frozenset[int]:
        """Return every status that it may answer."""
        common = {401, 403, 429, 503} if self.scope else set()
        if self.parameters:
            common.add(404)
        if self.query is not NoQuery or self.body is not None:
            common |= {400, 422}
        else:
            common.add(422)  # a query that it doesn't take
        if self.body is not None:
            common |= {408, 413, 415}
        return frozenset({self.status, *common, *self.refusals})
