"""One connection: a request written, its answer read, and whether the next one may follow.

It decides how much of a hostile answer is taken, and when a connection is fit for another request:
only after an answer that ended where it said it would, with nothing behind it and the whole request
read. What comes unasked ends it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, Final, cast

from httptools import (
    HttpParserCallbackError,
    HttpParserError,
    HttpParserUpgrade,
    HttpResponseParser,
)

from gateway.http1.faults import BadAnswerError, DisconnectedError
from gateway.http1.messages import Answer

FIELDS_MOST: Final = 100
FIELD_BYTES_MOST: Final = 8190
HEAD_BYTES_MOST: Final = 64 * 1024
"""All heads of one answer, those of interim answers (1xx) too."""

# A chunk of one byte takes six on the wire; what swells more than this means no good.
_WIRE_PER_BYTE: Final = 8


class Connection(asyncio.Protocol):
    """A connection that carries one request after another.

    Args:
        loop: The running event loop.
        changed: Told when the connection is open, and when it is gone.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, changed: Callable[[Connection, bool], None]
    ) -> None:
        self._loop = loop
        self._changed = changed
        self._transport: asyncio.Transport | None = None
        self._parser: Any = None
        self._answer: Answer | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._left_bytes = 0
        self._body_bytes = 0
        self._is_interim = False
        self._is_whole = False
        self._is_framed = False
        self._keeps = True
        self._came = False
        self.peer: str | None = None
        self.idle_since_s = 0.0

    @property
    def is_fit(self) -> bool:
        """Whether another request may be sent on it."""
        transport = self._transport
        return self._keeps and transport is not None and not transport.is_closing()

    @property
    def answered(self) -> bool:
        """Whether a byte came back since the last request."""
        return self._came

    async def exchange(self, request: bytes, answer: Answer) -> None:
        """Send a whole request and fill in `answer`; cut off, the connection is given up.

        Raises:
            DisconnectedError: It ended before the whole answer was there.
            BadAnswerError: What came is no answer.
            ssl.SSLError: The peer ended TLS with a complaint.
        """
        self._came = False
        if not self.is_fit or self._transport is None:
            raise DisconnectedError("closed before the request was sent")
        self._answer = answer
        if self._parser is None:
            self._parser = _parser(self)
        answer.peer = self.peer
        self._left_bytes, self._body_bytes = HEAD_BYTES_MOST, 0
        self._is_interim = self._is_whole = self._is_framed = False
        self._waiter = self._loop.create_future()
        try:
            self._transport.write(request)
            await self._waiter
        except BaseException:
            self.abort()
            raise
        finally:
            self._answer = self._waiter = None
        if not self._keeps or self._transport.get_write_buffer_size():
            self.abort()

    def abort(self) -> None:
        """Drop the connection at once."""
        self._keeps = False
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """End an idle connection in an orderly way."""
        self._keeps = False
        if self._transport is not None:
            self._transport.close()

    # ── asyncio.Protocol ─────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast("asyncio.Transport", transport)
        self.peer = spelled(transport.get_extra_info("peername"))
        self._changed(self, True)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        answer, self._came = self._answer, True
        if answer is None or self._waiter is None or self._waiter.done():
            self.abort()  # nobody asked for that
            return
        self._left_bytes -= len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            self._keeps = False
        except HttpParserCallbackError as exc:
            self._fail(exc.__context__ or exc)
            return
        except HttpParserError as exc:
            self._keeps = False
            if not self._is_whole:
                self._fail(BadAnswerError(f"no HTTP answer: {exc}"))
                return
        self._weigh(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._keeps = False
        self._parser = None  # which holds on to this connection
        self._changed(self, False)
        waiter, answer = self._waiter, self._answer
        if waiter is None or waiter.done() or answer is None:
            return
        if exc is None and answer.status is not None and not self._is_framed:
            waiter.set_result(None)  # a body without a length ends with its connection
        elif isinstance(exc, ssl.SSLError):
            waiter.set_exception(exc)
        else:
            waiter.set_exception(DisconnectedError(str(exc or "the connection was closed")))

    # ── the parser's calls ───────────────────────────────────────────────────────────────────────

    def on_message_begin(self) -> None:
        """Begin an answer; a second one behind the first was never asked for."""
        if self._is_whole:
            self._keeps = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header."""
        answer = self._answer
        if answer is None or self._is_whole:
            return
        if len(name) + len(value) > FIELD_BYTES_MOST:
            raise BadAnswerError(f"a header of more than {FIELD_BYTES_MOST} bytes")
        headers = answer.headers
        if len(headers) >= FIELDS_MOST:
            raise BadAnswerError(f"more than {FIELDS_MOST} headers")
        headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Note the status; an interim answer is forgotten."""
        answer = self._answer
        if answer is None or self._is_whole:
            return
        status: int = self._parser.get_status_code()
        if self._parser.get_http_version() not in ("1.1", "1.0"):
            raise BadAnswerError("the answer is of another HTTP version")
        if 100 <= status < 200 and status != 101:
            self._is_interim = True
            answer.headers.clear()
            return
        if answer.trail is not None:
            answer.trail.answered_at_s = answer.trail.now_s()
        answer.status = status
        self._is_framed = any(_says_its_length(*header) for header in answer.headers)
        self._left_bytes += answer.most_bytes * _WIRE_PER_BYTE

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        answer = self._answer
        if answer is not None and not self._is_whole and not answer.is_cut:
            answer.chunks.append(body)
            self._body_bytes += len(body)

    def on_message_complete(self) -> None:
        """End the answer, where it was the final one."""
        if self._is_interim:
            self._is_interim = False
        elif not self._is_whole:
            self._is_whole = True
            self._keeps = self._keeps and self._parser.should_keep_alive()

    # ── the end of an answer ─────────────────────────────────────────────────────────────────────

    def _weigh(self, answer: Answer) -> None:
        """End the exchange where the answer is whole, or as much of it as is taken."""
        assert self._waiter is not None
        if self._is_whole:
            answer.is_cut = self._body_bytes > answer.most_bytes
            self._waiter.set_result(None)
        elif answer.status is None:
            if self._left_bytes < 0:
                self._fail(BadAnswerError(f"a head of more than {HEAD_BYTES_MOST} bytes"))
        elif self._left_bytes < 0 or self._body_bytes >= answer.most_bytes:
            answer.is_cut = True
            self._keeps = False
            self._waiter.set_result(None)

    def _fail(self, fault: BaseException) -> None:
        assert self._waiter is not None
        self._keeps = False
        self._waiter.set_exception(fault)


def spelled(sockaddr: Any) -> str | None:
    """Return an address and port as `1.2.3.4:443` or `[::1]:443`."""
    if not sockaddr:
        return None
    host, port = sockaddr[0], sockaddr[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _says_its_length(name: bytes, value: bytes) -> bool:
    name = name.lower()
    return name == b"content-length" or (
        name == b"transfer-encoding" and value.lower().endswith(b"chunked")
    )


def _parser(connection: Connection) -> HttpResponseParser:
    parser = HttpResponseParser(connection)
    # What servers do in good faith; nobody stands between who could read it in another way.
    parser.set_dangerous_leniencies(
        lenient_headers=True,
        lenient_optional_cr_before_lf=True,
        lenient_spaces_after_chunk_size=True,
    )
    return parser
