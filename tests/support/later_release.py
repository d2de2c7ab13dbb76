"""The schema of a release to come, which this one doesn't know: an expansion of each table."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import asyncpg

from gateway.store.database_url import DatabaseUrl
from gateway.store.migrate import FLOOR, REVISIONS
from gateway.store.schema import metadata

REVISION = "9999"


async def upgrade_by_a_later_release(url: str, *, floor: str = FLOOR) -> None:
    """Do to a database of today's what the next release's `gateway db upgrade` may do to it.

    Each table gains a column that may be left out in either way there is, and an index; there is a
    new table; and the revision is one that nobody knows yet.
    """
    statements = [
        "CREATE TABLE later (id TEXT NOT NULL PRIMARY KEY)",
        *(
            statement
            for table in metadata.tables
            for statement in (
                f"ALTER TABLE {table} ADD COLUMN later_text TEXT",
                f"ALTER TABLE {table} ADD COLUMN later_number BIGINT NOT NULL DEFAULT 7",
                f"CREATE INDEX ix_{table}_later ON {table} (later_number)",
            )
        ),
        f"UPDATE alembic_version SET version_num = '{REVISION}'",
        f"UPDATE schema_floor SET revision = '{floor}'",
    ]
    assert REVISION not in REVISIONS
    await _run(url, statements)


async def raise_floor(url: str) -> None:
    """Let the database say that only the release to come can work on it."""
    await _run(url, [f"UPDATE schema_floor SET revision = '{REVISION}'"])


async def _run(url: str, statements: list[str]) -> None:
    where = DatabaseUrl.parse(url)
    if where.path is not None:
        await asyncio.to_thread(_run_on_sqlite, str(where.path), statements)
        return
    connection = await asyncpg.connect(where.dsn)
    try:
        async with connection.transaction():
            for statement in statements:
                await connection.execute(statement)
    finally:
        await connection.close()


def _run_on_sqlite(path: str, statements: list[str]) -> None:
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        for statement in statements:
            connection.execute(statement)
        connection.execute("COMMIT")
