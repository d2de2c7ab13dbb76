"""Requests over connections that are kept: bounded in all, shared by origin, repeated when stale.

It decides which connection a request goes out on. One that turns out to be closed by the peer,
without a byte of an answer, is replaced by a new one and the request is sent once more; where that
can't be had (the request must not arrive twice), ask for `repeat=False`.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from gateway.http1.connection import Connection
from gateway.http1.faults import ConnectError, DisconnectedError

if TYPE_CHECKING:
    from gateway.http1.messages import Answer, Origin, Trail

_KEPT_S: Final = 30.0
_CLOSING_S: Final = 1.0


class Dialler(Protocol):
    """Whoever makes sockets, and decides where they may lead."""

    async def dial(self, origin: Origin, trail: Trail | None) -> socket.socket:
        """Return a connected, non-blocking socket to `origin`.

        Raises:
            OSError: None could be connected.
        """
        ...


class Client:
    """Sends requests; belongs to one event loop, and is closed with `aclose`.

    Args:
        dialler: Makes the sockets.
        connections: Most in use at once; as many, idle ones included, are kept open.
        kept_s: How long an idle one is kept.
    """

    def __init__(self, dialler: Dialler, *, connections: int, kept_s: float = _KEPT_S) -> None:
        self._dialler = dialler
        self._most = connections
        self._kept_s = kept_s
        self._loop = asyncio.get_running_loop()
        self._room = asyncio.Semaphore(connections)
        self._idle: dict[Origin, deque[Connection]] = {}
        self._open: set[Connection] = set()
        self._reaper: asyncio.TimerHandle | None = None
        self._all_closed = asyncio.Event()

    async def send(
        self, origin: Origin, request: bytes, answer: Answer, *, repeat: bool = True
    ) -> None:
        """Send a whole request and fill in `answer`, as far as it comes.

        Raises:
            ConnectError: No connection could be made.
            ssl.SSLError: TLS failed.
            DisconnectedError: It ended before the whole answer was there.
            BadAnswerError: What came is no answer.
            Exception: What the dialler raises beside `OSError`, as it is.
        """
        async with self._room:
            connection = self._kept(origin)
            if connection is not None:
                try:
                    await connection.exchange(request, answer)
                except DisconnectedError:
                    if not repeat or connection.answered:
                        raise
                else:
                    self._keep(origin, connection)
                    return
            connection = await self._connect(origin, answer.trail)
            await connection.exchange(request, answer)
            self._keep(origin, connection)

    async def aclose(self) -> None:
        """Drop all connections."""
        if self._reaper is not None:
            self._reaper.cancel()
            self._reaper = None
        self._idle.clear()
        self._all_closed.clear()
        for connection in list(self._open):
            connection.abort()
        if self._open:
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSING_S):
                    await self._all_closed.wait()

    # ── connections ──────────────────────────────────────────────────────────────────────────────

    def _kept(self, origin: Origin) -> Connection | None:
        """Take the connection that was used last, as it is the likeliest to be open."""
        kept = self._idle.get(origin)
        if kept is None:
            return None
        oldest_s = self._loop.time() - self._kept_s
        while kept:
            connection = kept.pop()
            if connection.is_fit and connection.idle_since_s >= oldest_s:
                return connection
            connection.close()
        del self._idle[origin]
        return None

    def _keep(self, origin: Origin, connection: Connection) -> None:
        if not connection.is_fit:
            return
        if len(self._open) > self._most:
            # Idle connections to thousands of origins would otherwise pile up until they time out.
            connection.close()
            return
        connection.idle_since_s = self._loop.time()
        kept = self._idle.get(origin)
        if kept is None:
            kept = self._idle[origin] = deque()
        kept.append(connection)
        if self._reaper is None:
            self._reaper = self._loop.call_later(self._kept_s, self._reap)

    def _reap(self) -> None:
        """Close what has been idle for too long."""
        oldest_s = self._loop.time() - self._kept_s
        for origin, kept in list(self._idle.items()):
            while kept and (kept[0].idle_since_s < oldest_s or not kept[0].is_fit):
                kept.popleft().close()
            if not kept:
                del self._idle[origin]
        again = bool(self._idle)
        self._reaper = self._loop.call_later(self._kept_s, self._reap) if again else None

    async def _connect(self, origin: Origin, trail: Trail | None) -> Connection:
        try:
            connected = await self._dialler.dial(origin, trail)
        except OSError as exc:
            raise ConnectError(exc.errno, f"no connection: {exc.strerror or exc}") from exc
        if trail is not None:
            trail.connected_at_s = trail.now_s()
        try:
            # The transport owns the socket from here on, whatever happens.
            _, connection = await self._loop.create_connection(
                lambda: Connection(self._loop, self._changed),
                sock=connected,
                ssl=origin.context,
                server_hostname=None if origin.context is None else origin.host,
            )
        except ConnectionError as exc:
            raise ConnectError(exc.errno, f"TLS broke off: {exc.strerror or exc}") from exc
        if trail is not None:
            trail.ready_at_s = trail.now_s()
        return connection

    def _changed(self, connection: Connection, is_open: bool) -> None:
        if is_open:
            self._open.add(connection)
            return
        self._open.discard(connection)
        if not self._open:
            self._all_closed.set()
