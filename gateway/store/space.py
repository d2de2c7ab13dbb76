"""The database's own size, and how it gives space back that nothing needs any more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from gateway.store.driver import Driver
from gateway.store.statements import One, Plan, one_step

_SIZE: Final = One(
    """
    SELECT (SELECT page_count FROM pragma_page_count), (SELECT page_size FROM pragma_page_size),
      (SELECT freelist_count FROM pragma_freelist_count),
      (SELECT auto_vacuum FROM pragma_auto_vacuum)
    """,
    "SELECT pg_database_size(current_database()), 1, 0, 2",
)
_INCREMENTAL: Final = 2
# Frees one page: a larger number would free one too, as a driver reads no rows of a pragma.
_GIVE_BACK: Final = One("PRAGMA incremental_vacuum(1)", "SELECT 1")


class Scrubber(Driver, Protocol):
    """A database that can be told to leave nothing of what was deleted."""

    async def scrub(self, *, rewrite: bool) -> None:
        """Clear what was deleted out of the database's files, as far as the database can.

        Args:
            rewrite: Whether it may be written anew, whole; nobody else writes meanwhile.

        Raises:
            StoreUnavailableError: Something may be left.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSize:
    """How large the database is.

    Attributes:
        bytes: Of its file, or of everything on PostgreSQL.
        free_bytes: Of that, what the next rows are written to; 0 on PostgreSQL, which doesn't tell.
        shrinks: Whether free space can be given back piece by piece.
    """

    bytes: int
    free_bytes: int
    shrinks: bool


class Space:
    """See the module."""

    def __init__(self, driver: Scrubber, *, is_file: bool) -> None:
        self._driver = driver
        self._is_file = is_file

    async def size(self) -> DatabaseSize:
        """Return how large the database is."""
        pages, page_size, free, mode = (await self._driver.read(lambda: one_step(_SIZE())))[0]
        return DatabaseSize(
            bytes=pages * page_size, free_bytes=free * page_size, shrinks=mode == _INCREMENTAL
        )

    async def give_back(self, pages: int) -> bool:
        """Give so many free pages of a SQLite file back to the system; tell whether any went.

        Nothing on PostgreSQL, whose vacuum does it, nor on a file of before this was possible.

        Raises:
            StoreUnavailableError: Nothing was given back.
        """
        if not self._is_file or not (await self.size()).shrinks:
            return False
        return await self._driver.write(lambda: _give_back(pages))

    async def scrub(self, *, rewrite: bool) -> None:
        """See `Scrubber`.

        Raises:
            StoreUnavailableError: Something may be left.
        """
        await self._driver.scrub(rewrite=rewrite)


def _give_back(pages: int) -> Plan[bool]:
    free = (yield _SIZE())[0][2]
    for _ in range(min(pages, free)):
        yield _GIVE_BACK()
    return bool(free)
