"""A webhook receiver that remembers what came, judges signatures and answers as it is told.

Signatures are judged by the `standardwebhooks` package, which the gateway itself never signs with.
Memory is bounded in requests kept; of ids it keeps all, with counts, to prove what arrived.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from gateway.clock import Clock, SystemClock
from gateway.simulator.http import HttpServer, drop_connection

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request as it came.

    Attributes:
        headers: With names in lower case.
        webhook_id: What `webhook-id` says, or an empty string.
        verified: Whether a secret of the path's fits; None where the path has none.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    received_at_ms: int
    webhook_id: str
    verified: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """How a path answers.

    Attributes:
        delay_s: Seconds before the answer.
        never: Whether the answer never comes: the connection stays open and silent.
        drop: Whether the connection is cut instead.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay_s: float = 0.0
    never: bool = False
    drop: bool = False


@dataclass(slots=True)
class Tally:
    """What came to one path.

    Attributes:
        ids: How often each webhook id came.
        verified: Ids that came at least once with a good signature.
        rejected: Requests whose signature was missing or wrong.
    """

    requests: int = 0
    ids: Counter[str] = field(default_factory=Counter)
    verified: set[str] = field(default_factory=set)
    rejected: int = 0


class WebhookReceiver:
    """A running receiver; enter it to listen, leave it to stop.

    Args:
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        keep: How many requests are kept whole, the latest ones.
        clock: Time that requests are noted with.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        keep: int = 1_000,
        clock: Clock | None = None,
    ) -> None:
        self.requests: deque[Received] = deque(maxlen=keep)
        self._clock = clock or SystemClock()
        self._secrets: dict[str, tuple[Webhook, ...]] = {}
        self._replies: dict[str, Callable[[Received], Reply]] = {}
        self._tallies: dict[str, Tally] = {}
        self._closing = asyncio.Event()
        self._news: set[asyncio.Future[None]] = set()
        self._server = HttpServer(self._answer, host=host, port=port)

    def url(self, path: str = "/") -> str:
        """Return the URL of a path; every path is there."""
        return self._server.url + path

    def trust(self, path: str, *secrets: str) -> None:
        """Judge signatures on a path by these `whsec_…` secrets; one that fits is enough."""
        self._secrets[path] = tuple(Webhook(secret) for secret in secrets)

    def program(self, path: str, reply: Reply | Callable[[Received], Reply]) -> None:
        """Let a path answer so from now on; unprogrammed paths answer 200 with no body."""
        self._replies[path] = reply if callable(reply) else lambda _: reply

    def tally(self, path: str) -> Tally:
        """Return what came to a path so far."""
        return self._tallies.setdefault(path, Tally())

    def to(self, path: str) -> Sequence[Received]:
        """Return the requests to a path that are still kept, the oldest first."""
        return [received for received in self.requests if received.path == path]

    async def until(self, condition: Callable[[], bool], *, timeout_s: float = 10.0) -> None:
        """Return when the condition holds; it is looked at after each request.

        Raises:
            TimeoutError: It did not hold within `timeout_s` seconds.
        """
        async with asyncio.timeout(timeout_s):
            while not condition():
                news: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._news.add(news)
                try:
                    await news
                finally:
                    self._news.discard(news)

    async def __aenter__(self) -> Self:
        """Begin to listen.

        Raises:
            OSError: The port is taken, or the host is not ours.
        """
        await self._server.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening; answers that are held back are never given."""
        self._closing.set()
        await self._server.__aexit__(kind, error, trace)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        received = self._received(request, await request.read())
        program = self._replies.get(received.path)
        reply = program(received) if program is not None else Reply()
        self._note(received)
        if reply.never or reply.delay_s:
            with suppress(TimeoutError):
                async with asyncio.timeout(None if reply.never else reply.delay_s):
                    await self._closing.wait()
        if reply.drop or self._closing.is_set():
            drop_connection(request)
        return web.Response(status=reply.status, headers=reply.headers, body=reply.body)

    def _received(self, request: web.BaseRequest, body: bytes) -> Received:
        headers = {name.lower(): value for name, value in request.headers.items()}
        secrets = self._secrets.get(request.path)
        return Received(
            method=request.method,
            path=request.path,
            headers=headers,
            body=body,
            received_at_ms=self._clock.now_ms(),
            webhook_id=headers.get("webhook-id", ""),
            verified=None if secrets is None else _fits_any(secrets, headers, body),
        )

    def _note(self, received: Received) -> None:
        self.requests.append(received)
        tally = self.tally(received.path)
        tally.requests += 1
        if received.webhook_id:
            tally.ids[received.webhook_id] += 1
        if received.verified:
            tally.verified.add(received.webhook_id)
        elif received.verified is False:
            tally.rejected += 1
        for news in self._news:
            if not news.done():
                news.set_result(None)


def _fits_any(secrets: Sequence[Webhook], headers: Mapping[str, str], body: bytes) -> bool:
    return any(_fits(secret, headers, body) for secret in secrets)


def _fits(secret: Webhook, headers: Mapping[str, str], body: bytes) -> bool:
    try:
        secret.verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError):
        # The package lets malformed base64, numbers and UTF-8 through as ValueErrors.
        return False
    return True
