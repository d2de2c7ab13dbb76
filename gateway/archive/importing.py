"""From an archive into the store, each line once it is verified; nothing is handled for it.

A notification that is there already is known by its identity and left as it is. So an import that
was refused at a line, or killed, is simply done again. A message that could not be read when it was
archived is read once more: it comes in as a notification, or goes to quarantine again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.archive.lines import ArchiveSealer
from gateway.archive.places import Location, Places
from gateway.archive.source import archived_of_part, archives
from gateway.store.archived import Line

_LINES: Final = 200
_BYTES: Final = 8 * 1024 * 1024


class Restored(Protocol):
    """What is needed of the store; see `gateway.store.archiving`."""

    async def restore(self, batch: Sequence[Line]) -> int:
        """Keep notifications and messages as they were; return how many were not there."""
        ...


@dataclass(slots=True, kw_only=True)
class Imported:
    """How far an import is.

    Attributes:
        archives: Archives that were begun.
        lines: Lines that were taken in or known.
        new: Notifications and messages that were not in the store.
    """

    archives: int = 0
    parts: int = 0
    lines: int = 0
    new: int = 0


class Importing:
    """See the module; counts stand in `imported` even where it is refused."""

    def __init__(self, store: Restored, places: Places, sealer: ArchiveSealer) -> None:
        self._store = store
        self._places = places
        self._sealer = sealer
        self.imported = Imported()

    async def run(
        self, location: Location, told: Callable[[Imported], None] = lambda _: None
    ) -> Imported:
        """Take in every archive that a location means.

        Raises:
            NotFoundError: There is none, or a file of one is missing.
            ArchiveFaultError: One was altered or cut short; what stands before that line is in.
            SealError: A body can't be opened with the keys at hand.
            ArchiveUnavailableError, StoreUnavailableError: Doing it again goes on.
        """
        done = self.imported
        async for archive in archives(self._places, location):
            done.archives += 1
            for part in archive.manifest.parts:
                done.parts += 1
                lines = archived_of_part(self._places, archive, part, self._sealer)
                async for batch in _batches(lines):
                    done.new += await self._store.restore(batch)
                    done.lines += len(batch)
                    told(done)
        return done


async def _batches(
    lines: AsyncIterator[tuple[int, Line]],
) -> AsyncIterator[Sequence[Line]]:
    """Yield what comes in batches; what came before a fault too, and then the fault."""
    batch: list[Line] = []
    size = 0
    fault: Exception | None = None
    try:
        async for _, one in lines:
            batch.append(one)
            size += len(one.body)
            if len(batch) == _LINES or size >= _BYTES:
                yield batch
                batch, size = [], 0
    except Exception as exc:  # noqa: BLE001 raised again below, behind what was read
        fault = exc
    if batch:
        yield batch
    if fault is not None:
        raise fault
