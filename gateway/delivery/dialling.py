"""The one door through which requests leave: an HTTP session that dials vetted addresses only.

It decides nothing about addresses itself; it makes sure that `egress.py` is asked on every way to a
socket. Names are resolved and vetted together, the addresses vetted are the ones dialled, and each
socket is checked once more when it is made, which also covers literal addresses (for those aiohttp
asks no resolver). A kept-alive connection stays with the address it was vetted for. No proxy from
the environment, no cookies, no redirects, no transparent decompression. With a proxy of the
operator's, every socket leads to it, and it is told vetted addresses, never names.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from contextvars import ContextVar
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler

from gateway.delivery.egress import EgressPolicy, Resolver, forbidden_reason, vet_answers
from gateway.delivery.verdict import Timings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from ssl import SSLContext

    from aiohttp.connector import AddrInfoType, Connection
    from yarl import URL

    from gateway.delivery.ranges import Address

_ANSWER_LINE_BYTES: Final = 8190
_ANSWER_HEADERS: Final = 100
_READ_BUFFER_BYTES: Final = 16 * 1024
_KEEPALIVE_S: Final = 30.0
# The sender has one deadline over everything; aiohttp's own timers would cost and add nothing.
_NO_TIMEOUTS: Final = aiohttp.ClientTimeout(
    total=None, connect=None, sock_read=None, sock_connect=None
)


@dataclass(slots=True)
class Dial:
    """What one request did to get a connection, and when.

    Attributes:
        now_s: Clock of the times, of which only differences mean anything.
        started_at_s: When the request began.
        addresses: Addresses that were dialled for it; empty where a kept-alive one was reused.
        dns_s: What look-ups took.
        dialled_at_s: When the last socket was made.
        connected_at_s: When its TCP connection stood.
        ready_at_s: When a connection was there, TLS and all.
        answered_at_s: When the answer's head was there.
    """

    now_s: Callable[[], float]
    started_at_s: float
    addresses: list[str] = field(default_factory=list)
    dns_s: float | None = None
    dialled_at_s: float | None = None
    connected_at_s: float | None = None
    ready_at_s: float | None = None
    answered_at_s: float | None = None

    @property
    def reused(self) -> bool:
        """Whether no new connection was opened."""
        return not self.addresses

    @property
    def last(self) -> str | None:
        """The address dialled last."""
        return self.addresses[-1] if self.addresses else None

    def timings(self, *, tls: bool) -> Timings:
        """Return where the time went, as far as it came."""
        if not self.addresses and self.dns_s is None:
            return Timings(first_byte_ms=_between_ms(self.started_at_s, self.answered_at_s))
        return Timings(
            dns_ms=None if self.dns_s is None else round(self.dns_s * 1000),
            connect_ms=_between_ms(self.dialled_at_s, self.connected_at_s),
            tls_ms=_between_ms(self.connected_at_s, self.ready_at_s) if tls else None,
            first_byte_ms=_between_ms(self.ready_at_s, self.answered_at_s),
        )


def _between_ms(start_s: float | None, end_s: float | None) -> int | None:
    return None if start_s is None or end_s is None else round((end_s - start_s) * 1000)


current_dial: ContextVar[Dial] = ContextVar("current_dial")


class PeerResponse(aiohttp.ClientResponse):
    """An answer that remembers whom it came from.

    The connection goes back to the pool with the answer's last byte, so it is asked before.
    """

    peer: str | None = None

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        """See `aiohttp.ClientResponse`."""
        transport = connection.transport
        if transport is not None:
            self.peer = _spelled(transport.get_extra_info("peername"))
        started = await super().start(connection)
        if (dial := current_dial.get(None)) is not None:
            dial.answered_at_s = dial.now_s()
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
        if (dial := current_dial.get(None)) is not None:
            dial.connected_at_s = dial.now_s()
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
        if (dial := current_dial.get(None)) is not None:
            dial.ready_at_s = dial.now_s()

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
        if (literal := _literal(self.url.raw_host or "")) is not None:
            self.addresses.add(literal)


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


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
        dial = current_dial.get(None)
        if dial is None:
            return await self._resolver.lookup(host)
        start_s = dial.now_s()
        try:
            return await self._resolver.lookup(host)
        finally:
            dial.dns_s = (dial.dns_s or 0.0) + dial.now_s() - start_s

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

    def checked_socket(info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, sockaddr = info
        address = ip_address(sockaddr[0])
        if proxy is not None:
            is_forbidden = address not in proxy.addresses
        else:
            is_forbidden = forbidden_reason(address, policy) is not None
        if is_forbidden:
            raise OSError(errno.EHOSTUNREACH, f"{address} is forbidden by the address guard")
        if (dial := current_dial.get(None)) is not None:
            dial.addresses.append(_spelled(sockaddr) or "")
            dial.dialled_at_s = dial.now_s()
        return socket.socket(family, kind, protocol)

    connector = _Connector(
        resolver=_VettingResolver(resolver, policy, proxy),
        use_dns_cache=False,
        limit=connections,
        keepalive_timeout=_KEEPALIVE_S,
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


def _spelled(sockaddr: Any) -> str | None:
    """Return an address and port as `1.2.3.4:443` or `[::1]:443`."""
    if not sockaddr:
        return None
    host, port = sockaddr[0], sockaddr[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
