"""Lists of large tables: one page, in a time that does not grow with the table.

A page is read along an index, newest first. What the index doesn't know is judged row by row, for a
bounded number of rows: where little of much is wanted a page may hold less than was asked for, or
nothing, and still name where the next one begins. It decides nothing about what is wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, Table, func, literal_column, select

from gateway.store.statements import Cold, Plan, Row, Rows

V = TypeVar("V")

SCANNED_AT_ONCE: Final = 10_000
# What one page of a list by ids may ask for.
_IDS_AT_ONCE: Final = 1_000
_READINESS: Final = range(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan(Generic[V]):
    """What was found in the rows that were looked through.

    Attributes:
        after: Where to go on; None where all was looked through.
    """

    items: Sequence[V]
    after: str | None

    def __iter__(self) -> Iterator[V]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> V:
        return self.items[index]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which page of which list.

    Attributes:
        query: What is selected of each row, the id first.
        table: Whose ids the list goes by.
        along: Conditions that an index of the table has, with the id behind them.
        besides: Conditions that it has not.
        after: Id of the last row of the page before.
        scanned: Rows that are looked through at once.
    """

    query: Select[Any]
    table: Table
    along: Sequence[ColumnElement[bool]] = ()
    besides: Sequence[ColumnElement[bool]] = ()
    after: str | None
    limit: int
    scanned: int = SCANNED_AT_ONCE


def page(asked: Asked, view: Callable[[Row], V]) -> Plan[Scan[V]]:
    """Return a page of a list."""
    ids = asked.table.c.id
    behind = [*asked.along, *([] if asked.after is None else [ids < asked.after])]
    edge: list[ColumnElement[bool]] = []
    end: str | None = None
    if asked.besides:
        window = (
            select(ids).where(*behind).order_by(ids.desc()).limit(asked.scanned).subquery("looked")
        )
        last, looked = (
            yield Cold(select(func.min(window.c.id), func.count()).select_from(window))()
        )[0]
        if not looked:
            return Scan(items=[], after=None)
        edge, end = [ids >= last], last if looked == asked.scanned else None
    query = asked.query.where(*behind, *edge, *asked.besides).order_by(ids.desc())
    rows = yield Cold(query.limit(asked.limit + 1))()
    items = [view(row) for row in rows[: asked.limit]]
    return Scan(items=items, after=rows[asked.limit - 1][0] if len(rows) > asked.limit else end)


def page_of_ids(asked: Asked, ids: Sequence[str], view: Callable[[Row], V]) -> Plan[Scan[V]]:
    """Return a page of a list whose rows are among `ids`, all of them."""
    left = sorted((one for one in ids if asked.after is None or one < asked.after), reverse=True)
    rows: list[Row] = []
    while left and len(rows) <= asked.limit:
        part, left = left[:_IDS_AT_ONCE], left[_IDS_AT_ONCE:]
        named = asked.query.where(asked.table.c.id.in_(part), *asked.along, *asked.besides)
        rows += yield Cold(named.order_by(asked.table.c.id.desc()).limit(asked.limit + 1))()
    items = [view(row) for row in rows[: asked.limit]]
    return Scan(items=items, after=rows[asked.limit - 1][0] if len(rows) > asked.limit else None)


def unfinished(table: Table, state: str) -> Plan[Sequence[str] | None]:
    """Return the ids of all rows in a state that does not last; None where there are very many.

    Conditions are those of the indexes that claims go by, written out.
    """
    if state != "pending":
        parts = [select(table.c.id).where(literal_column("state") == literal_column(f"'{state}'"))]
    else:
        parts = [
            select(table.c.id).where(
                literal_column("state") == literal_column("'pending'"),
                literal_column("readiness") == literal_column(str(one)),
            )
            for one in _READINESS
        ]
    found: list[str] = []
    for part in parts:
        rows: Rows = yield Cold(part.limit(SCANNED_AT_ONCE - len(found) + 1))()
        found += [row[0] for row in rows]
        if len(found) > SCANNED_AT_ONCE:
            return None
    return found


def equal(table: Table, wanted: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    """Return the conditions that columns have the values that are given."""
    return [table.c[name] == str(value) for name, value in wanted.items() if value is not None]


def judged(table: Table, wanted: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    """Return the same, but so that no index is chosen for them: the rows lie in a range already."""
    return [
        func.coalesce(table.c[name], "") == str(value)
        for name, value in wanted.items()
        if value is not None
    ]
