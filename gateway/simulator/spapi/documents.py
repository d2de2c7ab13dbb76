"""Documents behind URLs that die: what reports, feeds, queries and exports are fetched from.

A URL is good for one document until its time has passed, then it answers as S3 does: 403 with an
XML body. The body that is served is exactly the bytes that were put in.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from gateway.clock import Clock

PREFIX = "/_documents/"
_LINKS_KEPT = 10_000
_CONTENTS_KEPT = 10_000


@dataclass(slots=True, kw_only=True)
class Content:
    """The bytes of a document and how they are labelled."""

    body: bytes
    content_type: str
    encoding: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Link:
    key: tuple[str, str]
    expires_at_ms: int
    upload_type: str | None
    encoding: str | None


class Documents:
    """Contents by (seller, document id), and the links that lead to them for a while."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._contents: dict[tuple[str, str], Content] = {}
        self._links: dict[str, _Link] = {}

    def put(self, seller_id: str, document_id: str, content: Content) -> None:
        """Keep a document; the oldest goes where there are too many."""
        while len(self._contents) >= _CONTENTS_KEPT:
            del self._contents[next(iter(self._contents))]
        self._contents[seller_id, document_id] = content

    def get(self, seller_id: str, document_id: str) -> Content | None:
        """Return a seller's document, or None."""
        return self._contents.get((seller_id, document_id))

    def link(
        self,
        seller_id: str,
        document_id: str,
        *,
        base_url: str,
        life_s: int,
        upload_type: str | None = None,
        encoding: str | None = None,
    ) -> str:
        """Return a URL that is good for `life_s` seconds.

        Args:
            seller_id: Whose document.
            document_id: Which.
            base_url: Where the client reaches the simulator.
            life_s: Seconds until the URL dies.
            upload_type: Content type that must be put there; None for a URL to get from.
            encoding: `Content-Encoding` to serve under, where it is not the content's own.
        """
        token = secrets.token_urlsafe(24)
        while len(self._links) >= _LINKS_KEPT:
            del self._links[next(iter(self._links))]
        self._links[token] = _Link(
            key=(seller_id, document_id),
            expires_at_ms=self._clock.now_ms() + life_s * 1_000,
            upload_type=upload_type,
            encoding=encoding,
        )
        return f"{base_url}{PREFIX}{token}?X-Amz-Expires={life_s}"

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Return the answer to a request for a link."""
        link = self._links.get(request.path.removeprefix(PREFIX))
        if link is None:
            return _refused("AccessDenied", "Access Denied")
        if link.expires_at_ms <= self._clock.now_ms():
            return _refused("AccessDenied", "Request has expired")
        if request.method == "PUT" and link.upload_type is not None:
            return await self._upload(request, link)
        content = self._contents.get(link.key)
        if request.method != "GET" or link.upload_type is not None or content is None:
            return _refused("SignatureDoesNotMatch", "The URL was signed for another request.")
        response = web.Response(body=content.body, headers={"Content-Type": content.content_type})
        if (encoding := link.encoding or content.encoding) is not None:
            response.headers["Content-Encoding"] = encoding
        return response

    async def _upload(self, request: web.BaseRequest, link: _Link) -> web.Response:
        # The content type is part of what Amazon signs: another one is refused.
        if request.headers.get("Content-Type") != link.upload_type:
            return _refused("SignatureDoesNotMatch", "The URL was signed for another content type.")
        self._contents[link.key] = Content(
            body=await request.read(), content_type=link.upload_type or ""
        )
        return web.Response()


def _refused(code: str, message: str) -> web.Response:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    )
    return web.Response(status=403, text=body, content_type="application/xml")
