"""Opening, migrating, refusing; and that migrations arrive at the metadata."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from gateway.errors import (
    ConfigurationError,
    ConflictError,
    SchemaOutdatedError,
    StoreUnavailableError,
)
from gateway.store import SchemaState, acquire_service_lock, open_store, schema_state, upgrade
from gateway.store.migrate import _MIGRATIONS, FLOOR, REVISIONS, Standing, standing
from gateway.store.schema import metadata
from tests.conformance.store.world import FakeClock, FakeSealer, RecordedSignals, World
from tests.support.postgres import PostgresServer


async def _open(url: str, *, migrate: bool = False) -> None:
    store = await open_store(
        url, sealer=FakeSealer(), clock=FakeClock(), signals=RecordedSignals(), migrate=migrate
    )
    await store.close()
    await store.close()


async def test_a_missing_file_is_made_only_where_asked(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    assert await schema_state(url) is SchemaState.EMPTY
    with pytest.raises(SchemaOutdatedError, match="gateway db upgrade"):
        await _open(url)
    assert list(tmp_path.iterdir()) == []
    await _open(url, migrate=True)
    assert await schema_state(url) is SchemaState.CURRENT
    await upgrade(url)
    await _open(url)


@pytest.mark.postgres
async def test_postgres_is_never_migrated_by_the_way(postgres_server: PostgresServer) -> None:
    url = await postgres_server.create_database(migrated=False)
    assert await schema_state(url) is SchemaState.EMPTY
    with pytest.raises(SchemaOutdatedError, match="gateway db upgrade"):
        await _open(url, migrate=True)
    await asyncio.gather(upgrade(url), upgrade(url))
    assert await schema_state(url) is SchemaState.CURRENT
    await _open(url)
    await postgres_server.drop_database(url)


@pytest.mark.parametrize("floor", ["9999", None])
async def test_a_newer_schema_is_refused(url: str, floor: str | None) -> None:
    async with _as_of(url, "9999", floor):
        assert await schema_state(url) is SchemaState.NEWER
        for work in (_open(url, migrate=True), upgrade(url)):
            with pytest.raises(
                SchemaOutdatedError, match=r"newer release .*9999.*run that release"
            ):
                await work


async def test_a_newer_schema_that_has_room_for_this_release_is_used_as_it_is(url: str) -> None:
    async with _as_of(url, "9999", REVISIONS[-1]):
        assert await schema_state(url) is SchemaState.AHEAD
        await _open(url, migrate=True)
        await upgrade(url)
        assert await standing(url) == Standing(revision="9999", floor=REVISIONS[-1])
        assert await schema_state(url) is SchemaState.AHEAD


async def test_a_new_schema_has_this_releases_floor(url: str) -> None:
    assert await standing(url) == Standing(revision=REVISIONS[-1], floor=FLOOR)


@asynccontextmanager
async def _as_of(url: str, revision: str, floor: str | None) -> AsyncIterator[None]:
    """Let the database say that it is of another revision, with that floor."""
    store = await open_store(url, sealer=FakeSealer(), clock=FakeClock(), signals=RecordedSignals())
    async with store:
        world = World(store, FakeClock())
        await world.change(f"UPDATE alembic_version SET version_num = '{revision}'")
        await world.change("DELETE FROM schema_floor")
        if floor is not None:
            await world.change(f"INSERT INTO schema_floor VALUES (1, '{floor}')")
        try:
            yield
        finally:
            await world.change(f"UPDATE alembic_version SET version_num = '{REVISIONS[-1]}'")
            await world.change("DELETE FROM schema_floor")
            await world.change(f"INSERT INTO schema_floor VALUES (1, '{FLOOR}')")


@pytest.mark.parametrize("url", ["mysql://x", "sqlite:///", "gateway.db", ""])
async def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"store\.url"):
        await _open(url)


async def test_what_cant_be_opened_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError):
        await _open(f"sqlite:///{tmp_path / 'no' / 'folder.db'}", migrate=True)
    (tmp_path / "text.db").write_text("this is no database at all, but long enough to look at")
    with pytest.raises(StoreUnavailableError):
        await _open(f"sqlite:///{tmp_path / 'text.db'}", migrate=True)
    with pytest.raises(StoreUnavailableError):
        await _open("postgresql://nobody@127.0.0.1:9/none")


def test_the_known_revisions_are_the_scripts() -> None:
    scripts = ScriptDirectory(str(_MIGRATIONS))
    assert tuple(s.revision for s in scripts.walk_revisions())[::-1] == REVISIONS


async def test_sqlite_migrations_arrive_at_the_metadata(tmp_path: Path) -> None:
    path = tmp_path / "migrated.db"
    await upgrade(f"sqlite:///{path}")
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()
    direct = tmp_path / "direct.db"
    engine = create_engine(f"sqlite:///{direct}")
    metadata.create_all(engine)
    engine.dispose()
    assert _sqlite_schema(path) == _sqlite_schema(direct)


def _sqlite_schema(path: Path) -> list[tuple[object, ...]]:
    """Columns and indexes, in no order: a column that was added stands last in its table's text."""
    connection = sqlite3.connect(path)
    try:
        tables = connection.execute(
            "SELECT name, wr FROM pragma_table_list WHERE type = 'table' AND schema = 'main'"
            " AND name NOT LIKE 'alembic%' AND name NOT LIKE 'sqlite%'"
        ).fetchall()
        columns = [
            (table, *column[1:])
            for table, _ in tables
            for column in connection.execute(f"PRAGMA table_info({table})")
        ]
        indexes = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        ).fetchall()
    finally:
        connection.close()
    assert len(columns) > 100
    return sorted(
        [*tables, *columns, *((name, " ".join(sql.split())) for name, sql in indexes)], key=repr
    )


@pytest.mark.postgres
async def test_postgres_migrations_arrive_at_the_metadata(postgres_server: PostgresServer) -> None:
    migrated = await postgres_server.create_database()
    direct = await postgres_server.create_database(migrated=False)
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    connection = await asyncpg.connect(direct)
    for table in metadata.sorted_tables:
        await connection.execute(str(CreateTable(table).compile(dialect=dialect)))
        for index in table.indexes:
            await connection.execute(str(CreateIndex(index).compile(dialect=dialect)))
    await connection.close()
    expected, found = await _postgres_schema(direct), await _postgres_schema(migrated)
    assert found == expected
    assert len(expected) > 100
    for url in (migrated, direct):
        await postgres_server.drop_database(url)


async def _postgres_schema(url: str) -> set[tuple[str, ...]]:
    connection = await asyncpg.connect(url)
    try:
        columns = await connection.fetch(
            """
            SELECT table_name, column_name, data_type, is_nullable, column_default, collation_name
            FROM information_schema.columns WHERE table_schema = 'public'
            """
        )
        indexes = await connection.fetch(
            "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'"
        )
    finally:
        await connection.close()
    rows = [tuple(str(value) for value in row) for row in (*columns, *indexes)]
    return {row for row in rows if not row[0].startswith("alembic")}


def test_only_one_service_has_a_file(tmp_path: Path) -> None:
    database = tmp_path / "gateway.db"
    lock = acquire_service_lock(database)
    with pytest.raises(ConflictError, match=f"pid {os.getpid()}"):
        acquire_service_lock(database)
    lock.release()
    lock.release()
    acquire_service_lock(database).release()


def test_a_killed_holder_leaves_the_lock(tmp_path: Path) -> None:
    database = tmp_path / "gateway.db"
    code = (
        "import sys, pathlib, time; from gateway.store import acquire_service_lock;"
        "lock = acquire_service_lock(pathlib.Path(sys.argv[1])); print('held', flush=True);"
        "time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(database)], stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(ConflictError, match=f"pid {holder.pid}"):
            acquire_service_lock(database)
        holder.kill()
        holder.wait()
    acquire_service_lock(database).release()


async def test_a_file_that_another_process_writes_is_waited_for(url: str, world: World) -> None:
    if not url.startswith("sqlite"):
        # The same promise on PostgreSQL: locks of other transactions are waited for.
        other = await asyncpg.connect(url)
        async with other.transaction():
            await other.execute("LOCK TABLE notifications IN EXCLUSIVE MODE")
            accepting = asyncio.create_task(world.accept(world.arrival()))
            await asyncio.sleep(0.05)
            assert not accepting.done()
        await accepting
        await other.close()
        return
    other_file = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    other_file.execute("BEGIN IMMEDIATE")
    accepting = asyncio.create_task(world.accept(world.arrival()))
    await asyncio.sleep(0.05)
    assert not accepting.done()
    other_file.execute("COMMIT")
    other_file.close()
    await accepting
