"""One HTTP request to Amazon and its whole answer.

It decides how bytes travel: which headers go out, how long an answer may take and how large it may
be. It never decides what a status means, retries nothing and follows no redirect (a token would
travel with it). What goes wrong on the way is raised as `TransportFault`.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import Protocol

import aiohttp
import yarl

from gateway.errors import SpApiRequestError, SpApiRetryableError
from gateway.spapi.proxies import Proxies

MAX_USER_AGENT = 500
"""Longest `user-agent` that Amazon takes, in characters ("Connect to the SP-API")."""

_DEFAULT_MAX_BODY_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request ready to be sent.

    Attributes:
        operation: Name for errors.
        seller_id: Seller for errors, or None.
        url: Whole URL, percent-encoded already.
    """

    operation: str
    seller_id: str | None
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A whole answer.

    Attributes:
        headers: Names compare without regard to case.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def request_id(self) -> str | None:
        """What Amazon's support asks for."""
        return self.headers.get("x-amzn-RequestId") or self.headers.get("x-amz-request-id")


class TransportFault(SpApiRetryableError):  # noqa: N818 the glossary's word
    """No whole answer came.

    Attributes:
        sent: Whether Amazon may have seen the request; False where no connection was made.
        timed_out: Whether it was given up for lack of time.
    """

    def __init__(self, message: str, *, request: Request, sent: bool, timed_out: bool) -> None:
        super().__init__(message, operation=request.operation, seller_id=request.seller_id)
        self.sent = sent
        self.timed_out = timed_out


class Transport(Protocol):
    """Sends requests."""

    async def send(self, request: Request) -> Response:
        """Return the whole answer, whatever its status.

        Raises:
            TransportFault: No whole answer came.
            SpApiRequestError: The answer is larger than is taken.
        """
        ...


def user_agent(suffix: str = "") -> str:
    """Return the `user-agent` of this release, with a deployment's own words behind it."""
    version = metadata.version("spapi-event-gateway")
    text = f"spapi-event-gateway/{version} (Language=Python/{platform.python_version()}) {suffix}"
    return "".join(char for char in text.strip() if char.isprintable())[:MAX_USER_AGENT]


class HttpTransport:
    """Sends over an aiohttp session that somebody else opens and closes."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        agent: str,
        timeout_s: float = 30.0,
        max_body_bytes: int = _DEFAULT_MAX_BODY_BYTES,
    ) -> None:
        """Bind the session.

        Args:
            session: Carries the connections.
            agent: `user-agent` of every request.
            timeout_s: For one request from its start to the last byte of its answer.
            max_body_bytes: Largest answer taken, decompressed.
        """
        # aiohttp repeats a GET by itself when a kept connection turns out to be cut; that call
        # would go past the usage plan unseen. It has no public switch.
        session._retry_connection = False  # noqa: SLF001 see above
        self._session = session
        self._agent = agent
        self._timeout_s = timeout_s
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=min(10.0, timeout_s))
        self._max_body_bytes = max_body_bytes
        self._proxies = Proxies()

    async def send(self, request: Request) -> Response:
        """See `Transport`."""
        url = yarl.URL(request.url, encoded=True)
        try:
            async with self._session.request(
                request.method,
                url,
                headers={"user-agent": self._agent, **request.headers},
                data=request.body,
                timeout=self._timeout,
                allow_redirects=False,
                proxy=self._proxies.of(url),
            ) as answer:
                body = await self._read(answer, request)
                return Response(status=answer.status, headers=answer.headers, body=body)
        except (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError) as exc:
            raise fault(request, f"no connection ({_word(exc)})", exc, sent=False) from exc
        except TimeoutError as exc:
            what = f"no whole answer within {self._timeout_s:g} s"
            raise fault(request, what, exc, sent=True) from exc
        except (aiohttp.ClientError, OSError) as exc:
            raise fault(request, f"the answer broke off ({_word(exc)})", exc) from exc

    async def _read(self, answer: aiohttp.ClientResponse, request: Request) -> bytes:
        chunks: list[bytes] = []
        size = 0
        async for chunk in answer.content.iter_any():
            size += len(chunk)
            if size > self._max_body_bytes:
                answer.close()
                raise too_large(request, answer.status, answer.headers, self._max_body_bytes)
            chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def too_large(
    request: Request, status: int, headers: Mapping[str, str], most_bytes: int
) -> SpApiRequestError:
    """Return the error for an answer that is larger than is taken."""
    return SpApiRequestError(
        f"{request.operation}: the answer is larger than {most_bytes} bytes; ask for less at once",
        operation=request.operation,
        seller_id=request.seller_id,
        status=status,
        request_id=headers.get("x-amzn-RequestId"),
    )


def fault(request: Request, what: str, exc: BaseException, *, sent: bool = True) -> TransportFault:
    """Return the error for a request that brought no whole answer."""
    seller = f" for seller {request.seller_id}" if request.seller_id else ""
    return TransportFault(
        f"{request.operation}{seller}: {what}; try later",
        request=request,
        sent=sent,
        timed_out=isinstance(exc, TimeoutError),
    )


def _word(exc: BaseException) -> str:
    return type(exc).__name__
