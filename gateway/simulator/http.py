"""An HTTP server around one handler; decides where it listens and how it ends, never an answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

import orjson
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from types import TracebackType

    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.http_parser import RawRequestMessage
    from aiohttp.streams import StreamReader
    from aiohttp.web_protocol import RequestHandler

_MAX_BODY_BYTES = 16 * 1024 * 1024
_SHUTDOWN_S = 1.0


class HttpServer:
    """Serves a handler on a port while the context is open.

    Attributes:
        host: Where it listens.
        port: Where it listens; known once the context is entered, also where 0 was asked for.
    """

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.host = host
        self.port = port
        self._handler = handler
        self._runner: web.ServerRunner | None = None

    @property
    def url(self) -> str:
        """The server's own base URL, without a slash at its end."""
        return f"http://{self.host}:{self.port}"

    async def __aenter__(self) -> Self:
        """Begin to listen.

        Raises:
            OSError: The port is taken, or the host is not ours.
        """
        # A bare server, not an application: the router is a good part of a small request's cost.
        server = web.Server(self._handler, request_factory=_request, access_log=None)
        runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN_S)
        await runner.setup()
        try:
            await web.TCPSite(runner, self.host, self.port, backlog=1024).start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        self.port = runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening; requests in hand get a moment to end."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None


def json_response(
    answer: object, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return an answer with a JSON body."""
    return web.Response(
        status=status,
        body=orjson.dumps(answer),
        headers={"Content-Type": "application/json", **(headers or {})},
    )


def drop_connection(request: web.BaseRequest) -> None:
    """Cut the request's connection as a broken network does: no answer, no farewell."""
    if request.transport is not None:
        request.transport.abort()


def _request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: RequestHandler,
    writer: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> web.BaseRequest:
    return web.BaseRequest(
        message,
        payload,
        protocol,
        writer,
        task,
        asyncio.get_running_loop(),
        client_max_size=_MAX_BODY_BYTES,
    )
