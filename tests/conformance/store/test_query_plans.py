"""Every statement of the hot paths finds its rows by an index, whatever history weighs."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

import gateway.store
from gateway.store import Store
from gateway.store.claims_sql import LeaseSql
from gateway.store.erasing_sql import DELETE_KEYED, PAGES, PAGES_OF_SELLER
from gateway.store.postgres import SETTINGS
from gateway.store.retention_sql import WALKS
from gateway.store.statements import Each, Many, One
from tests.conformance.store.world import World
from tests.support.postgres import PostgresServer

LARGE = (
    "notifications",
    "receipts",
    "handlings",
    "events",
    "deliveries",
    "attempts",
    "quarantine",
)
# Asked by operators only, or in rotation, which reads everything anyway.
COLD = ("gateway.store.queries", "gateway.store.rotation")
# These indexes hold rows that wait or are leased, never history.
PARTIAL = re.compile(r"ix_\w+_(ready|due|suspect|parked|leased|held)|uq_handlings_head")


def _statements() -> Iterator[tuple[str, Any]]:
    for module in pkgutil.iter_modules(gateway.store.__path__, "gateway.store."):
        if module.ispkg or module.name in COLD:
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, LeaseSql):
                for field in value.__dataclass_fields__:
                    yield f"{module.name}.{name}.{field}", getattr(value, field)
            elif isinstance(value, One | Many | Each):
                yield f"{module.name}.{name}", value
    for walk, sql in WALKS.items():
        one_by_one = [getattr(sql, field) for field in ("look", "again", "action", "first")]
        for number, statement in enumerate([*one_by_one, sql.count, sql.sample, *sql.hanging]):
            yield f"gateway.store.retention_sql.{walk}.{number}", statement
    for place, statement in (
        *PAGES.items(),
        *((f"{place}.seller", one) for place, one in PAGES_OF_SELLER.items()),
        *DELETE_KEYED.items(),
    ):
        yield f"gateway.store.erasing_sql.{place}.{type(statement).__name__}", statement


STATEMENTS = dict(_statements())


def test_the_statements_are_found() -> None:
    assert len(STATEMENTS) > 50


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_sqlite_scans_no_history(store: Store, world: World) -> None:
    del store
    faults = []
    for name, statement in STATEMENTS.items():
        sql = _sqlite_text(statement)
        if sql is None:
            continue
        rows = await world.rows(f"EXPLAIN QUERY PLAN {sql}", *[None] * _params(sql))
        faults += [f"{name}: {row[3]}" for row in rows if _scans(str(row[3]))]
    assert "\n".join(faults) == ""


def _sqlite_text(statement: Any) -> str | None:
    text = statement.sqlite(3) if isinstance(statement, Many) else statement.sqlite
    return text if text is None else str(text)


def _params(sql: str) -> int:
    numbered = [int(n) for n in re.findall(r"\?(\d+)", sql)]
    return max(numbered) if numbered else sql.count("?")


def _scans(line: str) -> bool:
    found = re.match(r"SCAN (\w+)", line)
    if found is None or PARTIAL.search(line):
        return False
    return found[1] in (*LARGE, "h", "n", "d", "e", "p", "r")


@pytest.mark.postgres
async def test_postgres_scans_no_history(postgres_server: PostgresServer) -> None:
    url = await postgres_server.create_database()
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(HISTORY)
        faults = []
        for name, statement in STATEMENTS.items():
            if statement.postgres is None:
                continue
            lines = await _postgres_plan(connection, statement.postgres)
            faults += [
                f"{name}: {line.strip()}"
                for line in lines
                if (found := re.search(r"Seq Scan on (\w+)", line)) and found[1] in LARGE
            ]
        assert "\n".join(faults) == ""
    finally:
        await connection.close()
        await postgres_server.drop_database(url)


@pytest.mark.postgres
async def test_postgres_scans_nothing_whatever_it_knows_of_the_tables(
    postgres_server: PostgresServer,
) -> None:
    """A plan that was made while the tables were empty is still good when they are full."""
    url = await postgres_server.create_database()
    connection = await asyncpg.connect(url, server_settings=SETTINGS)
    try:
        faults = []
        for name, statement in STATEMENTS.items():
            if statement.postgres is not None:
                lines = await _postgres_plan(connection, statement.postgres)
                faults += [f"{name}: {line.strip()}" for line in lines if _walks(line)]
        assert "\n".join(faults) == ""
    finally:
        await connection.close()
        await postgres_server.drop_database(url)


def _walks(line: str) -> bool:
    found = re.search(r"Seq Scan on (\w+)", line)
    return found is not None and found[1] in LARGE


async def _postgres_plan(connection: asyncpg.Connection[Any], sql: str) -> list[str]:
    numbers = [int(n) for n in re.findall(r"\$(\d+)", sql)]
    values = f"({', '.join(['NULL'] * max(numbers))})" if numbers else ""
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    await connection.execute(f"PREPARE asked AS {sql}")
    plan = await connection.fetch(f"EXPLAIN EXECUTE asked{values}")
    await connection.execute("DEALLOCATE asked")
    return [row[0] for row in plan]


HISTORY = """
INSERT INTO notifications SELECT 'ntf_' || n, 'i' || n, 't', '1', 'A' || n % 10, NULL, NULL, NULL,
  n, n, 'q', 'sqs', 'accepted', 'x', false FROM generate_series(1, 20000) AS n;
INSERT INTO handlings SELECT 'hdl_' || n, 'ntf_' || n, 'h', 0, 'A' || n % 10, 'k' || n, true,
  CASE WHEN n % 100 = 0 THEN 'pending' ELSE 'handled' END, n % 3, n, NULL, 0, 0, NULL, NULL, NULL,
  NULL, NULL, n, n, NULL, NULL FROM generate_series(1, 20000) AS n;
INSERT INTO events SELECT 'evt_' || n, 't', n, 'A', NULL, 'ntf_' || n, 'hdl_' || n, NULL, 'x', n
  FROM generate_series(1, 20000) AS n;
INSERT INTO endpoints SELECT 'ep_' || n, 'https://x', '', '[]', '[]', 'enabled', NULL, 4, NULL, NULL,
  '{}', n, n FROM generate_series(1, 20) AS n;
INSERT INTO deliveries SELECT 'dlv_' || n, 'evt_' || n, 'ep_' || n % 20,
  CASE WHEN n % 100 = 0 THEN 'pending' ELSE 'delivered' END, 1 + n % 2, n, 0, 0, NULL, NULL, n, NULL
  FROM generate_series(1, 20000) AS n;
INSERT INTO attempts SELECT 'att_' || n, 'dlv_' || n, 'ep_' || n % 20, 1, n, 1, 200, NULL, NULL, '',
  NULL, true, NULL FROM generate_series(1, 20000) AS n;
INSERT INTO quarantine SELECT 'qtn_' || n, 'i' || n, 'q', 'm' || n, 'no JSON', 'x', 1, n
  FROM generate_series(1, 20000) AS n;
INSERT INTO receipts SELECT 'ntf_' || n, 'ntf_' || n || 'b', 'm' || n, 'q', 'sqs', n
  FROM generate_series(1, 20000) AS n;
ANALYZE;
"""
