"""A PostgreSQL database dumped by `pg_dump`, on one snapshot that its rows are counted on too.

The password never stands among a program's arguments, which everybody on the machine can read.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from gateway.errors import DependencyError, StoreUnavailableError
from gateway.store.backups.file import BackupFile, Snapshot
from gateway.store.postgres import connection_to, revisions_on

_OPTIONS: Final = (
    "--format=custom",
    "--no-owner",
    "--no-acl",
    "--no-password",
    "--lock-wait-timeout=60s",
)
_TABLES: Final = """
    SELECT format('%I.%I', schemaname, tablename), tablename FROM pg_tables
    WHERE schemaname = ANY (current_schemas(false)) ORDER BY tablename
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """PostgreSQL's own client programs.

    Attributes:
        environ: What they are run with.
    """

    pg_dump: str
    pg_restore: str
    environ: Mapping[str, str]

    @classmethod
    def find(cls, environ: Mapping[str, str], dsn: str, path: Path) -> Programs:
        """Return those on the path.

        Raises:
            DependencyError: They aren't there; says what to run where they are.
        """
        found = {
            name: shutil.which(name, path=environ.get("PATH")) for name in ("pg_dump", "pg_restore")
        }
        if not all(found.values()):
            where, _ = without_password(dsn)
            command = " ".join(("pg_dump", *_OPTIONS[:3], f"--file={path}", f"'{where}'"))
            raise DependencyError(
                "pg_dump and pg_restore are not on the PATH: install PostgreSQL's client programs, "
                "not older than the server, or run where they are (PGPASSWORD holds the password): "
                f"{command}"
            )
        return cls(
            pg_dump=str(found["pg_dump"]), pg_restore=str(found["pg_restore"]), environ=environ
        )


async def dump(
    dsn: str, file: BackupFile, programs: Programs, tell: Callable[[str], None]
) -> Snapshot:
    """Dump the database as it is now into the file, read the dump again, and say what it holds.

    Whatever was committed before the call is in it.

    Args:
        dsn: The database.
        file: Where to.
        programs: Who does it.
        tell: Told how far it is.

    Raises:
        StoreUnavailableError: The server can't be reached, or `pg_dump` refuses; says why.
    """
    where, password = without_password(dsn)
    environ = dict(programs.environ)
    if password is not None:
        environ["PGPASSWORD"] = password
    async with (
        connection_to(dsn) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        snapshot: str = await connection.fetchval("SELECT pg_export_snapshot()")
        tell("Dumping")
        await _run(
            [
                programs.pg_dump,
                *_OPTIONS,
                f"--snapshot={snapshot}",
                f"--file={file.part}",
                f"--dbname={where}",
            ],
            environ,
        )
        tell("Counting")
        held = await _held(connection)
    tell("Checking the dump")
    # Writes the whole of it as SQL to nowhere, for which each byte must be read and unpacked.
    await _run([programs.pg_restore, "--file=/dev/null", str(file.part)], environ)
    return held


def without_password(dsn: str) -> tuple[str, str | None]:
    """Return a database's URL without the password that it may hold, and the password."""
    parts = urlsplit(dsn)
    query = parse_qsl(parts.query, keep_blank_values=True)
    password = dict(query).get("password")
    if password is None and parts.password is not None:
        password = unquote(parts.password)
    user, at, host = parts.netloc.rpartition("@")
    netloc = f"{user.partition(':')[0]}{at}{host}"
    rest = urlencode([(name, value) for name, value in query if name != "password"])
    return urlunsplit((parts.scheme, netloc, parts.path, rest, "")), password


async def _held(connection: Any) -> Snapshot:
    revision, floor = await revisions_on(connection)
    rows = {
        table: await connection.fetchval(f"SELECT count(*) FROM {name}")  # noqa: S608 quoted
        for name, table in await connection.fetch(_TABLES)
    }
    return Snapshot(
        kind="postgresql", revision=revision, floor=floor, rows=rows, checked="pg_restore"
    )


async def _run(command: Sequence[str], environ: Mapping[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=environ,
    )
    try:
        _, said = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        lines = " ".join(said.decode(errors="replace").split())
        raise StoreUnavailableError(
            f"{Path(command[0]).name} ended with {process.returncode}: {lines}"
        )
