"""A SQLite file copied while a gateway writes to it: one snapshot, page by page.

The reader's transaction holds the moment still, and a reader holds up no writer in WAL mode. SQLite
begins a copy in steps again whenever another process has written between two of them, so without
that transaction the copy of a busy database would never end. While it runs, the write-ahead log
can't be folded into the database behind that moment, so it grows by what is written meanwhile.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from gateway.errors import BackupDamagedError, NotFoundError
from gateway.store.backups.file import BackupFile, Snapshot
from gateway.store.migrate import read_standing
from gateway.store.sqlite import connect, translated

_PAGES: Final = 512
_FLUSH_EVERY_PAGES: Final = 4_096
_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def copy(source: Path, file: BackupFile, tell: Callable[[str], None]) -> Snapshot:
    """Copy the database as it is now into the file, check the copy, and say what it holds.

    Whatever was committed before the call is in it. Blocks for as long as it takes.

    Args:
        source: The database.
        file: Where to.
        tell: Told how far it is.

    Raises:
        NotFoundError: There is no database.
        StoreUnavailableError: It can't be read, or the disk is full.
        BackupDamagedError: The copy is not sound; so the database may not be either.
    """
    if not source.exists():
        raise NotFoundError(f"{source}: there is no database yet")
    try:
        with closing(connect(source, writes=False)) as reader:
            _copy_pages(reader, file, tell)
        tell("Checking the copy")
        return _checked(file.part)
    except sqlite3.Error as exc:
        if exc.sqlite_errorcode in _DAMAGED:
            raise BackupDamagedError(f"{source}: {exc}") from exc
        raise translated(exc, source) from exc


def _copy_pages(reader: sqlite3.Connection, file: BackupFile, tell: Callable[[str], None]) -> None:
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM sqlite_master").fetchone()  # the snapshot begins here
    flushed = 0

    def progress(_status: int, left: int, total: int) -> None:
        nonlocal flushed
        done = total - left
        if done - flushed >= _FLUSH_EVERY_PAGES:
            # In small portions: one large one at the end would hold up the gateway's own commits.
            file.flush()
            flushed = done
        tell(f"Copying: {done} of {total} pages")

    with closing(sqlite3.connect(file.part, isolation_level=None)) as target:
        # A copy that breaks off is thrown away, so it needs no journal.
        target.execute("PRAGMA journal_mode = OFF")
        target.execute("PRAGMA synchronous = OFF")
        reader.backup(target, pages=_PAGES, progress=progress)


def _checked(part: Path) -> Snapshot:
    with closing(sqlite3.connect(part, isolation_level=None)) as connection:
        # One file that can be moved about, without a log beside it; the gateway turns it on again.
        connection.execute("PRAGMA journal_mode = DELETE")
        faults = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        if faults != ["ok"]:
            raise BackupDamagedError(f"{part}: is not sound: {'; '.join(faults[:3])}")
        standing = read_standing(connection)
        return Snapshot(
            kind="sqlite",
            revision=standing.revision,
            floor=standing.floor,
            rows=_rows(connection),
            checked="PRAGMA integrity_check",
        )


def _rows(connection: sqlite3.Connection) -> Mapping[str, int]:
    tables = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        " ORDER BY name"
    ).fetchall()
    return {
        table: connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]  # noqa: S608 ours
        for (table,) in tables
    }
