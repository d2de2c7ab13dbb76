"""GZIP, piece by piece: whatever a piece expands to comes out in bounded steps. Pure.

Amazon names the packing twice, in a field of its answer and in the host's `Content-Encoding`, and a
document may come with either, with both for one packing, or packed twice. So one layer is taken off
where either says so, and a second only where both do and GZIP's mark is there.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Protocol

from gateway.spapi.documents.limits import DamagedError

STEP = 256 * 1024
"""Most bytes that come out at once."""

_MARK = b"\x1f\x8b"
_GZIP_WINDOW = 31


class Unpacker(Protocol):
    """Takes a packing off a stream."""

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Yield what `piece` brings out.

        Raises:
            DamagedError: The packing is broken.
        """
        ...

    def end(self) -> Iterator[bytes]:
        """Yield what is left after the last piece.

        Raises:
            DamagedError: The stream stopped half-way.
        """
        ...


class Plain:
    """No packing."""

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """See `Unpacker`."""
        yield piece

    def end(self) -> Iterator[bytes]:
        """See `Unpacker`."""
        return iter(())


class Gunzip:
    """One layer of GZIP, of one or several members."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP_WINDOW)
        self._begun = False
        self._members = 0

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """See `Unpacker`."""
        rest = piece
        while rest:
            if not self._begun and self._members:
                rest = rest.lstrip(b"\0")  # padding after a member, which gzip itself ignores
                if not rest:
                    return
            self._begun = True
            out = self._step(rest)
            if out:
                yield out
            if self._member.eof:
                rest = self._member.unused_data
                self._member = zlib.decompressobj(_GZIP_WINDOW)
                self._begun = False
                self._members += 1
            else:
                rest = self._member.unconsumed_tail
                if not rest and len(out) == STEP:
                    yield from self._drain()

    def end(self) -> Iterator[bytes]:
        """See `Unpacker`."""
        if self._begun or not self._members:
            raise DamagedError("breaks off inside its GZIP packing")
        return iter(())

    def _drain(self) -> Iterator[bytes]:
        """Yield what zlib still holds of input that it has taken in whole."""
        while True:
            out = self._step(b"")
            if out:
                yield out
            if len(out) < STEP:
                return

    def _step(self, piece: bytes) -> bytes:
        try:
            return self._member.decompress(piece, STEP)
        except zlib.error as exc:
            raise DamagedError(f"is no whole GZIP stream ({exc})") from exc


class MaybeGunzip:
    """A layer of GZIP where the stream begins with its mark, else none."""

    def __init__(self) -> None:
        self._start = b""
        self._chosen: Unpacker | None = None

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """See `Unpacker`."""
        if self._chosen is None:
            self._start += piece
            if len(self._start) < len(_MARK):
                return
            self._chosen = Gunzip() if self._start.startswith(_MARK) else Plain()
            piece, self._start = self._start, b""
        yield from self._chosen.feed(piece)

    def end(self) -> Iterator[bytes]:
        """See `Unpacker`."""
        if self._chosen is None:
            return iter([self._start] if self._start else [])
        return self._chosen.end()


class Both:
    """One packing inside another."""

    def __init__(self, outer: Unpacker, inner: Unpacker) -> None:
        self._outer = outer
        self._inner = inner

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """See `Unpacker`."""
        return self._through(self._outer.feed(piece))

    def end(self) -> Iterator[bytes]:
        """See `Unpacker`."""
        yield from self._through(self._outer.end())
        yield from self._inner.end()

    def _through(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            yield from self._inner.feed(piece)


def unpacker(*, encoding: str, gzip: bool) -> Unpacker:
    """Return what takes a document's packing off.

    Args:
        encoding: The host's `Content-Encoding`.
        gzip: Whether Amazon's answer says `GZIP`.

    Raises:
        DamagedError: The encoding is none that Amazon uses.
    """
    encoding = encoding.strip().lower()
    if encoding not in {"", "identity", "gzip", "x-gzip"}:
        raise DamagedError(f"comes in an encoding that is not known: {encoding[:40]!r}")
    encoded = encoding.endswith("gzip")
    if encoded and gzip:
        return Both(Gunzip(), MaybeGunzip())
    return Gunzip() if encoded or gzip else Plain()
