"""Time limits for many short pieces of work, with one timer between them all.

It decides nothing but when time is up; what follows is its user's. `asyncio.timeout` makes and
cancels a timer for each use, which costs as much as all else that a short run needs.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

# Timers fire up to a millisecond early.
_EARLY_S = 0.001


class Deadlines:
    """The limits of what one event loop has under way."""

    def __init__(self) -> None:
        self._open: set[Limit] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at_s = 0.0

    def limit(self, delay_s: float) -> Limit:
        """Return a context that ends in `TimeoutError` where it lasts longer than `delay_s`.

        As with `asyncio.timeout`, the task is cancelled at the await that it stands at.
        """
        return Limit(self, delay_s)

    def add(self, limit: Limit, loop: asyncio.AbstractEventLoop) -> None:
        """Take on a limit, until `drop`."""
        self._open.add(limit)
        if self._timer is None or limit.due_s < self._rings_at_s:
            self._arm(limit.due_s, loop)

    def drop(self, limit: Limit) -> None:
        """Forget a limit; the timer stays for the next one."""
        self._open.discard(limit)

    def _arm(self, due_s: float, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings_at_s = due_s
        self._timer = loop.call_at(due_s, self._ring, loop)

    def _ring(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now_s = loop.time() + _EARLY_S
        for limit in [one for one in self._open if one.due_s <= now_s]:
            self._open.discard(limit)
            limit.expire()
        if self._open:
            self._arm(min(one.due_s for one in self._open), loop)


class Limit:
    """One piece of work in its time limit; a context manager, used once."""

    __slots__ = ("_cancelling", "_delay_s", "_expired", "_owner", "_task", "due_s")

    def __init__(self, owner: Deadlines, delay_s: float) -> None:
        self._owner = owner
        self._delay_s = delay_s
        self._expired = False
        self._cancelling = 0
        self._task: asyncio.Task[object] | None = None
        self.due_s = 0.0

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        assert task is not None, "a limit is for a task"
        loop = task.get_loop()
        self._task = task
        self._cancelling = task.cancelling()
        self.due_s = loop.time() + self._delay_s
        self._owner.add(self, loop)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        task, self._task = self._task, None
        if not self._expired:
            self._owner.drop(self)
            return
        assert task is not None
        # Where somebody else cancelled the task too, that goes before the limit.
        if task.uncancel() <= self._cancelling and exc_type is asyncio.CancelledError:
            raise TimeoutError from exc

    def expire(self) -> None:
        """Cut the work off."""
        self._expired = True
        if self._task is not None:
            self._task.cancel()
