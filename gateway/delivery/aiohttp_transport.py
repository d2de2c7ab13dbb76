"""The `aiohttp` transport: the other way to send, and the one that knows proxies.

It decides when a request is repeated and what is read of an answer. Where it may connect is
decided in `dialling.py`. A proxy is told vetted addresses, never names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import aiohttp

from gateway.delivery.dialling import PeerResponse, Proxy, current_trail, open_session
from gateway.delivery.pins import Pins

if TYPE_CHECKING:
    from collections.abc import Mapping
    from ssl import SSLContext

    from yarl import URL

    from gateway.clock import Clock
    from gateway.delivery.egress import EgressPolicy, Resolver, Target
    from gateway.http1.messages import Answer

_RESENDS_MAX: Final = 2


class AiohttpTransport:
    """See `Transport`; to be made where an event loop runs.

    Args:
        policy: What may be dialled.
        resolver: Who turns names into addresses.
        clock: Tells how long a vetted address is good for a proxy.
        headers: Sent with every request.
        connections: Most in use at once.
        ssl_context: Trust to use instead of the system's.
        proxy_url: HTTP proxy that every request goes through; None to go straight.
    """

    def __init__(
        self,
        policy: EgressPolicy,
        resolver: Resolver,
        clock: Clock,
        *,
        headers: Mapping[str, str],
        connections: int,
        ssl_context: SSLContext | None,
        proxy_url: URL | None,
    ) -> None:
        proxy = None if proxy_url is None else Proxy(proxy_url)
        self._proxy_url = proxy_url
        self._pins = Pins(policy, resolver, clock)
        self._session = open_session(
            policy,
            resolver,
            headers=headers,
            connections=connections,
            ssl_context=ssl_context,
            proxy=proxy,
        )

    def way(
        self, target: Target, headers: Mapping[str, str], context: SSLContext | None
    ) -> AiohttpWay:
        """See `Transport`."""
        return AiohttpWay(self, target, headers, context)

    async def aclose(self) -> None:
        """See `Transport`."""
        await self._session.close()

    async def request(
        self, target: Target, headers: Mapping[str, str], body: bytes, context: SSLContext | None
    ) -> aiohttp.ClientResponse:
        """Post, straight or by way of the proxy, to an address that passed the guard."""
        trusted: SSLContext | bool = True if context is None else context
        if self._proxy_url is None:
            return await self._session.post(
                target.url, data=body, headers=headers, allow_redirects=False, ssl=trusted
            )
        # The proxy gets the vetted address: a name it would look up itself, perhaps to another one.
        address = await self._pins.address(target)
        return await self._session.post(
            target.url.with_host(str(address)),
            data=body,
            headers={**headers, "Host": target.url.raw_authority},
            allow_redirects=False,
            ssl=trusted,
            server_hostname=target.host if target.url.scheme == "https" else None,
            proxy=self._proxy_url,
        )


class AiohttpWay:
    """See `Way`."""

    def __init__(
        self,
        transport: AiohttpTransport,
        target: Target,
        headers: Mapping[str, str],
        context: SSLContext | None,
    ) -> None:
        self._transport = transport
        self._target = target
        self._headers = headers
        self._context = context

    async def post(self, headers: Mapping[str, str], body: bytes, answer: Answer) -> None:
        """See `Way`."""
        resends = 0
        trail = answer.trail
        assert trail is not None, "it says whether the connection was a kept one"
        token = current_trail.set(trail)
        try:
            while True:
                try:
                    await self._exchange({**self._headers, **headers}, body, answer)
                except aiohttp.ClientConnectionError:
                    if not trail.reused or answer.status is not None or resends == _RESENDS_MAX:
                        raise
                    resends += 1
                else:
                    break
        finally:
            current_trail.reset(token)

    async def _exchange(self, headers: Mapping[str, str], body: bytes, answer: Answer) -> None:
        response = await self._transport.request(self._target, headers, body, self._context)
        try:
            answer.status = response.status
            answer.headers.extend(response.raw_headers)
            answer.peer = cast("PeerResponse", response).peer
            left = answer.most_bytes
            content = response.content
            while left > 0 and (chunk := await content.read(left)):
                answer.chunks.append(chunk)
                left -= len(chunk)
            answer.is_cut = not content.at_eof()
        finally:
            # Where more is to come, or a fault came between, the connection can't be used again.
            (response.release if response.content.at_eof() else response.close)()
