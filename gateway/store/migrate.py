"""Brings a database's schema to this release's, and says where it stands.

Alembic runs the migrations on SQLite and writes them as SQL for PostgreSQL; each upgrade is one
transaction on both. It is imported only where there is something to migrate, because starting must
be quick.
"""

from __future__ import annotations

import asyncio
import io
import sqlite3
from dataclasses import dataclass
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
    "0015",
    "0016",
    "0017",
    "0018",
    "0019",
    "0020",
    "0021",
    "0022",
    "0023",
    "0024",
    "0025",
    "0026",
)
"""All revisions in their order; the last one is this release's."""

FLOOR: Final = "0016"
"""The oldest revision whose release can work on this release's schema.

A revision that only expands leaves it as it is. One that contracts raises it, at most to the last
revision of the release before this one, which must no longer use what is taken away.
"""

_MIGRATIONS: Final = Path(__file__).parent / "migrations"
# Any number will do, as long as nobody else locks it in the same database.
_MIGRATION_LOCK: Final = 0x67617465
_SET_FLOOR: Final = f"UPDATE schema_floor SET revision = '{FLOOR}' WHERE id = 1"  # noqa: S608 ours


class SchemaState(StrEnum):
    """How a database's schema compares with this release's.

    AHEAD is a newer release's that this one can work on; on one that is NEWER it can't.
    """

    EMPTY = "empty"
    OUTDATED = "outdated"
    CURRENT = "current"
    AHEAD = "ahead"
    NEWER = "newer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a database's schema stands.

    Attributes:
        revision: The last that was run; None where there is no schema.
        floor: The oldest revision whose release can work on it; None before there was one.
    """

    revision: str | None
    floor: str | None = None

    @property
    def state(self) -> SchemaState:
        """How it compares with this release's."""
        if self.revision is None:
            return SchemaState.EMPTY
        if self.revision not in REVISIONS:
            return SchemaState.AHEAD if self.floor in REVISIONS else SchemaState.NEWER
        is_last = self.revision == REVISIONS[-1]
        return SchemaState.CURRENT if is_last else SchemaState.OUTDATED

    def refusal(self) -> str:
        """Return what to tell who opens a database that is NEWER."""
        need = "" if self.floor is None else f", which needs a release that knows {self.floor}"
        return (
            f"the database was made by a newer release of the gateway (revision {self.revision}"
            f"{need}; this one knows {REVISIONS[-1]}); run that release or a later one"
        )


async def schema_state(url: str) -> SchemaState:
    """Return how the database's schema compares with this release's; see `standing`."""
    return (await standing(url)).state


async def standing(url: str) -> Standing:
    """Return where the database's schema stands.

    Raises:
        StoreUnavailableError: The database can't be asked.
    """
    where = DatabaseUrl.parse(url)
    if where.path is not None:
        return await asyncio.to_thread(_sqlite_standing, where.path)
    from gateway.store.postgres import fetch_revisions  # noqa: PLC0415 asyncpg only where needed

    revision, floor = await fetch_revisions(where.dsn)
    return Standing(revision=revision, floor=floor)


async def upgrade(url: str) -> None:
    """Bring the database's schema to this release's; one that is AHEAD is left as it is.

    Raises:
        SchemaOutdatedError: The schema is of a newer release that this one can't work with.
        StoreUnavailableError: The database can't be used.
    """
    found = await standing(url)
    if found.state is SchemaState.NEWER:
        raise SchemaOutdatedError(found.refusal())
    if found.state is SchemaState.AHEAD:
        return
    where = DatabaseUrl.parse(url)
    if where.path is not None:
        await asyncio.to_thread(_upgrade_sqlite, where.path)
        return
    from gateway.store.postgres import run_script  # noqa: PLC0415 asyncpg only where needed

    await run_script(where.dsn, lock=_MIGRATION_LOCK, script=lambda r: _script(r or "base"))


def read_standing(connection: sqlite3.Connection) -> Standing:
    """Return where the schema of an open SQLite file stands."""
    return Standing(
        revision=_only(connection, "alembic_version", "version_num"),
        floor=_only(connection, "schema_floor", "revision"),
    )


def _sqlite_standing(path: Path) -> Standing:
    if not path.exists():
        return Standing(revision=None)
    try:
        connection = connect(path, writes=False)
        try:
            return read_standing(connection)
        finally:
            connection.close()
    except sqlite3.Error as exc:
        raise translated(exc, path) from exc


def _only(connection: sqlite3.Connection, table: str, column: str) -> str | None:
    """Return what stands in a table of one row; None where there is no such table."""
    known = "SELECT 1 FROM sqlite_master WHERE name = ?"
    if connection.execute(known, (table,)).fetchone() is None:
        return None
    found = connection.execute(f"SELECT {column} FROM {table}").fetchone()  # noqa: S608 ours
    return None if found is None else str(found[0])


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
    connection.exec_driver_sql(_SET_FLOOR)


def _script(revision: str) -> str:
    """Return the SQL that leads from `revision` to this release's schema on PostgreSQL."""
    from alembic import command  # noqa: PLC0415 see the module

    # Another release may have upgraded since it was looked at.
    if revision == REVISIONS[-1] or revision not in ("base", *REVISIONS):
        return ""
    script = io.StringIO()
    command.upgrade(_config(script), f"{revision}:head", sql=True)
    return f"{script.getvalue()}\n{_SET_FLOOR};\n"


def _config(output: io.StringIO | None = None) -> Config:
    from alembic.config import Config  # noqa: PLC0415 see the module

    config = Config() if output is None else Config(output_buffer=output)
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config
