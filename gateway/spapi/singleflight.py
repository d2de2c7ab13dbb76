"""One request in flight for each key, however many callers want its result.

It decides who asks and who waits. It never keeps a result (its user does) and starts no task: the
first caller does the work in its own task, and if that one is cancelled the next takes over.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)
ResultT = TypeVar("ResultT")


class _TakeOver(Exception):  # noqa: N818 a signal, no error
    """Tells a waiting caller that it now does the work."""


class SingleFlight(Generic[KeyT, ResultT]):
    """Joins concurrent callers of one key into one flight."""

    def __init__(self) -> None:
        self._waiting: dict[KeyT, deque[asyncio.Future[ResultT]]] = {}

    def flying(self, key: KeyT) -> bool:
        """Tell whether somebody is working on `key` now."""
        return key in self._waiting

    async def run(self, key: KeyT, work: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """Return the result of `work`, or of the same work that is in flight already.

        Raises:
            Exception: Whatever the work raised, to each of its callers.
        """
        while key in self._waiting:
            seat: asyncio.Future[ResultT] = asyncio.get_running_loop().create_future()
            self._waiting[key].append(seat)
            try:
                return await seat
            except _TakeOver:
                break
            except asyncio.CancelledError:
                # Cancelled between being named and taking over: somebody else must.
                if seat.done() and not seat.cancelled() and _names_leader(seat):
                    self._hand_over(key)
                raise
        self._waiting.setdefault(key, deque())
        return await self._lead(key, work)

    async def _lead(self, key: KeyT, work: Callable[[], Awaitable[ResultT]]) -> ResultT:
        try:
            result = await work()
        except Exception as exc:
            for seat in self._land(key):
                seat.set_exception(exc)
            raise
        except BaseException:
            self._hand_over(key)
            raise
        for seat in self._land(key):
            seat.set_result(result)
        return result

    def _land(self, key: KeyT) -> list[asyncio.Future[ResultT]]:
        return [seat for seat in self._waiting.pop(key) if not seat.done()]

    def _hand_over(self, key: KeyT) -> None:
        waiting = self._waiting[key]
        while waiting:
            seat = waiting.popleft()
            if not seat.done():
                seat.set_exception(_TakeOver())
                return
        del self._waiting[key]


def _names_leader(seat: asyncio.Future[ResultT]) -> bool:
    return isinstance(seat.exception(), _TakeOver)
