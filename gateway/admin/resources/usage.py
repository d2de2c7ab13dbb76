"""How many calls were made to Amazon, over HTTP. For operators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final
from urllib.parse import unquote

from pydantic import Field, StringConstraints

from gateway.access import Scope
from gateway.admin.api import Api
from gateway.admin.fields import Given, Shown, Word
from gateway.admin.paging import Page, page_of
from gateway.admin.routes import Call, Route
from gateway.admin.showing import shown
from gateway.errors import InvalidInputError
from gateway.store.usage import UsageFilter, cursor
from gateway.usage import UsageCount

_LIMIT_MAX: Final = 1_000

Day = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
UsageCursor = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.~%/-]{1,800}$")]


class UsageShown(Shown):
    """How many requests of one kind were sent on one day."""

    day: str = Field(description="In UTC, such as 2026-01-31.")
    application_id: str
    region: str
    seller_id: str | None = Field(description="Null for what the application called for itself.")
    operation: str
    method: str
    outcome: str
    calls: int


class UsageQuery(Given):
    """Which counts."""

    seller_id: Word | None = None
    operation: Word | None = Field(default=None, description="By full name, or by its id alone.")
    from_day: Day | None = Field(default=None, description="First day, in UTC.")
    to_day: Day | None = Field(default=None, description="Last day, in UTC.")
    cursor: UsageCursor | None = Field(
        default=None, description="`next_cursor` of the page before; left out for the first page."
    )
    limit: int = Field(default=200, ge=1, le=_LIMIT_MAX, description="At most so many items.")


async def _list(api: Api, call: Call) -> Page[UsageShown]:
    query = call.query(UsageQuery)
    wanted = UsageFilter(
        seller_id=query.seller_id,
        operation=query.operation,
        from_day=query.from_day,
        to_day=query.to_day,
    )

    async def fetch(after: str | None, limit: int) -> Sequence[UsageCount]:
        if after is not None and not unquote(after).isprintable():
            raise InvalidInputError("query.cursor: it is none; take a next_cursor")
        return await api.store.usage.list(wanted, after=after, limit=limit)

    return await page_of(query.cursor, query.limit, fetch, _shown, cursor)


def _shown(count: UsageCount) -> UsageShown:
    called = count.called
    return shown(UsageShown, called, seller_id=called.seller_id or None, calls=count.calls)


ROUTES: Final = (
    Route(
        method="GET",
        path="/v1/usage",
        name="list_usage",
        tag="gateway",
        summary="Count the requests sent to Amazon, by day, seller, operation and outcome",
        scope=Scope.READ,
        operators_only=True,
        query=UsageQuery,
        answer=Page[UsageShown],
        handler=_list,
    ),
)
