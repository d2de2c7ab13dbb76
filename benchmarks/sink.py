"""A webhook receiver that costs next to nothing, so that the sender is what is measured.

It answers every POST with 200 and notes, by notification id, when the request's first byte came.
Notification ids made by the emulator carry their sending time, so a delay is known at once.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import cast

_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_ID = re.compile(rb"bench-(\d+)-(\d+)")


class Sink:
    """What came: distinct numbers of notifications, repeats, and delays in milliseconds."""

    def __init__(self) -> None:
        self.numbers: set[int] = set()
        self.repeats = 0
        self.delays_ms: list[float] = []
        self.last_s = 0.0

    def take(self, body: bytes, first_byte_ns: int) -> None:
        found = _ID.search(body)
        if found is None:
            return
        number = int(found[1])
        if number in self.numbers:
            self.repeats += 1
            return
        self.numbers.add(number)
        self.delays_ms.append((first_byte_ns - int(found[2])) / 1e6)
        self.last_s = time.monotonic()

    def reset(self) -> None:
        self.numbers.clear()
        self.repeats = 0
        self.delays_ms.clear()


class SinkProtocol(asyncio.Protocol):
    """Just enough HTTP/1.1: keep-alive, a content-length, one answer."""

    def __init__(self, take: Callable[[bytes, int], None]) -> None:
        self._take = take
        self._buffer = bytearray()
        self._first_ns = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if not self._buffer:
            self._first_ns = time.monotonic_ns()
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            found = _LENGTH.search(self._buffer, 0, end)
            length = int(found[1]) if found else 0
            stop = end + 4 + length
            if len(self._buffer) < stop:
                return
            self._take(bytes(self._buffer[end + 4 : stop]), self._first_ns)
            del self._buffer[:stop]
            assert self._transport is not None
            self._transport.write(_ANSWER)
