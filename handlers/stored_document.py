"""What events say of a document that a handler fetched and stored; shared by several handlers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from pydantic import BaseModel

from gateway import Context


class DocumentLink(BaseModel):
    """A stored document; the link works until `expires_at`, for whoever has it."""

    name: str
    content_type: str
    size_bytes: int
    sha256: str
    url: str
    expires_at: str


DOCUMENT: Mapping[str, Any] = {
    "name": "GET_MERCHANT_LISTINGS_ALL_DATA-50039018869997",
    "content_type": "text/tab-separated-values; charset=utf-8",
    "size_bytes": 48213,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "url": "https://gateway.example/documents/AbCd",
    "expires_at": "2026-02-07T09:00:00.000Z",
}
"""An example of what stands in events."""


class Opened(Protocol):
    """A document of Amazon's, being downloaded."""

    @property
    def media_type(self) -> str:
        """As the host names it, or empty."""
        ...

    @property
    def charset(self) -> str | None:
        """None where it is no text; else what comes out is UTF-8."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Return its bytes, unpacked."""
        ...


async def stored(
    name: str, opening: AbstractAsyncContextManager[Opened], ctx: Context
) -> dict[str, Any]:
    """Return what an event says of a document, which is downloaded unless it is stored already.

    A run that was cut off may have stored it, and Amazon gives few documents a minute.

    Args:
        name: Under which this handling stores it.
        opening: What `ctx.spapi.documents` gives; it asks Amazon when it is entered.
        ctx: The run's.
    """
    found = await ctx.documents.find(name)
    if found is None:
        async with opening as document:
            kind = document.media_type or "application/octet-stream"
            if document.charset is not None:
                kind += "; charset=utf-8"
            found = await ctx.documents.store(name, document, content_type=kind)
    return found.as_data()
