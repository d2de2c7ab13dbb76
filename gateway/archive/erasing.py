"""Lines of a person, an order or a seller taken out of archives, for good.

A part that holds one is written anew without it, under a name of its own; the manifest is pointed
there, and only then is the old part deleted. The manifest remembers what is still to be deleted, so
a run that was killed is simply done again. Where a bucket keeps versions, those are its owner's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from gateway.archive.compression import Compression
from gateway.archive.lines import ArchiveSealer
from gateway.archive.manifest import Manifest, Part, written
from gateway.archive.parts import PartWriter
from gateway.archive.places import Location, Places
from gateway.archive.source import Archive, archive_at, archive_places, archived_of_part
from gateway.errors import NotFoundError
from gateway.store.archived import Line

Match = Callable[[Line], bool]
"""Tells whether a line is erased; it gets the body opened."""


@dataclass(slots=True, kw_only=True)
class Erased:
    """What was looked at and what was erased.

    Attributes:
        rewritten: Parts that held one.
        identities: What the notifications and messages were known by whose lines are gone.
    """

    archives: int = 0
    lines: int = 0
    erased: int = 0
    rewritten: int = 0
    identities: list[str] = field(default_factory=list)


class Erasing:
    """See the module.

    Args:
        places: Where archives lie.
        sealer: Who opens and seals bodies.
        dry_run: Only look.
    """

    def __init__(self, places: Places, sealer: ArchiveSealer, *, dry_run: bool = False) -> None:
        self._places = places
        self._sealer = sealer
        self._dry_run = dry_run

    async def run(
        self, location: Location, match: Match, told: Callable[[Erased], None] = lambda _: None
    ) -> Erased:
        """Erase what matches from every archive that a location means, unfinished ones too.

        No archive there is nothing to erase. An export that is under way at that moment is not
        held up: erase from the store first, and again here once the export has ended.

        Raises:
            ArchiveFaultError: A part was altered; what it holds can't be told, and it stays.
            SealError: A body can't be opened with the keys at hand.
            ArchiveUnavailableError: The rest is left; doing it again goes on.
        """
        done = Erased()
        try:
            found = await archive_places(self._places, location)
        except NotFoundError:
            return done
        for place in found:
            archive = await archive_at(self._places, place)
            done.archives += 1
            await self._erase(archive, match, done)
            told(done)
        return done

    async def _erase(self, archive: Archive, match: Match, done: Erased) -> None:
        manifest = archive.manifest
        for part in archive.manifest.parts:
            lines, matched = await self._matched(archive, part, match)
            done.lines += lines
            done.erased += len(matched)
            done.identities += matched
            if matched:
                done.rewritten += 1
                if not self._dry_run:
                    new = await self._rewritten(archive, part, match)
                    manifest = manifest.replacing(part, new)
        if manifest.dropped and not self._dry_run:
            await self._settle(archive, manifest)

    async def _matched(self, archive: Archive, part: Part, match: Match) -> tuple[int, list[str]]:
        lines, matched = 0, []
        async for number, one in archived_of_part(self._places, archive, part, self._sealer):
            lines = number
            if match(one):
                matched.append(one.identity)
        return lines, matched

    async def _rewritten(self, archive: Archive, part: Part, match: Match) -> Part | None:
        manifest = archive.manifest
        writer = PartWriter(
            manifest.archive,
            part.number,
            compression=manifest.compression,
            sealer=self._sealer,
            plain=manifest.plain,
        )
        async for _, one in archived_of_part(self._places, archive, part, self._sealer):
            if not match(one):
                writer.add(one)
        if not writer.lines:
            return None
        new, content = writer.finish(next_name(part.name, manifest.compression))
        await self._places.write(archive.part_place(new), content)
        return new

    async def _settle(self, archive: Archive, manifest: Manifest) -> None:
        """Point the manifest at the new parts, then delete the old ones."""
        await self._places.write(archive.place, written(manifest))
        folder, slash, _ = archive.place.rpartition("/")
        await self._places.delete([f"{folder}{slash}{name}" for name in manifest.dropped])
        await self._places.write(archive.place, written(replace(manifest, dropped=[])))


def next_name(name: str, compression: Compression) -> str:
    """Return the name of a part that is written in place of one."""
    base = name.removesuffix(compression.suffix)
    again = re.fullmatch(r"(.+)\.e(\d+)", base)
    stem, times = (again[1], int(again[2])) if again else (base, 0)
    return f"{stem}.e{times + 1}{compression.suffix}"
