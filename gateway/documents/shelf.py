"""What one handling sees of the stored documents: `ctx.documents`."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from typing import Any

from gateway.documents.library import Library, NewDocument
from gateway.documents.links import Link
from gateway.store.documents import StoredDocument

_UNNAMED = "document"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A stored document, with a link to it.

    Attributes:
        url: Whoever has it reads the document until `expires_at`.
        expires_at: RFC 3339.
        sha256: Of its bytes, in hexadecimal.
    """

    id: str
    name: str
    content_type: str
    size_bytes: int
    sha256: str
    url: str
    expires_at: str

    def as_data(self) -> dict[str, Any]:
        """Return what an event says of it."""
        return {
            "name": self.name,
            "content_type": self.content_type,
            "size_bytes": self.size_bytes,
            "sha256": self.sha256,
            "url": self.url,
            "expires_at": self.expires_at,
        }


class DocumentShelf:
    """The documents of one handling; a run that is repeated finds, or replaces, what it stored."""

    def __init__(self, library: Library, *, handling_id: str, seller_id: str | None) -> None:
        self._library = library
        self._handling_id = handling_id
        self._seller_id = seller_id

    async def store(
        self,
        name: str,
        content: AsyncIterable[bytes] | bytes,
        *,
        content_type: str = "application/octet-stream",
    ) -> Document:
        """Keep a document and return it with a link; one of the same name is replaced.

        Args:
            name: File name, one for each document of the handling.
            content: Its bytes, or a stream of them, which is never whole in memory.
            content_type: As whoever downloads it is told.

        Raises:
            DocumentsUnavailableError: It can't be kept now; let it pass, and the run is repeated.
        """
        new = NewDocument(
            id=document_id(self._handling_id, name),
            name=_file_name(name),
            content_type=content_type,
            handling_id=self._handling_id,
            seller_id=self._seller_id,
        )
        document = await self._library.put(new, _stream(content))
        return _linked(document, self._library.link(document))

    async def find(self, name: str) -> Document | None:
        """Return what this handling stored under a name before, with a new link, or None."""
        found = await self._library.find(document_id(self._handling_id, name))
        return None if found is None else _linked(found, self._library.link(found))


def document_id(handling_id: str, name: str) -> str:
    """Return the id of a handling's document: sorted by the handling's time, and ever the same."""
    digest = hashlib.sha256(f"{handling_id}\0{name}".encode()).hexdigest()
    return f"doc_{handling_id.rpartition('_')[2][:12].rjust(12, '0')}{digest[:20]}"


def _linked(document: StoredDocument, link: Link) -> Document:
    return Document(
        id=document.id,
        name=document.name,
        content_type=document.content_type,
        size_bytes=document.size_bytes,
        sha256=document.sha256,
        url=link.url,
        expires_at=link.expires_at,
    )


def _file_name(name: str) -> str:
    """Return a name without folders and without what a header or a file system may trip over."""
    last = name.replace("\\", "/").rpartition("/")[2]
    kept = "".join(char for char in last if char.isprintable() and char not in '"<>|*?:;')
    return kept.strip(". ")[:200] or _UNNAMED


async def _stream(content: AsyncIterable[bytes] | bytes) -> AsyncIterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    async for piece in content:
        yield piece
