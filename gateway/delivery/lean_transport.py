"""The `lean` transport: our HTTP/1.1 client, with a dialler that asks the guard.

A name is resolved once for each new connection, refused if any of its addresses is forbidden, and
the addresses that were vetted are dialled, the next one while the one before is slow to answer. A
kept connection stays with the address it was vetted for.
"""

from __future__ import annotations

import ssl
from socket import AF_INET, AF_INET6, IPPROTO_TCP, SOCK_STREAM
from typing import TYPE_CHECKING

from gateway.delivery.egress import (
    EgressPolicy,
    Resolver,
    Target,
    forbidden_reason,
    literal,
    vet_answers,
)
from gateway.delivery.ways import KEPT_S, guarded_socket
from gateway.http1.client import Client
from gateway.http1.dialling import connected
from gateway.http1.messages import Answer, Origin, ending, field_lines, request_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from socket import socket

    from aiohappyeyeballs import AddrInfoType

    from gateway.delivery.ranges import Address
    from gateway.http1.messages import Trail


class LeanTransport:
    """See `Transport`; to be made where an event loop runs."""

    def __init__(
        self,
        policy: EgressPolicy,
        resolver: Resolver,
        *,
        headers: Mapping[str, str],
        connections: int,
        ssl_context: ssl.SSLContext | None,
    ) -> None:
        self._client = Client(_Dialler(policy, resolver), connections=connections, kept_s=KEPT_S)
        self._headers = headers
        self._ssl_context = ssl_context

    def way(
        self, target: Target, headers: Mapping[str, str], context: ssl.SSLContext | None
    ) -> LeanWay:
        """See `Transport`."""
        url = target.url
        named = {name.lower(): (name, value) for name, value in self._headers.items()}
        named |= {name.lower(): (name, value) for name, value in headers.items()}
        head = request_line("POST", url.raw_path_qs, url.host_port_subcomponent or target.host)
        return LeanWay(
            self._client,
            Origin(
                target.host,
                target.port,
                (context or self._trust()) if url.scheme == "https" else None,
            ),
            head + field_lines(named.values()),
        )

    async def aclose(self) -> None:
        """See `Transport`."""
        await self._client.aclose()

    def _trust(self) -> ssl.SSLContext:
        if self._ssl_context is None:
            self._ssl_context = ssl.create_default_context()
            self._ssl_context.set_alpn_protocols(["http/1.1"])
        return self._ssl_context


class LeanWay:
    """See `Way`. What is the same in every request is made once."""

    __slots__ = ("_client", "_head", "_origin")

    def __init__(self, client: Client, origin: Origin, head: bytes) -> None:
        self._client = client
        self._origin = origin
        self._head = head

    async def post(self, headers: Mapping[str, str], body: bytes, answer: Answer) -> None:
        """See `Way`."""
        request = b"".join((self._head, field_lines(headers), ending(len(body)), body))
        await self._client.send(self._origin, request, answer)


class _Dialler:
    """Connects to vetted addresses only."""

    def __init__(self, policy: EgressPolicy, resolver: Resolver) -> None:
        self._policy = policy
        self._resolver = resolver

    async def dial(self, origin: Origin, trail: Trail | None) -> socket:
        """See `gateway.http1.client.Dialler`.

        Raises:
            BlockedAddressError: An address of the name's is forbidden.
            ResolutionError: It has none.
            OSError: None could be connected.
        """
        return await connected(
            [_info(one, origin.port) for one in await self._vetted(origin.host, trail)],
            lambda info: guarded_socket(info, self._is_forbidden, trail),
        )

    def _is_forbidden(self, address: Address) -> bool:
        return forbidden_reason(address, self._policy) is not None

    async def _vetted(self, host: str, trail: Trail | None) -> Sequence[Address]:
        if literal(host) is not None:
            return vet_answers(host, [host], self._policy)
        began_s = trail.now_s() if trail is not None else 0.0
        try:
            answers = await self._resolver.lookup(host)
        finally:
            if trail is not None:
                trail.dns_s = (trail.dns_s or 0.0) + trail.now_s() - began_s
        return vet_answers(host, answers, self._policy)


def _info(address: Address, port: int) -> AddrInfoType:
    if address.version == 4:
        return AF_INET, SOCK_STREAM, IPPROTO_TCP, "", (str(address), port)
    return AF_INET6, SOCK_STREAM, IPPROTO_TCP, "", (str(address), port, 0, 0)
