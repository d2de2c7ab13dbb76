"""`/documents/{token}`: stored documents, for whoever holds a link that has not expired.

The token is all that is asked for, so the answer says nothing but what the link is for, and keeps
itself out of caches, indexes and referrers.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final, Protocol
from urllib.parse import quote

import orjson
import structlog
from aiohttp import web

from gateway.admin.problems import CONTENT_TYPE
from gateway.documents.links import PATH
from gateway.errors import GatewayError, LinkExpiredError, NotFoundError
from gateway.store.documents import StoredDocument

_log = structlog.get_logger("gateway.admin")

_HEADERS: Final = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "sandbox",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


class DocumentSource(Protocol):
    """What this needs of the library."""

    async def behind(self, token: str) -> StoredDocument:
        """Return the document that a token names."""
        ...

    def read(self, document: StoredDocument) -> AsyncIterator[bytes]:
        """Yield its bytes."""
        ...


class Downloads:
    """See the module."""

    def __init__(self, source: DocumentSource) -> None:
        self._source = source

    def routes(self) -> Sequence[web.RouteDef]:
        """Return the routes to serve."""
        return [web.get(f"{PATH}/{{token}}", self._get)]

    async def _get(self, request: web.Request) -> web.StreamResponse:
        try:
            document = await self._source.behind(request.match_info["token"])
            pieces = self._source.read(document)
            # Before anything is answered: what is gone or altered is a fault, not half a file.
            first = b"" if request.method == "HEAD" else await anext(pieces, b"")
        except LinkExpiredError as exc:
            return _problem(410, "gone", str(exc))
        except NotFoundError as exc:
            return _problem(404, "not-found", str(exc))
        except GatewayError as exc:
            _log.error("document.unreadable", error=str(exc))
            return _problem(503, "unavailable", "the document can't be read now")
        response = web.StreamResponse(headers=_HEADERS | _described(document))
        await response.prepare(request)
        if request.method != "HEAD":
            await response.write(first)
            async for piece in pieces:
                await response.write(piece)
        await response.write_eof()
        return response


def _described(document: StoredDocument) -> dict[str, str]:
    digest = orjson.dumps(document.sha256)  # quoted, as an entity tag is
    return {
        "Content-Type": document.content_type,
        "Content-Length": str(document.size_bytes),
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(document.name, safe='')}",
        "ETag": digest.decode(),
    }


def _problem(status: int, word: str, detail: str) -> web.Response:
    body = {
        "type": f"urn:gateway:problem:{word}",
        "title": "The document can't be had",
        "status": status,
        "detail": detail,
    }
    return web.Response(
        status=status,
        body=orjson.dumps(body),
        content_type=CONTENT_TYPE,
        headers={"Cache-Control": "no-store"},
    )
