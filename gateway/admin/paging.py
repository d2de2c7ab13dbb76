"""Lists in pages: what every list takes and answers.

Pages go by key, so none skips or repeats what was added meanwhile.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from pydantic import Field

from gateway.admin.fields import Cursor, Given, Shown
from gateway.admin.routes import Call
from gateway.store.listing import Scan

S = TypeVar("S", bound=Shown)
R = TypeVar("R")

_LIMIT = 50
_LIMIT_MAX = 500


class PageQuery(Given):
    """Which part of a list."""

    cursor: Cursor | None = Field(
        default=None, description="`next_cursor` of the page before; left out for the first page."
    )
    limit: int = Field(default=_LIMIT, ge=1, le=_LIMIT_MAX, description="At most so many items.")


class Page(Shown, Generic[S]):
    """One page of a list."""

    items: list[S]
    next_cursor: str | None = Field(description="Where the next page begins; null for the last.")


def page_asked(call: Call) -> tuple[str | None, int]:
    """Return cursor and limit of a list that takes nothing else."""
    query = call.query(PageQuery)
    return query.cursor, query.limit


async def page_of(
    after: str | None,
    limit: int,
    fetch: Callable[[str | None, int], Awaitable[Sequence[R]]],
    show: Callable[[R], S],
    cursor: Callable[[R], str],
) -> Page[S]:
    """Return a page.

    Args:
        after: Cursor behind which it begins; None for the first.
        limit: Most items.
        fetch: Returns records behind a cursor, at most so many.
        show: Makes of a record what is shown.
        cursor: Returns a record's place in the list.
    """
    found = await fetch(after, limit + 1)
    records = found[:limit]
    more = len(found) > limit
    return Page(
        items=[show(record) for record in records],
        next_cursor=cursor(records[-1]) if more else None,
    )


def scanned_page(found: Scan[R], show: Callable[[R], S]) -> Page[S]:
    """Return a page of what was found in the rows that were looked through."""
    return Page(items=[show(record) for record in found.items], next_cursor=found.after)
