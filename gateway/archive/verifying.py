"""Reading an archive from end to end without taking anything from it; all that is wrong is told."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from gateway.archive.lines import ArchiveSealer
from gateway.archive.manifest import Part
from gateway.archive.places import Location, Places
from gateway.archive.source import Archive, archived_of_part, archives
from gateway.errors import ArchiveFaultError, NotFoundError


@dataclass(slots=True, kw_only=True)
class Verified:
    """What was found.

    Attributes:
        lines: Lines that are as they were written.
        faults: One for each part that is not.
    """

    archives: int = 0
    parts: int = 0
    lines: int = 0
    size_bytes: int = 0
    by_type: dict[str, int] = field(default_factory=dict)
    faults: list[ArchiveFaultError] = field(default_factory=list)


class _Hashed:
    """`Places` of one file, whose checksum is taken as it is read."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self.sha256 = hashlib.sha256()

    async def read(self, name: str) -> AsyncIterator[bytes]:
        async for piece in self._places.read(name):
            self.sha256.update(piece)
            yield piece


async def verify(
    places: Places,
    location: Location,
    sealer: ArchiveSealer,
    told: Callable[[Verified], None] = lambda _: None,
) -> Verified:
    """Return what is in the archives that a location means, and what is wrong with them.

    Raises:
        NotFoundError: There is none.
        ArchiveFaultError: A manifest is none, or says that its export has not come to its end.
        SealError: A body can't be opened with the keys at hand.
        ArchiveUnavailableError: It can't be read now.
    """
    found = Verified()
    async for archive in archives(places, location):
        found.archives += 1
        for part in archive.manifest.parts:
            found.parts += 1
            try:
                await _verify_part(places, archive, part, sealer, found)
            except ArchiveFaultError as exc:
                found.faults.append(exc)
            except NotFoundError:
                missing = ArchiveFaultError(archive.part_place(part), 1, "the file is missing")
                found.faults.append(missing)
            told(found)
    return found


async def _verify_part(
    places: Places, archive: Archive, part: Part, sealer: ArchiveSealer, found: Verified
) -> None:
    hashed = _Hashed(places)
    async for _, one in archived_of_part(hashed, archive, part, sealer):
        found.lines += 1
        found.by_type[one.type] = found.by_type.get(one.type, 0) + 1
    found.size_bytes += part.size_bytes
    if hashed.sha256.hexdigest() != part.sha256:
        what = "all lines are as they were, but the file is not: it was packed anew"
        raise ArchiveFaultError(archive.part_place(part), part.lines, what)
