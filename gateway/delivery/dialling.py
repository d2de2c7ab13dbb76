"""The `aiohttp` transport's session, which dials vetted addresses only.

It decides nothing about addresses itself; it makes sure that `egress.py` is asked on every way to a
socket. Names are resolved and vetted together, the addresses vetted are the ones dialled, and each
socket is checked once more when it is made, which also covers literal addresses (for those aiohttp
asks no resolver). A kept-alive connection stays with the address it was vetted for. No proxy from
the environment, no cookies, no redirects, no transparent decompression. With a proxy of the
operator's, every socket leads to it, and it is told vetted addresses, never names.
"""

from __future__ import annotations

import asyncio
import socket
from contextvars import ContextVar
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler

from gateway.delivery.egress import (
    EgressPolicy,
    Resolver,
    forbidden_reason,
    literal,
    vet_answers,
)
from gateway.delivery.ways import KEPT_S, guarded_socket
from gateway.http1.connection import spelled
from gateway.http1.messages import Trail

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from ssl import SSLContext

    from aiohttp.connector import AddrInfoType, Connection
    from yarl import URL

    from gateway.delivery.ranges import Address

_ANSWER_LINE_BYTES: Final = 8190
_ANSWER_HEADERS: Final = 100
_READ_BUFFER_BYTES: Final = 16 * 1024
# The sender has one deadline over everything; aiohttp's own timers would cost and add nothing.
_NO_TIMEOUTS: Final = aiohttp.ClientTimeout(
    total=None, connect=None, sock_read=None, sock_connect=None
)


current_trail: ContextVar[Trail] = ContextVar("current_trail")
"""Of the request that the running task makes; aiohttp's own hooks say less."""


class PeerResponse(aiohttp.ClientResponse):
    """An answer that remembers whom it came from.

    The connection goes back to the pool with the answer's last byte, so it is asked before.
    """

    peer: str | None = None

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        """See `aiohttp.ClientResponse`."""
        transport = connection.transport
        if transport is not None:
            self.peer = spelled(transport.get_extra_info("peername"))
        started = await super().start(connection)
        if (trail := current_trail.get(None)) is not None:
            trail.answered_at_s = trail.now_s()
        return started


class _Connector(aiohttp.TCPConnector):
    """Notes when connections stand, and keeps no more of them open than may be in use."""

    def __init__(self, *, limit: int, **options: Any) -> None:
        super().__init__(limit=limit, **options)
        self._most_open = limit
        self._open = 0
        # aiohttp makes a connection's protocol right after TCP has connected, before TLS.
        self._factory = self._protocol  # type: ignore[assignment]

    def _protocol(self) -> ResponseHandler:
        if (trail := current_trail.get(None)) is not None:
            trail.connected_at_s = trail.now_s()
        return _CountedProtocol(self._loop, self._opened)

    def _opened(self, change: int) -> None:
        self._open += change

    def _release(self, key: Any, protocol: ResponseHandler, *, should_close: bool = False) -> None:
        # Idle connections to thousands of endpoints would otherwise pile up until they time out.
        is_one_too_many = self._open > self._most_open
        super()._release(key, protocol, should_close=should_close or is_one_too_many)


class _CountedProtocol(ResponseHandler):
    """A connection that says when it opens and when it is closed."""

    def __init__(self, loop: asyncio.AbstractEventLoop, opened: Callable[[int], None]) -> None:
        super().__init__(loop=loop)
        self._opened = opened

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._opened(1)
        super().connection_made(transport)
        if (trail := current_trail.get(None)) is not None:
            trail.ready_at_s = trail.now_s()

    def connection_lost(self, exc: BaseException | None) -> None:
        """See `asyncio.Protocol`."""
        self._opened(-1)
        super().connection_lost(exc)


@dataclass(slots=True)
class Proxy:
    """The operator's way out: an HTTP proxy that every connection goes through.

    Attributes:
        addresses: What its name was resolved to; the only addresses that are dialled then.
    """

    url: URL
    addresses: set[Address] = field(default_factory=set)

    def __post_init__(self) -> None:
        if (address := literal(self.url.raw_host or "")) is not None:
            self.addresses.add(address)


class _VettingResolver(AbstractResolver):
    """Gives aiohttp the vetted addresses of a name, or the guard's refusal."""

    def __init__(self, resolver: Resolver, policy: EgressPolicy, proxy: Proxy | None) -> None:
        self._resolver = resolver
        self._policy = policy
        self._proxy = proxy

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return what may be dialled for `host`.

        Raises:
            BlockedAddressError: One of its addresses is forbidden.
            ResolutionError: It has none.
        """
        del family  # every address is vetted; aiohttp tries them in turn
        answers = await self._lookup(host)
        if self._proxy is not None and host == self._proxy.url.raw_host:
            addresses: Sequence[Address] = [ip_address(answer) for answer in answers]
            self._proxy.addresses.update(addresses)
        else:
            addresses = vet_answers(host, answers, self._policy)
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in addresses
        ]

    async def _lookup(self, host: str) -> Sequence[str]:
        trail = current_trail.get(None)
        if trail is None:
            return await self._resolver.lookup(host)
        start_s = trail.now_s()
        try:
            return await self._resolver.lookup(host)
        finally:
            trail.dns_s = (trail.dns_s or 0.0) + trail.now_s() - start_s

    async def close(self) -> None:
        """Nothing to close: the resolver belongs to whoever made it."""


def open_session(
    policy: EgressPolicy,
    resolver: Resolver,
    *,
    headers: Mapping[str, str],
    connections: int,
    ssl_context: SSLContext | None = None,
    proxy: Proxy | None = None,
) -> aiohttp.ClientSession:
    """Return a session that can reach vetted addresses only; the caller closes it.

    Args:
        policy: What may be dialled.
        resolver: Who turns names into addresses.
        headers: Sent with every request.
        connections: Most connections in use at once.
        ssl_context: Trust to use instead of the system's.
        proxy: Where all connections lead, if anywhere.
    """

    def is_forbidden(address: Address) -> bool:
        if proxy is not None:
            return address not in proxy.addresses
        return forbidden_reason(address, policy) is not None

    def checked_socket(info: AddrInfoType) -> socket.socket:
        return guarded_socket(info, is_forbidden, current_trail.get(None))

    connector = _Connector(
        resolver=_VettingResolver(resolver, policy, proxy),
        use_dns_cache=False,
        limit=connections,
        keepalive_timeout=KEPT_S,
        socket_factory=checked_socket,
        ssl=ssl_context if ssl_context is not None else True,
    )
    return aiohttp.ClientSession(
        connector=connector,
        headers=headers,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        timeout=_NO_TIMEOUTS,
        auto_decompress=False,
        response_class=PeerResponse,
        read_bufsize=_READ_BUFFER_BYTES,
        max_line_size=_ANSWER_LINE_BYTES,
        max_field_size=_ANSWER_LINE_BYTES,
        max_headers=_ANSWER_HEADERS,
    )
