"""The stored documents: put, found, read, linked, and deleted when they are too old.

It decides what a document is called, that it is hashed and counted on its way in, whether it is
sealed, and when it is too old. Where bytes lie is the backend's. A row is written after the bytes
are safe, so what a row names is there; bytes that no row names go with their day.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from gateway.clock import Clock
from gateway.documents.blobs import Blobs, day_of
from gateway.documents.links import Link, Links
from gateway.documents.sealed import new_key, opened, sealed
from gateway.errors import NotFoundError
from gateway.store.documents import StoredDocument


class DocumentRows(Protocol):
    """What the library needs of the store."""

    async def put(self, document: StoredDocument) -> None:
        """Write a row, or replace the one with its id."""
        ...

    async def find(self, document_ids: Sequence[str]) -> Sequence[StoredDocument]:
        """Return those that there are."""
        ...

    async def forget(self, before_ms: int) -> int:
        """Delete rows made before a time, a bounded number; return how many."""
        ...


class DocumentRecorder(Protocol):
    """Where documents are counted."""

    def stored(self, size_bytes: int) -> None:
        """Count one that was stored."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDocument:
    """A document before it is stored.

    Attributes:
        id: The same for the same thing, so that a run that is repeated replaces what it stored.
        name: File name for whoever downloads it; never a path.
    """

    id: str
    name: str
    content_type: str
    handling_id: str
    seller_id: str | None


class Library:
    """See the module."""

    def __init__(
        self,
        rows: DocumentRows,
        blobs: Blobs,
        links: Links,
        *,
        clock: Clock,
        recorder: DocumentRecorder,
        retention_days: int,
        seals: bool,
    ) -> None:
        """Bind the parts.

        Args:
            rows: What is known of each document.
            blobs: Where the bytes lie.
            links: Who makes links.
            clock: Time.
            recorder: Where documents are counted.
            retention_days: Days after which a document is deleted.
            seals: Whether bytes are sealed before they reach the backend.
        """
        self._rows = rows
        self._blobs = blobs
        self._links = links
        self._clock = clock
        self._recorder = recorder
        self._retention = timedelta(days=retention_days)
        self._seals = seals

    async def put(self, new: NewDocument, pieces: AsyncIterator[bytes]) -> StoredDocument:
        """Keep a document for good, in bounded memory; one of the same id is replaced.

        Raises:
            DocumentsUnavailableError: The backend can't keep it now.
            StoreUnavailableError: The store can't note it now; it counts as not kept.
        """
        now_ms = self._clock.now_ms()
        # A place of its own for each write: a stale worker never writes into another's document.
        place = f"{day_of(now_ms).isoformat()}/{new.id}-{secrets.token_hex(6)}"
        count = _Count()
        flow = count.passing(pieces)
        key = new_key() if self._seals else None
        await self._blobs.write(place, flow if key is None else sealed(flow, key, place=place))
        document = StoredDocument(
            id=new.id,
            name=new.name,
            content_type=new.content_type,
            size_bytes=count.size_bytes,
            sha256=count.hash.hexdigest(),
            seller_id=new.seller_id,
            handling_id=new.handling_id,
            place=place,
            key=key,
            created_at_ms=now_ms,
        )
        await self._rows.put(document)
        self._recorder.stored(document.size_bytes)
        return document

    async def find(self, document_id: str) -> StoredDocument | None:
        """Return what is known of a document, or None."""
        found = await self._rows.find([document_id])
        return found[0] if found else None

    def link(self, document: StoredDocument) -> Link:
        """Return a link to a document."""
        return self._links.make(document.id)

    async def behind(self, token: str) -> StoredDocument:
        """Return the document that a link's token names.

        Raises:
            NotFoundError: There is no such link, or the document was deleted.
            LinkExpiredError: The link's time is over.
        """
        found = await self.find(self._links.document_id(token))
        if found is None:
            raise NotFoundError("the document was deleted")
        return found

    def read(self, document: StoredDocument) -> AsyncIterator[bytes]:
        """Yield a document's bytes, verified.

        Raises:
            NotFoundError: It was deleted.
            SealError: It was altered.
            DocumentsUnavailableError: It can't be read now.
        """
        pieces = self._blobs.read(document.place)
        if document.key is None:
            return pieces
        return opened(pieces, document.key, place=document.place)

    async def text(self, document_id: str) -> AsyncIterator[bytes]:
        """Yield the bytes of the document of an id, verified.

        Raises:
            NotFoundError, SealError, DocumentsUnavailableError: See `read`.
        """
        document = await self.find(document_id)
        if document is None:
            raise NotFoundError("the document was deleted")
        async for piece in self.read(document):
            yield piece

    async def delete_bytes(self, place: str) -> None:
        """Delete the bytes of a document; its row is the caller's to delete, after them.

        Raises:
            DocumentsUnavailableError: They may be left.
        """
        await self._blobs.delete(place)

    async def expire(self) -> int:
        """Delete what is too old: rows in small batches, then bytes by whole days.

        Raises:
            StoreUnavailableError, DocumentsUnavailableError: The rest is left for the next time.
        """
        first_kept = day_of(self._clock.now_ms()) - self._retention
        before_ms = round(datetime(*first_kept.timetuple()[:3], tzinfo=UTC).timestamp() * 1000)
        deleted = 0
        while batch := await self._rows.forget(before_ms):
            deleted += batch
        for day in await self._blobs.days():
            if day < first_kept:
                await self._blobs.delete_day(day)
        return deleted


class _Count:
    """Counts and hashes what passes."""

    def __init__(self) -> None:
        self.size_bytes = 0
        self.hash = hashlib.sha256()

    async def passing(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for piece in pieces:
            self.size_bytes += len(piece)
            self.hash.update(piece)
            yield piece
