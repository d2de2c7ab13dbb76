"""A part of an archive: written in memory, since its size is bounded, and read again line by line.

Reading verifies each line before it is given, and at the end that none is missing. So whoever takes
lines in has taken only what was written, up to the line that is named as the fault.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Final

from gateway.archive.compression import Compression, UnpackError, packer, unpacked
from gateway.archive.lines import (
    LINE_MAX,
    ArchiveSealer,
    Chain,
    LineFault,
    archived_of,
    content_of,
)
from gateway.archive.manifest import Part
from gateway.errors import ArchiveFaultError
from gateway.store.archived import Line

PART_BYTES: Final = 16 * 1024 * 1024
"""Bytes of a part from which on no line is added to it."""


class PartWriter:
    """Packs notifications and messages into one part, in memory."""

    def __init__(
        self,
        archive: str,
        number: int,
        *,
        compression: Compression,
        sealer: ArchiveSealer,
        plain: bool,
    ) -> None:
        self.lines = 0
        self._number = number
        self._chain = Chain(archive, number)
        self._packer = packer(compression)
        self._packed = bytearray()
        self._sealer = sealer
        self._plain = plain
        self._body_bytes = 0
        self._written = 0
        self._types: Counter[str] = Counter()
        self._times: list[int] = []

    @property
    def full(self) -> bool:
        """Whether it is as large as a part may be."""
        return self._written >= PART_BYTES

    def add(self, one: Line) -> None:
        """Write one line."""
        line = self._chain.sign(content_of(one, self._sealer, plain=self._plain))
        self._packed += self._packer.compress(line)
        self._written += len(line)
        self.lines += 1
        self._body_bytes += len(one.body)
        self._types[one.type] += 1
        at_ms = one.received_at_ms
        first, last = self._times or (at_ms, at_ms)
        self._times = [min(first, at_ms), max(last, at_ms)]

    def finish(self, name: str) -> tuple[Part, bytes]:
        """Return what stands in the manifest, and the file; it has at least one line."""
        self._packed += self._packer.flush()
        first, last = self._times
        part = Part(
            name=name,
            number=self._number,
            lines=self.lines,
            body_bytes=self._body_bytes,
            size_bytes=len(self._packed),
            sha256=hashlib.sha256(self._packed).hexdigest(),
            check=self._chain.check,
            first_received_at_ms=first,
            last_received_at_ms=last,
            by_type=dict(self._types),
        )
        return part, bytes(self._packed)


async def archived_in(
    pieces: AsyncIterator[bytes],
    part: Part,
    *,
    archive: str,
    compression: Compression,
    sealer: ArchiveSealer,
    place: str,
) -> AsyncGenerator[tuple[int, Line]]:
    """Yield what the lines of a part hold with their numbers, each once it is verified.

    Args:
        pieces: The file.
        part: What the manifest says of it.
        archive: The archive's id.
        compression: How it is packed.
        sealer: Who opens bodies.
        place: What a fault calls the file.

    Raises:
        ArchiveFaultError: It was altered or cut short; names the line.
        SealError: A body can't be opened with the keys at hand.
    """
    chain = Chain(archive, part.number)
    number = 0
    try:
        async for line in _lines(unpacked(pieces, compression)):
            number += 1
            content = _verified(chain, line, number, part)
            yield number, archived_of(content, sealer)
    except LineFault as exc:
        raise ArchiveFaultError(place, number, str(exc)) from None
    except UnpackError as exc:
        raise ArchiveFaultError(place, number + 1, str(exc)) from None
    if number < part.lines:
        what = f"is missing; the manifest says that there are {part.lines} lines"
        raise ArchiveFaultError(place, number + 1, what)
    if chain.check != part.check:
        raise ArchiveFaultError(place, number, "is not the last line that the manifest knows")


def _verified(chain: Chain, line: bytes, number: int, part: Part) -> bytes:
    if number > part.lines:
        raise LineFault(f"stands behind the last of {part.lines} lines")
    return chain.verify(line)


async def _lines(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield lines without their ends; what is behind the last end too, as a line cut short."""
    waiting = bytearray()
    async for piece in pieces:
        waiting += piece
        *whole, rest = waiting.split(b"\n")
        for line in whole:
            yield bytes(line)
        waiting = bytearray(rest)
        if len(waiting) > LINE_MAX:
            break
    if waiting:
        yield bytes(waiting)
