"""Counts of calls to Amazon: added in sets, read in pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any, Final
from urllib.parse import quote, unquote

from sqlalchemy import select, tuple_

from gateway.errors import InvalidInputError
from gateway.store import schema
from gateway.store.driver import Driver
from gateway.store.statements import Cold, One, Plan, insert, one_step
from gateway.usage import Called, UsageCount

_TABLE: Final = schema.usage_counts
_KEY: Final = tuple(column for column in _TABLE.c if column.name != "calls")
_ADD: Final = insert(
    _TABLE,
    tuple(column.name for column in _TABLE.c),
    f"""
    ON CONFLICT ({", ".join(column.name for column in _KEY)})
    DO UPDATE SET calls = usage_counts.calls + excluded.calls
    """,
)
_OLDEST: Final = One("SELECT MIN(day) FROM usage_counts WHERE day < $1")
_DELETE_DAY: Final = One("DELETE FROM usage_counts WHERE day = $1")
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageFilter:
    """Which counts are read; None takes all.

    Attributes:
        operation: Full name, or the operation id alone.
        from_day: First day, such as `2026-01-01`.
        to_day: Last day.
    """

    seller_id: str | None = None
    operation: str | None = None
    from_day: str | None = None
    to_day: str | None = None


class Usage:
    """See the module."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def add(self, counts: Sequence[UsageCount]) -> None:
        """Add to what is counted already; all of `counts` tell something else apart.

        Raises:
            StoreUnavailableError: Nothing was added.
        """
        # In order, so that replicas never hold rows that the other waits for.
        rows = sorted((*astuple(one.called), one.calls) for one in counts)
        await self._driver.write(lambda: _add(rows))

    async def list(
        self, wanted: UsageFilter, *, after: str | None = None, limit: int = 50
    ) -> Sequence[UsageCount]:
        """Return counts in order of day, then of whom and what they count.

        Args:
            wanted: Which.
            after: Go on behind this one, by `cursor`.
            limit: At most so many.

        Raises:
            InvalidInputError: `after` is no cursor.
            StoreUnavailableError: The store can't be read now.
        """
        query = select(*_TABLE.c)
        if wanted.seller_id is not None:
            query = query.where(_TABLE.c.seller_id == wanted.seller_id)
        if wanted.operation is not None:
            matches = _TABLE.c.operation == wanted.operation
            if "." not in wanted.operation:
                matches = _TABLE.c.operation.endswith(f".{wanted.operation}", autoescape=True)
            query = query.where(matches)
        if wanted.from_day is not None:
            query = query.where(_TABLE.c.day >= wanted.from_day)
        if wanted.to_day is not None:
            query = query.where(_TABLE.c.day <= wanted.to_day)
        if after is not None:
            query = query.where(tuple_(*_KEY) > tuple_(*_parts(after)))
        query = query.order_by(*_KEY).limit(limit)
        rows = await self._driver.read(lambda: one_step(Cold(query)()))
        return [UsageCount(called=Called(**_named(row)), calls=row[-1]) for row in rows]

    async def forget(self, before_day: str) -> bool:
        """Delete the counts of the oldest day before `before_day`; return whether there was one.

        Raises:
            StoreUnavailableError: Nothing was deleted.
        """
        return await self._driver.write(lambda: _forget(before_day))


def _forget(before_day: str) -> Plan[bool]:
    day = (yield _OLDEST(before_day))[0][0]
    if day is None:
        return False
    yield _DELETE_DAY(day)
    return True


def cursor(count: UsageCount) -> str:
    """Return what names `count` as the place to go on behind."""
    return "/".join(quote(part, safe="") for part in astuple(count.called))


def _parts(text: str) -> Sequence[str]:
    parts = [unquote(part) for part in text.split("/")]
    if len(parts) != len(_KEY):
        raise InvalidInputError(f"{text!r} is no cursor of usage counts; take a next_cursor")
    return parts


def _named(row: Sequence[Any]) -> dict[str, Any]:
    return {column.name: value for column, value in zip(_KEY, row, strict=False)}


def _add(rows: Sequence[Sequence[Any]]) -> Plan[None]:
    for start in range(0, len(rows), _AT_ONCE):
        yield _ADD(rows[start : start + _AT_ONCE])
