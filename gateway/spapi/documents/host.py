"""HTTP with the hosts where Amazon keeps documents, behind URLs that carry their own permission.

It decides how bytes travel there: no access token and no cookie goes out, no redirect is followed,
packing is left as it is, and a silent host is given up. Such a URL is a key to customers' data: it
is in no message and no log. It never decides what a document holds, nor whether to ask again.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

import aiohttp
import yarl

from gateway.errors import SpApiError, SpApiRequestError, SpApiRetryableError
from gateway.spapi.documents.limits import DamagedError, OversizeError
from gateway.spapi.proxies import Proxies

_CONNECT_S = 10.0
_GONE = frozenset({400, 401, 403, 404, 410})
_PASSING = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Where one document lies for the next seconds.

    Attributes:
        operation: Full name of the operation that gave it.
        url: The key to it.
        gzip: Whether Amazon says that it is packed with GZIP.
    """

    operation: str
    seller_id: str
    document_id: str
    url: str = field(repr=False)
    gzip: bool = False

    def __str__(self) -> str:
        return f"document {self.document_id} of seller {self.seller_id} ({self.operation})"


def fault(link: Link, exc: OversizeError | DamagedError) -> SpApiError:
    """Return what a document that can't be taken means for its caller."""
    if isinstance(exc, OversizeError):
        return SpApiRequestError(
            f"{link} {exc}; it is refused. Raise spapi.document_max_bytes if it is meant",
            operation=link.operation,
            seller_id=link.seller_id,
        )
    return SpApiRetryableError(
        f"{link} {exc}; ask for it again",
        operation=link.operation,
        seller_id=link.seller_id,
    )


class DeadUrlError(SpApiRetryableError):
    """The host refuses the URL: its seconds are over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A document on its way.

    Attributes:
        content_type: As the host names it, or empty.
        encoding: `Content-Encoding`, or empty.
        pieces: The bytes as they travel; raises SpApiRetryableError where they break off.
    """

    content_type: str
    encoding: str
    pieces: AsyncIterator[bytes]


class DocumentHost(Protocol):
    """Reads and writes documents."""

    def get(self, link: Link) -> AbstractAsyncContextManager[Stream]:
        """Open the document.

        Raises:
            DeadUrlError: The URL is refused.
            SpApiRetryableError: No answer now.
            SpApiRequestError: Something else is wrong and will stay so.
        """
        ...

    async def put(
        self, link: Link, content: AsyncIterable[bytes] | bytes, *, size: int, content_type: str
    ) -> None:
        """Write the document, `size` bytes; errors as with `get`."""
        ...


class HttpDocumentHost:
    """Talks over an aiohttp session that somebody else opens and closes."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        agent: str,
        silence_s: float = 30.0,
        plain_http: bool = False,
    ) -> None:
        """Bind the session.

        Args:
            session: Carries the connections.
            agent: `user-agent` of every request.
            silence_s: Longest wait for the next bytes; a whole document may take any time.
            plain_http: Whether URLs without TLS are taken, as a local SP-API gives them.
        """
        self._session = session
        self._headers = {"user-agent": agent}
        self._silence_s = silence_s
        self._schemes = {"https", "http"} if plain_http else {"https"}
        self._proxies = Proxies()

    @asynccontextmanager
    async def get(self, link: Link) -> AsyncIterator[Stream]:
        """See `DocumentHost`."""
        url = self._url(link)
        headers = {**self._headers, "accept-encoding": "gzip"}
        try:
            answer = await self._session.get(
                url,
                headers=headers,
                allow_redirects=False,
                auto_decompress=False,
                proxy=self._proxies.of(url),
                timeout=self._timeout,
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            # The cause may hold the URL in its text.
            raise _unreachable(link, exc) from None
        try:
            _check(link, answer)
            yield Stream(
                content_type=answer.headers.get("Content-Type", ""),
                encoding=answer.headers.get("Content-Encoding", ""),
                pieces=_pieces(link, answer),
            )
        finally:
            answer.close()

    async def put(
        self, link: Link, content: AsyncIterable[bytes] | bytes, *, size: int, content_type: str
    ) -> None:
        """See `DocumentHost`."""
        url = self._url(link)
        try:
            async with self._session.put(
                url,
                data=content,
                headers={
                    **self._headers,
                    "content-type": content_type,
                    "content-length": str(size),
                },
                allow_redirects=False,
                proxy=self._proxies.of(url),
                timeout=self._timeout,
            ) as answer:
                _check(link, answer)
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            raise _unreachable(link, exc) from None

    @property
    def _timeout(self) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(
            total=None, connect=min(_CONNECT_S, self._silence_s), sock_read=self._silence_s
        )

    def _url(self, link: Link) -> yarl.URL:
        try:
            url = yarl.URL(link.url, encoded=True)
        except ValueError:
            url = yarl.URL()
        if url.scheme not in self._schemes or not url.raw_host:
            raise SpApiRequestError(
                f"{link}: Amazon names no usable address for it (one that begins with https://)",
                operation=link.operation,
                seller_id=link.seller_id,
            )
        return url


async def _pieces(link: Link, answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    try:
        async for piece in answer.content.iter_any():
            yield piece
    except (aiohttp.ClientError, TimeoutError, OSError) as exc:
        raise SpApiRetryableError(
            f"{link}: the document broke off on its way ({type(exc).__name__}); try later",
            operation=link.operation,
            seller_id=link.seller_id,
        ) from None


def _check(link: Link, answer: aiohttp.ClientResponse) -> None:
    status = answer.status
    if status in {200, 201, 204}:
        return
    request_id = answer.headers.get("x-amz-request-id")
    noted = f", request id {request_id}" if request_id else ""
    said = f"{link}: the document's host answers {status}{noted}"
    if status in _GONE:
        raise DeadUrlError(
            f"{said}: its URL has expired; ask again",
            operation=link.operation,
            seller_id=link.seller_id,
            status=status,
            request_id=request_id,
        )
    if status in _PASSING or status >= 500:
        raise SpApiRetryableError(
            f"{said}; try later",
            operation=link.operation,
            seller_id=link.seller_id,
            status=status,
            request_id=request_id,
        )
    what = "a redirect, which is not followed" if 300 <= status < 400 else "nothing to be used"
    raise SpApiRequestError(
        f"{said}: {what}",
        operation=link.operation,
        seller_id=link.seller_id,
        status=status,
        request_id=request_id,
    )


def _unreachable(link: Link, exc: BaseException) -> SpApiRetryableError:
    return SpApiRetryableError(
        f"{link}: the document's host gives no answer ({type(exc).__name__}); try later",
        operation=link.operation,
        seller_id=link.seller_id,
    )
