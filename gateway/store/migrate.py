"""Brings a database's schema to this release's, and says where it stands.

Alembic runs the migrations on SQLite and writes them as SQL for PostgreSQL; each upgrade is one
transaction on both. It is imported only where there is something to migrate, because starting must
be quick.
"""

from __future__ import annotations

import asyncio
import io
import sqlite3
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.errors import SchemaOutdatedError
from gateway.store.database_url import DatabaseUrl
from gateway.store.sqlite import connect, translated

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

REVISIONS: Final = (
    "0001",
    "0002",
    "0003",
    "0004",
    "0005",
    "0006",
    "0007",
    "0008",
    "0009",
    "0010",
    "0011",
    "0012",
    "0013",
    "0014",
)
"""All revisions in their order; the last one is this release's."""

_MIGRATIONS: Final = Path(__file__).parent / "migrations"
# Any number will do, as long as nobody else locks it in the same database.
_MIGRATION_LOCK: Final = 0x67617465


class SchemaState(StrEnum):
    """How a database's schema compares with this release's."""

    EMPTY = "empty"
    OUTDATED = "outdated"
    CURRENT = "current"
    NEWER = "newer"


async def schema_state(url: str) -> SchemaState:
    """Return where the database's schema stands.

    Raises:
        StoreUnavailableError: The database can't be asked.
    """
    where = DatabaseUrl.parse(url)
    if where.path is not None:
        return await asyncio.to_thread(_sqlite_state, where.path)
    from gateway.store.postgres import fetch_revision  # noqa: PLC0415 asyncpg only where needed

    return _state(await fetch_revision(where.dsn))


async def upgrade(url: str) -> None:
    """Bring the database's schema to this release's.

    Raises:
        SchemaOutdatedError: The schema is of a newer release.
        StoreUnavailableError: The database can't be used.
    """
    if await schema_state(url) is SchemaState.NEWER:
        raise SchemaOutdatedError(newer_message(url))
    where = DatabaseUrl.parse(url)
    if where.path is not None:
        await asyncio.to_thread(_upgrade_sqlite, where.path)
        return
    from gateway.store.postgres import run_script  # noqa: PLC0415 asyncpg only where needed

    await run_script(where.dsn, lock=_MIGRATION_LOCK, script=lambda r: _script(r or "base"))


def newer_message(url: str) -> str:
    """Return what to tell who opens a newer release's database."""
    del url  # it may hold a password
    return (
        "the database was made by a newer release of the gateway; run that release or a later one"
    )


def _state(revision: str | None) -> SchemaState:
    if revision is None:
        return SchemaState.EMPTY
    if revision not in REVISIONS:
        return SchemaState.NEWER
    return SchemaState.CURRENT if revision == REVISIONS[-1] else SchemaState.OUTDATED


def _sqlite_state(path: Path) -> SchemaState:
    if not path.exists():
        return SchemaState.EMPTY
    try:
        connection = connect(path, writes=False)
        try:
            known = connection.execute(
                "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
            ).fetchone()
            found = (
                connection.execute("SELECT version_num FROM alembic_version").fetchone()
                if known
                else None
            )
        finally:
            connection.close()
    except sqlite3.Error as exc:
        raise translated(exc, path) from exc
    return _state(found[0] if found else None)


def _upgrade_sqlite(path: Path) -> None:
    from sqlalchemy import create_engine  # noqa: PLC0415 see the module
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    engine = create_engine("sqlite://", creator=lambda: connect(path), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            # The driver is in autocommit mode: without this each statement would stand alone, and
            # two processes could migrate at once.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            _run_migrations(connection)
            connection.exec_driver_sql("COMMIT")
    except sqlite3.Error as exc:
        raise translated(exc, path) from exc
    except SQLAlchemyError as exc:
        cause = exc.__cause__
        raise (translated(cause, path) if isinstance(cause, sqlite3.Error) else exc) from exc


def _run_migrations(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 see the module

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _script(revision: str) -> str:
    """Return the SQL that leads from `revision` to this release's schema on PostgreSQL."""
    from alembic import command  # noqa: PLC0415 see the module

    if revision == REVISIONS[-1]:
        return ""
    script = io.StringIO()
    command.upgrade(_config(script), f"{revision}:head", sql=True)
    return script.getvalue()


def _config(output: io.StringIO | None = None) -> Config:
    from alembic.config import Config  # noqa: PLC0415 see the module

    config = Config() if output is None else Config(output_buffer=output)
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config
