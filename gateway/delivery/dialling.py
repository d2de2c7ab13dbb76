"""The one door through which requests leave: an HTTP session that dials vetted addresses only.

It decides nothing about addresses itself; it makes sure that `egress.py` is asked on every way to a
socket. Names are resolved and vetted together, the addresses vetted are the ones dialled, and each
socket is checked once more when it is made, which also covers literal addresses (for those aiohttp
asks no resolver). A kept-alive connection stays with the address it was vetted for. No proxy from
the environment, no cookies, no redirects, no transparent decompression.
"""

from __future__ import annotations

import errno
import socket
from contextvars import ContextVar
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from gateway.delivery.egress import EgressPolicy, Resolver, forbidden_reason, vet_answers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from ssl import SSLContext

    from aiohttp.connector import AddrInfoType, Connection

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
    """What one request did to get a connection.

    Attributes:
        addresses: Addresses that were dialled for it; empty where a kept-alive one was reused.
    """

    addresses: list[str] = field(default_factory=list)

    @property
    def reused(self) -> bool:
        """Whether no new connection was opened."""
        return not self.addresses

    @property
    def last(self) -> str | None:
        """The address dialled last."""
        return self.addresses[-1] if self.addresses else None


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
        return await super().start(connection)


class _VettingResolver(AbstractResolver):
    """Gives aiohttp the vetted addresses of a name, or the guard's refusal."""

    def __init__(self, resolver: Resolver, policy: EgressPolicy) -> None:
        self._resolver = resolver
        self._policy = policy

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return what may be dialled for `host`.

        Raises:
            BlockedAddressError: One of its addresses is forbidden.
            ResolutionError: It has none.
        """
        del family  # every address is vetted; aiohttp tries them in turn
        answers = await self._resolver.lookup(host)
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in vet_answers(host, answers, self._policy)
        ]

    async def close(self) -> None:
        """Nothing to close: the resolver belongs to whoever made it."""


def open_session(
    policy: EgressPolicy,
    resolver: Resolver,
    *,
    headers: Mapping[str, str],
    connections: int,
    ssl_context: SSLContext | None = None,
) -> aiohttp.ClientSession:
    """Return a session that can reach vetted addresses only; the caller closes it.

    Args:
        policy: What may be dialled.
        resolver: Who turns names into addresses.
        headers: Sent with every request.
        connections: Most connections in use at once.
        ssl_context: Trust to use instead of the system's.
    """

    def checked_socket(info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, sockaddr = info
        if forbidden_reason(ip_address(sockaddr[0]), policy) is not None:
            raise OSError(errno.EHOSTUNREACH, f"{sockaddr[0]} is forbidden by the address guard")
        if (dial := current_dial.get(None)) is not None:
            dial.addresses.append(_spelled(sockaddr) or "")
        return socket.socket(family, kind, protocol)

    connector = aiohttp.TCPConnector(
        resolver=_VettingResolver(resolver, policy),
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
