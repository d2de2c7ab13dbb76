"""How a store method is written once for two databases: plans that yield steps.

A plan is a generator. It yields steps (a statement with its parameters), is sent the rows that each
step brought, and returns the method's result; the driver runs all of it in one transaction. A plan
may be started again after a rollback, so it changes nothing outside the database. It never awaits,
and knows neither driver.

SQL is written with `$1`-style parameters. Where the two databases want different text, both stand
side by side; where PostgreSQL needs a row lock, `{lock}` and `{skip_locked}` mark the place.
Rows that are picked with a limit and a lock stand in a WITH of their own: behind IN, PostgreSQL may
ask for them again for each row, and pick others each time.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

from sqlalchemy import (
    BigInteger,
    Boolean,
    Double,
    Executable,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
)

T = TypeVar("T")
Row: TypeAlias = Sequence[Any]
Rows: TypeAlias = Sequence[Row]

_ARRAY_TYPES: Final = (
    (SmallInteger, "smallint"),
    (BigInteger, "bigint"),
    (Double, "double precision"),
    (Boolean, "boolean"),
    (LargeBinary, "bytea"),
    (Text, "text"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One statement with its parameters; `params` of `Many` and `Each` is a sequence of rows."""

    statement: One | Many | Each | Signal | Cold
    params: Sequence[Any] = ()


Plan: TypeAlias = Generator[Step, Rows, T]


class One:
    """A statement that runs once.

    Attributes:
        sqlite: Text for SQLite; None where SQLite has nothing to do, and no rows come.
        postgres: Text for PostgreSQL, None likewise.
    """

    __slots__ = ("postgres", "sqlite")

    def __init__(self, sqlite: str | None, postgres: str | None = None) -> None:
        self.sqlite = None if sqlite is None else _for_sqlite(sqlite)
        both = postgres if postgres is not None else sqlite
        self.postgres = None if both is None else _for_postgres(both)

    def __call__(self, *params: Any) -> Step:
        return Step(self, params)


class Many:
    """A statement over a set of rows, which stand in it as the table `{rows}`.

    SQLite gets `VALUES (?, ?), …`, PostgreSQL `SELECT * FROM unnest($1::text[], …)`.

    Attributes:
        width: Number of columns in a row.
    """

    __slots__ = ("_before_after", "postgres", "width")

    def __init__(self, template: str, types: Sequence[str]) -> None:
        arrays = ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(types, 1))
        unnest = f"SELECT * FROM unnest({arrays})"  # noqa: S608 types are ours
        before, after = template.split("{rows}")
        self.postgres = _for_postgres(before + unnest + after)
        self._before_after = (_for_sqlite(before), _for_sqlite(after))
        self.width = len(types)

    def sqlite(self, count: int) -> str:
        """Return the text for SQLite with room for `count` rows."""
        row = f"({', '.join('?' * self.width)})"
        before, after = self._before_after
        return f"{before}VALUES {', '.join([row] * count)}{after}"

    def __call__(self, rows: Sequence[Row]) -> Step:
        return Step(self, rows)


class Each:
    """A statement that SQLite runs for each row and PostgreSQL once for all of them (`{rows}`)."""

    __slots__ = ("postgres", "sqlite")

    def __init__(self, sqlite: str, postgres: str, types: Sequence[str]) -> None:
        self.sqlite = _for_sqlite(sqlite)
        self.postgres = Many(postgres, types).postgres

    def __call__(self, rows: Sequence[Row]) -> Step:
        return Step(self, rows)


@dataclass(frozen=True, slots=True)
class Signal:
    """Wakes those who wait on `topic`, once the transaction is committed."""

    topic: str

    def __call__(self) -> Step:
        return Step(self)


class Cold:
    """A statement built with SQLAlchemy Core, for paths where compiling it each time is cheap."""

    __slots__ = ("executable",)

    def __init__(self, executable: Executable) -> None:
        self.executable = executable

    def __call__(self) -> Step:
        return Step(self)


def one_step(step: Step) -> Plan[Rows]:
    """The plan of a method that is one step: do it, and return its rows."""
    return (yield step)


def insert(table: Table, columns: Sequence[str], ending: str = "") -> Many:
    """Return the statement that inserts rows of `columns` into `table`."""
    types = [_array_type(table, name) for name in columns]
    into = f"INSERT INTO {table.name} ({', '.join(columns)}) {{rows}}"
    return Many(f"{into} {ending}", types)


def _array_type(table: Table, column: str) -> str:
    kind = table.c[column].type
    return next(name for cls, name in _ARRAY_TYPES if isinstance(kind, cls))


def _for_sqlite(sql: str) -> str:
    unlocked = sql.replace("{skip_locked}", "").replace("{lock}", "")
    return re.sub(r"\$(\d+)", r"?\1", unlocked)


def _for_postgres(sql: str) -> str:
    return sql.replace("{skip_locked}", "FOR UPDATE SKIP LOCKED").replace("{lock}", "FOR UPDATE")
