"""Webhook receivers on loopback: canned answers, and ones that misbehave on the wire."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Request:
    """One request as it came over the wire; names of headers in lower case."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """A listening receiver, and what it got.

    Attributes:
        connections: How many there have been; `open` is how many are there now.
    """

    port: int
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    open: int = 0

    def url(self, *, scheme: str = "http", host: str = "127.0.0.1", path: str = "/hook") -> str:
        return f"{scheme}://{host}:{self.port}{path}"


async def read_request(reader: asyncio.StreamReader) -> Request:
    """Read one request with its whole body.

    Raises:
        asyncio.IncompleteReadError: The connection was closed before.
    """
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *lines = head.rstrip("\r\n").split("\r\n")
    headers = {
        name.lower(): value.strip() for name, _, value in (text.partition(":") for text in lines)
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(line, headers, body)


def answer(status: int, *, headers: dict[str, str] | None = None, body: bytes = b"") -> bytes:
    """Return a whole HTTP answer."""
    lines = [f"HTTP/1.1 {status} Words", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


@asynccontextmanager
async def receiver(
    *answers: bytes | Behaviour, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    """Listen on a free port of 127.0.0.1; each request gets the next answer, then the last again.

    An answer is bytes that are written as they are, or a coroutine function that may do anything to
    the connection, which is closed when it returns.
    """
    state = Receiver(port=0)
    connected: set[asyncio.Task[None]] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = await read_request(reader)
            state.requests.append(request)
            behaviour = answers[min(len(state.requests), len(answers)) - 1]
            if not isinstance(behaviour, bytes):
                await behaviour(reader, writer)
                return
            writer.write(behaviour)
            await writer.drain()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connected.add(task)
        task.add_done_callback(connected.discard)
        state.connections += 1
        state.open += 1
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await converse(reader, writer)
        finally:
            state.open -= 1
            writer.close()
            with suppress(OSError, ssl.SSLError, asyncio.CancelledError):
                await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    state.port = server.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        server.close()
        for task in list(connected):
            task.cancel()
        await asyncio.gather(*connected, return_exceptions=True)
        await server.wait_closed()
