"""What a backend of stored documents must do, and the places in it.

A place is `<day>/<name>`: a day's documents lie together, so that what is too old goes day by day,
what no row names (written by a run that was cut off) included.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime
from typing import Protocol


class Blobs(Protocol):
    """Keeps bytes under places; safe for any number of tasks and replicas."""

    async def write(self, place: str, pieces: AsyncIterator[bytes]) -> None:
        """Keep `pieces` for good under a new place, whole or not at all, in bounded memory.

        Raises:
            DocumentsUnavailableError: Nothing is kept there.
        """
        ...

    def read(self, place: str) -> AsyncIterator[bytes]:
        """Yield what is kept, in pieces of up to some 100 KB.

        Raises:
            NotFoundError: Nothing is kept there.
            DocumentsUnavailableError: It can't be read now.
        """
        ...

    async def delete(self, place: str) -> None:
        """Delete what is kept under a place; again is no harm.

        Raises:
            DocumentsUnavailableError: It may be left.
        """
        ...

    async def days(self) -> Sequence[date]:
        """Return the days that have places, the oldest first.

        Raises:
            DocumentsUnavailableError: They can't be listed now.
        """
        ...

    async def delete_day(self, day: date) -> None:
        """Delete all places of a day; again is no harm.

        Raises:
            DocumentsUnavailableError: Some may be left.
        """
        ...


def day_of(at_ms: int) -> date:
    """Return the day of a time, in UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).date()


def day_named(name: str) -> date | None:
    """Return the day that a folder is named for, or None for another name."""
    try:
        return date.fromisoformat(name)
    except ValueError:
        return None
