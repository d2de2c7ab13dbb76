"""Which database a URL names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from gateway.errors import ConfigurationError, Fault

_SQLITE: Final = "sqlite:///"
_POSTGRES: Final = ("postgresql://", "postgres://")


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """A database: a SQLite file, or a PostgreSQL server's DSN.

    Attributes:
        path: The SQLite file, else None.
        dsn: What asyncpg connects to, with `sslmode` and the like; empty for SQLite.
    """

    path: Path | None
    dsn: str = ""

    @classmethod
    def parse(cls, url: str) -> DatabaseUrl:
        """Return what `url` names.

        Raises:
            ConfigurationError: It is neither `sqlite:///path` nor `postgresql://…`.
        """
        if url.startswith(_SQLITE) and len(url) > len(_SQLITE):
            return cls(Path(unquote(url.removeprefix(_SQLITE).partition("?")[0])))
        if url.startswith(_POSTGRES):
            return cls(None, url)
        scheme = url.partition(":")[0]
        raise ConfigurationError(
            [
                Fault(
                    where="store.url",
                    what=f"no database of scheme {scheme!r} is known",
                    mend='write "sqlite:///gateway.db" or "postgresql://user@host/database"',
                )
            ]
        )
