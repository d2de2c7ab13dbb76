"""What the store really sends for a question, and the databases' plans for it."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import asyncpg

from gateway.store import postgres, sqlite_runner
from gateway.store.driver import Driver
from gateway.store.statements import Cold, Each, Many, One, Plan, Rows, Step

T = TypeVar("T")

LARGE = (
    "notifications",
    "notification_refs",
    "receipts",
    "handlings",
    "events",
    "deliveries",
    "attempts",
    "quarantine",
)
# A walk along one of these reads what waits, or what rarely is: never history.
FEW = re.compile(
    r"ix_\w+_(ready|due|suspect|parked|leased|held|dead|dead_notification|ignored|jobs)\b"
)


class RecordingDriver:
    """Passes plans on and keeps their steps."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self.steps: list[Step] = []

    async def read(self, plan: Callable[[], Plan[T]]) -> T:
        return await self._driver.read(lambda: self._kept(plan()))

    async def write(
        self, plan: Callable[[], Plan[T]], *, brief: bool = False, durable: bool = True
    ) -> T:
        return await self._driver.write(lambda: self._kept(plan()), brief=brief, durable=durable)

    async def close(self) -> None:
        await self._driver.close()

    def _kept(self, plan: Plan[T]) -> Plan[T]:
        rows: Rows = ()
        try:
            step = next(plan)
            while True:
                self.steps.append(step)
                rows = yield step
                step = plan.send(rows)
        except StopIteration as end:
            result: T = end.value
            return result


def sqlite_faults(connection: sqlite3.Connection, step: Step) -> Sequence[str]:
    """Return the lines of a statement's plan that read a large table from end to end."""
    match step.statement:
        case Cold(executable=executable):
            sql, params = sqlite_runner._compiled(executable)
        case Many() as many:
            sql, params = many.sqlite(1), tuple(step.params[0])
        case Each(sqlite=text):
            sql, params = text, tuple(step.params[0])
        case One(sqlite=text) if text is not None:
            sql, params = text, tuple(step.params)
        case _:
            return ()
    plan = connection.execute(f"EXPLAIN QUERY PLAN {sql}", params).fetchall()
    lines = [str(row[3]) for row in plan]
    # A walk along a key is bounded where the statement is, unless all of it is sorted first.
    sorts = any("TEMP B-TREE FOR ORDER BY" in line for line in lines)
    return [line for line in lines if _sqlite_scan(line, "" if sorts else sql)]


def _sqlite_scan(line: str, sql: str) -> bool:
    found = re.match(r"SCAN (\w+)(.*)", line)
    if found is None or FEW.search(line):
        return False
    if not {found[1], *re.findall(rf"(\w+) AS {found[1]}\b", sql)} & set(LARGE):
        return False
    return "LIMIT" not in sql.upper() or " WHERE " in sql.upper().replace("\n", " ")


async def postgres_faults(
    connection: asyncpg.Connection[Any], step: Step, *, most: int
) -> Sequence[str]:
    """Return the parts of a statement's plan that read more than `most` rows of a large table."""
    sql, params = postgres._sql(step)
    if sql is None:
        return ()
    plan = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", *params)
    return [
        f"{node['Node Type']} on {node['Relation Name']} read {read} rows"
        for node in _nodes(json.loads(plan)[0]["Plan"])
        if node.get("Relation Name") in LARGE and (read := _rows_read(node)) > most
    ]


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _rows_read(node: Mapping[str, Any]) -> int:
    removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Join Filter", 0)
    return round((node["Actual Rows"] + removed) * node["Actual Loops"])
