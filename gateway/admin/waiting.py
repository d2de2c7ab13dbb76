"""Callers who wait for something new: told when it is there, bounded in number."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from gateway.worker.stop import Wake

T = TypeVar("T")

_WAITING_MAX: Final = 200
_LOOK_EVERY_S: Final = 1.0


class WaitingRoom:
    """See the module. Beyond the bound nobody waits: they get what there is at once.

    Args:
        look_every_s: How often somebody who waits looks without being told, because other
            processes on the same SQLite file tell nobody.
    """

    def __init__(self, *, most: int = _WAITING_MAX, look_every_s: float = _LOOK_EVERY_S) -> None:
        self._most = most
        self._look_every_s = look_every_s
        self._waiting: set[Wake] = set()
        self._closed = False

    def ring(self) -> None:
        """Tell everybody who waits to look again."""
        for wake in self._waiting:
            wake.ring()

    def close(self) -> None:
        """Let everybody go, now and from now on."""
        self._closed = True
        self.ring()

    async def until(
        self, look: Callable[[], Awaitable[T]], found: Callable[[T], bool], *, wait_s: float
    ) -> T:
        """Return what `look` brings once `found` says so, or after `wait_s` seconds."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + wait_s
        if len(self._waiting) >= self._most:
            return await look()
        with self._seat() as wake:
            while True:
                seen = await look()
                left_s = until_s - loop.time()
                if found(seen) or left_s <= 0 or self._closed:
                    return seen
                await wake.wait(min(left_s, self._look_every_s))

    @contextmanager
    def _seat(self) -> Iterator[Wake]:
        wake = Wake()
        self._waiting.add(wake)
        try:
            yield wake
        finally:
            self._waiting.discard(wake)
