"""A host of documents in memory, and documents of any size made on the way."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gateway.errors import SpApiRetryableError
from gateway.spapi.documents.host import DeadUrlError, Link, Stream


@dataclass(frozen=True)
class Kept:
    """A document as its host keeps it; `then` is raised after its pieces."""

    pieces: Sequence[bytes] = ()
    content_type: str = "text/plain;charset=UTF-8"
    encoding: str = ""
    then: Exception | None = None


@dataclass
class FakeHost:
    """A `DocumentHost`: each GET or PUT takes the next reply, the last for ever."""

    script: list[Kept | Exception] = field(default_factory=lambda: [Kept()])
    links: list[Link] = field(default_factory=list)
    written: list[tuple[bytes, int, str]] = field(default_factory=list)
    open: int = 0

    @asynccontextmanager
    async def get(self, link: Link) -> AsyncIterator[Stream]:
        kept = self._next(link)
        self.open += 1
        try:
            yield Stream(
                content_type=kept.content_type, encoding=kept.encoding, pieces=_pieces(kept)
            )
        finally:
            self.open -= 1

    async def put(
        self, link: Link, content: AsyncIterable[bytes] | bytes, *, size: int, content_type: str
    ) -> None:
        self._next(link)
        whole = content if isinstance(content, bytes) else b"".join([one async for one in content])
        self.written.append((whole, size, content_type))

    def _next(self, link: Link) -> Kept:
        self.links.append(link)
        reply = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(reply, Exception):
            raise reply
        return reply


async def _pieces(kept: Kept) -> AsyncIterator[bytes]:
    for piece in kept.pieces:
        yield piece
    if kept.then is not None:
        raise kept.then


def dead_url() -> DeadUrlError:
    return DeadUrlError("expired", operation="x", status=403)


def bad_moment() -> SpApiRetryableError:
    return SpApiRetryableError("503", operation="x", status=503)


def rows(size: int) -> Iterator[bytes]:
    """Yield `size` bytes of a believable report, in pieces."""
    number, left = 0, size
    while left > 0:
        block = b"".join(
            b"%d\tSKU-%08x\t%d.%02d\tshipped\r\n" % (n, n * 2654435761 % 2**32, n % 997, n % 100)
            for n in range(number, number + 2000)
        )[:left]
        number += 2000
        left -= len(block)
        yield block


def packed(size: int) -> Iterator[bytes]:
    """Yield the same report as one GZIP stream."""
    packer = zlib.compressobj(1, wbits=31)
    for block in rows(size):
        piece = packer.compress(block)
        if piece:
            yield piece
    yield packer.flush()
