"""From the store into an archive, part by part; a run that was killed is gone on with.

The manifest is written after each part, with the position up to which all is in it. A part that
stands there without being in the manifest is written again under its name, so no line is there
twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from gateway.archive.compression import Compression
from gateway.archive.lines import ArchiveSealer
from gateway.archive.manifest import SUFFIX, Manifest, Scope, written
from gateway.archive.parts import PART_BYTES, PartWriter
from gateway.archive.places import Places
from gateway.archive.source import archive_at
from gateway.clock import Clock
from gateway.errors import ConflictError, NotFoundError
from gateway.model import IdPrefix
from gateway.operations import first_id
from gateway.store.archived import Candidate, Line, position

WINDOW: Final = 500
PART_LINES: Final = 10_000
_SAMPLE: Final = 200


class Exported(Protocol):
    """What is needed of the store; see `gateway.store.archiving`."""

    async def look(self, *, after: str, before: str, limit: int) -> Sequence[Candidate]:
        """Return the next notifications and messages between two positions."""
        ...

    async def whole(self, ids: Sequence[str]) -> Sequence[Line]:
        """Return notifications and messages with their bodies."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What an export is to be.

    Attributes:
        plain: Whether bodies stand in the clear, live credentials aside.
        part_lines: Most lines of one part.
    """

    scope: Scope
    compression: Compression
    plain: bool
    part_lines: int = PART_LINES


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What an export would hold.

    Attributes:
        body_bytes: Bytes of all bodies.
        size_bytes: About what the files would take, judged by the first ones.
    """

    lines: int
    body_bytes: int
    size_bytes: int
    parts: int
    first_id: str | None
    last_id: str | None
    by_type: dict[str, int]


class Exporting:
    """See the module.

    Args:
        store: Where notifications come from.
        places: Where the archive goes.
        sealer: Who seals bodies.
        clock: Time.
        schema: Revision of the database, for the manifest.
    """

    def __init__(
        self,
        store: Exported,
        places: Places,
        sealer: ArchiveSealer,
        clock: Clock,
        *,
        schema: str,
    ) -> None:
        self._store = store
        self._places = places
        self._sealer = sealer
        self._clock = clock
        self._schema = schema

    async def begin(self, stem: str, archive: str, order: Order) -> Manifest:
        """Write the manifest of a new export.

        Raises:
            ConflictError: One of that name is there.
        """
        found = await self._found(stem)
        if found is not None:
            mend = "name another" if found.complete else "go on with it: --resume"
            raise ConflictError(f"{stem}{SUFFIX} exists; {mend}")
        manifest = Manifest(
            archive=archive,
            complete=False,
            created_at_ms=self._clock.now_ms(),
            finished_at_ms=None,
            scope=order.scope,
            cursor=first_id(IdPrefix.NOTIFICATION, order.scope.from_ms),
            compression=order.compression,
            plain=order.plain,
            schema=self._schema,
            part_lines=order.part_lines,
        )
        await self._note(stem, manifest)
        return manifest

    async def resumed(self, stem: str) -> Manifest:
        """Return the manifest of an export that has not come to its end.

        Raises:
            NotFoundError: There is none.
            ConflictError: It has.
        """
        found = await self._found(stem)
        if found is None:
            raise NotFoundError(f"there is no export to go on with: no {stem}{SUFFIX}")
        if found.complete:
            raise ConflictError(f"{stem}{SUFFIX}: the export has come to its end")
        return found

    async def run(
        self, stem: str, manifest: Manifest, told: Callable[[Manifest], None] = lambda _: None
    ) -> Manifest:
        """Export what is missing, and return the whole manifest; `told` after each part.

        Raises:
            SealError: A body can't be opened with the keys at hand.
            ArchiveUnavailableError, StoreUnavailableError: It can be gone on with.
        """
        while True:
            writer, cursor, ended = await self._part(manifest)
            parts = list(manifest.parts)
            if writer.lines:
                number = len(parts) + 1
                part, content = writer.finish(
                    f"{stem.rpartition('/')[2]}.{number:05d}{manifest.compression.suffix}"
                )
                folder, slash, _ = stem.rpartition("/")
                await self._places.write(f"{folder}{slash}{part.name}", content)
                parts.append(part)
            manifest = replace(
                manifest,
                parts=parts,
                cursor=cursor,
                complete=ended,
                finished_at_ms=self._clock.now_ms() if ended else None,
            )
            await self._note(stem, manifest)
            told(manifest)
            if ended:
                return manifest

    async def estimate(self, order: Order) -> Estimate:
        """Return what an export would hold; nothing is written."""
        scope = order.scope
        cursor = first_id(IdPrefix.NOTIFICATION, scope.from_ms)
        lines = body_bytes = 0
        ids: list[str] = []
        last: str | None = None
        by_type: dict[str, int] = {}
        while looked := await self._look(scope, cursor):
            cursor = position(looked[-1].id)
            for one in looked:
                if not selected(one, scope):
                    continue
                lines += 1
                body_bytes += one.size_bytes
                by_type[one.type] = by_type.get(one.type, 0) + 1
                last = one.id
                if len(ids) < _SAMPLE:
                    ids.append(one.id)
        share = await self._share(ids, order)
        return Estimate(
            lines=lines,
            body_bytes=body_bytes,
            size_bytes=round(body_bytes * share),
            parts=-(-lines // order.part_lines),
            first_id=ids[0] if ids else None,
            last_id=last,
            by_type=dict(sorted(by_type.items(), key=lambda pair: -pair[1])),
        )

    async def _share(self, ids: Sequence[str], order: Order) -> float:
        """Return what a byte of a body takes in a file, judged by some."""
        if not ids:
            return 0.0
        writer = self._writer("estimate", 1, compression=order.compression, plain=order.plain)
        for one in await self._store.whole(ids):
            writer.add(one)
        part, _ = writer.finish("estimate")
        return part.size_bytes / max(1, part.body_bytes)

    async def _part(self, manifest: Manifest) -> tuple[PartWriter, str, bool]:
        """Return the next part, up to which position all is in it, and whether it is the last."""
        writer = self._writer(
            manifest.archive,
            len(manifest.parts) + 1,
            compression=manifest.compression,
            plain=manifest.plain,
        )
        cursor = manifest.cursor
        while not writer.full and writer.lines < manifest.part_lines:
            looked = await self._look(manifest.scope, cursor)
            if not looked:
                return writer, cursor, True
            chosen = [one for one in looked if selected(one, manifest.scope)]
            taken = in_memory(chosen, manifest.part_lines - writer.lines)
            left = chosen[len(taken) :]
            for one in await self._store.whole([one.id for one in taken]) if taken else ():
                writer.add(one)
            cursor = position((taken if left else looked)[-1].id)
        return writer, cursor, False

    def _writer(
        self, archive: str, number: int, *, compression: Compression, plain: bool
    ) -> PartWriter:
        return PartWriter(
            archive, number, compression=compression, sealer=self._sealer, plain=plain
        )

    async def _look(self, scope: Scope, cursor: str) -> Sequence[Candidate]:
        before = first_id(IdPrefix.NOTIFICATION, scope.to_ms)
        return await self._store.look(after=cursor, before=before, limit=WINDOW)

    async def _found(self, stem: str) -> Manifest | None:
        try:
            return (await archive_at(self._places, f"{stem}{SUFFIX}")).manifest
        except NotFoundError:
            return None

    async def _note(self, stem: str, manifest: Manifest) -> None:
        await self._places.write(f"{stem}{SUFFIX}", written(manifest))


def in_memory(chosen: Sequence[Candidate], room: int) -> Sequence[Candidate]:
    """Return the first ones, at most `room`, whose bodies may be in memory together."""
    size, count = 0, 0
    for one in chosen[:room]:
        if count and size + one.size_bytes > PART_BYTES:
            break
        size, count = size + one.size_bytes, count + 1
    return chosen[:count]


def selected(one: Candidate, scope: Scope) -> bool:
    """Tell whether something belongs into an archive; of what was emptied nothing is left to."""
    pairs = (
        (scope.types, one.type),
        (scope.sellers, one.seller_id),
        (scope.marketplaces, one.marketplace_id),
    )
    return one.size_bytes > 0 and all(not wanted or found in wanted for wanted, found in pairs)
