"""Schemas of SQLite files held against each other: is the later one an expansion of the earlier?

An expansion is what the release that knows only the earlier schema doesn't notice: new tables, new
columns that may be left out, new indexes that refuse nothing.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """As SQLite tells it."""

    type: str
    not_null: bool
    default: str | None
    key_position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One table.

    Attributes:
        indexes: The text of each by its name; None for that of a UNIQUE constraint.
        checks: How many CHECK constraints, foreign keys and triggers it has.
    """

    columns: Mapping[str, Column]
    indexes: Mapping[str, str | None]
    unique: frozenset[str]
    checks: int


def shapes(path: Path) -> dict[str, Shape]:
    """Return the tables of a SQLite file, but for alembic's own."""
    connection = sqlite3.connect(path)
    try:
        names = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'table'"
            " AND name NOT LIKE 'alembic%' AND name NOT LIKE 'sqlite%'"
        ).fetchall()
        return {name: _shape(connection, name, sql) for name, sql in names}
    finally:
        connection.close()


def breaches(earlier: Mapping[str, Shape], later: Mapping[str, Shape]) -> list[str]:
    """Return what the release of the earlier schema would stumble over in the later one."""
    return [
        fault
        for name, before in earlier.items()
        for fault in (
            _of_table(name, before, later[name]) if name in later else [f"{name}: is gone"]
        )
    ]


def _of_table(name: str, before: Shape, after: Shape) -> Iterator[str]:
    for column, was in before.columns.items():
        now = after.columns.get(column)
        if now is None:
            yield f"{name}.{column}: is gone, or has another name"
        elif now != was:
            yield f"{name}.{column}: was {was}, is {now}"
    for column, new in after.columns.items():
        if column not in before.columns and new.not_null and new.default is None:
            yield f"{name}.{column}: can't be left out by who doesn't know it"
    for index, text in before.indexes.items():
        if after.indexes.get(index, "") != text:
            yield f"{name}: index {index} is gone, or another"
    for index in after.unique - before.unique:
        yield f"{name}: index {index} refuses what was allowed"
    if after.checks > before.checks:
        yield f"{name}: a constraint or trigger that was not there may refuse what was allowed"


def _shape(connection: sqlite3.Connection, name: str, sql: str) -> Shape:
    columns = {
        row[1]: Column(type=row[2], not_null=bool(row[3]), default=row[4], key_position=row[5])
        for row in connection.execute(f"PRAGMA table_info({name})")
    }
    texts = dict(
        connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ?", (name,)
        ).fetchall()
    )
    unique = {row[1] for row in connection.execute(f"PRAGMA index_list({name})") if row[2]}
    (triggers,) = connection.execute(
        "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (name,)
    ).fetchone()
    return Shape(
        columns=columns,
        indexes={
            key: None if text is None else " ".join(text.split()) for key, text in texts.items()
        },
        unique=frozenset(unique),
        checks=triggers + len(re.findall(r"\b(?:CHECK|REFERENCES)\b", sql)),
    )
