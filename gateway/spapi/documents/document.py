"""One document as a stream of bytes, read once, in the task that asked for it.

What comes out is unpacked, and UTF-8 where it is text; it is counted and hashed as it passes.
"""

from __future__ import annotations

import asyncio
import codecs
import hashlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from gateway.errors import SpApiRequestError
from gateway.spapi.documents.gunzip import Unpacker
from gateway.spapi.documents.host import Link, fault
from gateway.spapi.documents.limits import DamagedError, Meter, OversizeError
from gateway.spapi.documents.text import Transcoder, content_type_parts

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """What a document is made by: its packing taken off, its text rewritten, its bounds kept."""

    unpacker: Unpacker
    text: Transcoder
    meter: Meter


async def counted(pieces: AsyncIterator[bytes], meter: Meter) -> AsyncIterator[bytes]:
    """Yield `pieces` as they travelled, counted.

    Raises:
        OversizeError: They are too many.
    """
    async for piece in pieces:
        meter.receive(len(piece))
        yield piece


class Document:
    """A document; iterate over it once for its bytes.

    Attributes:
        id: Amazon's document id; unique only together with the seller.
        name: Name of a file in an archive, else empty. Never use it as a path.
        media_type: Such as `text/tab-separated-values`, as the host names it, or empty.
        size_bytes: Bytes that came out so far.
        whole: Whether everything came out; only then are size and checksum the document's.
    """

    def __init__(
        self,
        link: Link,
        pieces: AsyncIterator[bytes],
        making: Making,
        *,
        content_type: str,
        name: str = "",
    ) -> None:
        self.id = link.document_id
        self.name = name
        self.media_type = content_type_parts(content_type)[0]
        self.size_bytes = 0
        self.whole = False
        self._link = link
        self._pieces = pieces
        self._making = making
        self._hash = hashlib.sha256()
        self._flow = self._made()

    @property
    def charset(self) -> str | None:
        """What its text was written in; None where it is no text or says no charset.

        With a charset the bytes that come out are UTF-8, without one they are as Amazon keeps them.
        """
        return self._making.text.charset

    @property
    def received_bytes(self) -> int:
        """Bytes that travelled so far; those of the whole archive for one of its files."""
        return self._making.meter.received

    @property
    def sha256(self) -> str:
        """SHA-256 of what came out so far, in hexadecimal."""
        return self._hash.hexdigest()

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Return the stream of its bytes, in pieces of up to some 100 KB.

        Raises:
            SpApiRetryableError: It broke off or is damaged; ask for it again later.
            SpApiRequestError: It is too large, or expands too far.
        """
        return self._flow

    async def read(self, *, at_most: int = 8 * _MIB) -> bytes:
        """Return all of a small document.

        Raises:
            SpApiRequestError: It is larger than `at_most` bytes; iterate over it instead.
        """
        pieces = []
        async for piece in self:
            if self.size_bytes > at_most:
                raise self._refused(f"is larger than the {at_most} bytes that are read at once")
            pieces.append(piece)
        return b"".join(pieces)

    async def lines(self, *, at_most: int = _MIB) -> AsyncIterator[str]:
        """Yield the lines of a text in UTF-8 without their ends: rows of a report, JSON lines.

        Raises:
            SpApiRequestError: A line is longer than `at_most` characters.
        """
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        rest = ""
        async for piece in self:
            *lines, rest = (rest + decoder.decode(piece)).split("\n")
            for line in lines:
                yield line.removesuffix("\r")
            if len(rest) > at_most:
                raise self._refused(f"has a line of more than {at_most} characters")
        rest += decoder.decode(b"", final=True)
        if rest:
            yield rest.removesuffix("\r")

    async def _made(self) -> AsyncIterator[bytes]:
        unpacker, text = self._making.unpacker, self._making.text
        try:
            async for piece in self._pieces:
                for out in self._counted(unpacker.feed(piece)):
                    if out:
                        yield out
                    # A piece may expand a thousandfold; others get their turn between.
                    await asyncio.sleep(0)
            for out in self._counted(unpacker.end()):
                if out:
                    yield out
        except (OversizeError, DamagedError) as exc:
            raise fault(self._link, exc) from exc
        last = text.end()
        if last:
            self._note(last)
            yield last
        self.whole = True

    def _counted(self, unpacked: Iterator[bytes]) -> Iterator[bytes]:
        for piece in unpacked:
            self._making.meter.unpack(len(piece))
            out = self._making.text.feed(piece)
            self._note(out)
            yield out

    def _note(self, out: bytes) -> None:
        self._hash.update(out)
        self.size_bytes += len(out)

    def _refused(self, what: str) -> SpApiRequestError:
        return SpApiRequestError(
            f"{self._link} {what}",
            operation=self._link.operation,
            seller_id=self._link.seller_id,
        )
