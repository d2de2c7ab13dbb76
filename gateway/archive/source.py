"""The archives at a place that somebody named: one by its name, or all below a folder or prefix."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.archive.compression import Compression
from gateway.archive.lines import ArchiveSealer
from gateway.archive.manifest import SUFFIX, Manifest, Part, read_manifest
from gateway.archive.parts import archived_in
from gateway.archive.places import Location, Places
from gateway.errors import ArchiveFaultError, NotFoundError
from gateway.store.archived import Line


class Readable(Protocol):
    """What is needed of `Places` to read a file."""

    def read(self, name: str) -> AsyncIterator[bytes]:
        """Yield a file's bytes."""
        ...


_MANIFEST_MAX: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """One archive.

    Attributes:
        place: Name of its manifest; its parts' names are beside it.
    """

    place: str
    manifest: Manifest

    def part_place(self, part: Part) -> str:
        """Return the name of a part's file."""
        folder, slash, _ = self.place.rpartition("/")
        return f"{folder}{slash}{part.name}"


def stem_of(name: str) -> tuple[str, Compression | None]:
    """Return what the files of an archive begin with, and what its name says of its packing."""
    for compression in (Compression.GZIP, Compression.ZSTD, Compression.NONE):
        if name.endswith(compression.suffix) and name != compression.suffix:
            return name.removesuffix(compression.suffix), compression
    return name.removesuffix(SUFFIX), None


async def whole(places: Readable, name: str) -> bytes:
    """Return a small file.

    Raises:
        NotFoundError: There is none of that name.
        ArchiveFaultError: It is far too large.
    """
    content = bytearray()
    async for piece in places.read(name):
        content += piece
        if len(content) > _MANIFEST_MAX:
            raise ArchiveFaultError(name, 1, f"is larger than {_MANIFEST_MAX} bytes")
    return bytes(content)


async def archive_at(places: Readable, place: str) -> Archive:
    """Return the archive whose manifest stands there.

    Raises:
        NotFoundError: None does.
        ArchiveFaultError: It is no manifest.
    """
    return Archive(place=place, manifest=read_manifest(place, await whole(places, place)))


async def archive_places(places: Places, location: Location) -> Sequence[str]:
    """Return the manifests' names that a location means, in their order.

    Raises:
        NotFoundError: There is none.
    """
    if location.name:
        stem, _ = stem_of(location.name)
        one = f"{stem}{SUFFIX}"
        if one in await places.names(one):
            return [one]
        within = f"{location.name}/"
    else:
        within = ""
    found = [name for name in await places.names(within) if name.endswith(SUFFIX)]
    if not found:
        raise NotFoundError(f"there is no archive at {location}: no {SUFFIX} stands there")
    return found


async def archives(places: Places, location: Location) -> AsyncIterator[Archive]:
    """Yield the archives that a location means, in the order of their names.

    Raises:
        NotFoundError: There is none.
        ArchiveFaultError: A manifest is none, or says that its export has not come to its end.
    """
    for place in await archive_places(places, location):
        found = await archive_at(places, place)
        if not found.manifest.complete:
            raise ArchiveFaultError(
                place, 1, "its export has not come to its end; go on with it: --resume"
            )
        yield found


def archived_of_part(
    places: Readable, archive: Archive, part: Part, sealer: ArchiveSealer
) -> AsyncGenerator[tuple[int, Line]]:
    """Yield what the lines of a part hold, verified; see `archived_in`."""
    place = archive.part_place(part)
    return archived_in(
        places.read(place),
        part,
        archive=archive.manifest.archive,
        compression=archive.manifest.compression,
        sealer=sealer,
        place=place,
    )
