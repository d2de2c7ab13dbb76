"""How the lines of a part are packed: gzip, zstd, or not at all; unpacked in bounded memory."""

from __future__ import annotations

import sys
import zlib
from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Any, Final, Protocol

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_STEP: Final = 256 * 1024
_GZIP: Final = 31  # zlib's number for its widest window in gzip's frame


class Compression(StrEnum):
    """What a part is packed with."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"

    @property
    def suffix(self) -> str:
        """What the name of a part ends with."""
        return _SUFFIXES[self]


_SUFFIXES: Final = {
    Compression.NONE: ".jsonl",
    Compression.GZIP: ".jsonl.gz",
    Compression.ZSTD: ".jsonl.zst",
}


class UnpackError(Exception):
    """What was packed is damaged, or cut short."""


class Packer(Protocol):
    """Packs what it is given."""

    def compress(self, data: bytes, /) -> bytes:
        """Return what is ready of it."""
        ...

    def flush(self) -> bytes:
        """Return the rest."""
        ...


class _Unpacked:
    """Lines that are not packed."""

    def compress(self, data: bytes, /) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


def packer(compression: Compression) -> Packer:
    """Return a new packer for one part."""
    if compression is Compression.GZIP:
        return zlib.compressobj(6, zlib.DEFLATED, _GZIP)
    if compression is Compression.ZSTD:
        return zstd.ZstdCompressor()
    return _Unpacked()


async def unpacked(pieces: AsyncIterator[bytes], compression: Compression) -> AsyncIterator[bytes]:
    """Yield what was packed, at most some 100 KB at a time, however well it was packed.

    Raises:
        UnpackError: It is damaged, or cut short.
    """
    if compression is Compression.NONE:
        async for piece in pieces:
            yield piece
        return
    gzip = compression is Compression.GZIP
    frame: Any = None
    async for piece in pieces:
        waiting = piece
        while waiting:
            if frame is None:
                frame = zlib.decompressobj(_GZIP) if gzip else zstd.ZstdDecompressor()
            yield _some(frame, waiting)
            while not frame.eof and not _needs_input(frame):
                yield _some(frame, frame.unconsumed_tail if gzip else b"")
            waiting = frame.unused_data if frame.eof else b""
            if frame.eof:
                frame = None
    if frame is not None:
        raise UnpackError("the packed data ends too early")


def _some(frame: Any, data: bytes) -> bytes:
    try:
        unpacked: bytes = frame.decompress(data, _STEP)
    except (zlib.error, zstd.ZstdError) as exc:
        raise UnpackError(f"the packed data is damaged ({exc})") from None
    return unpacked


def _needs_input(frame: Any) -> bool:
    tail = getattr(frame, "unconsumed_tail", None)
    return not tail if tail is not None else bool(frame.needs_input)
