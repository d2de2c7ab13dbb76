"""One handler's runs: how many at once, and how many more may be claimed ahead of them.

A handler that is quick is claimed ahead, so that claims, settles and their commits are large; one
that is slow, or new, holds no more than it runs. So what waits behind a slow handler stays in the
store, where every process can take it. It never talks to the store.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

CLAIM_AHEAD = 4
_QUICK_S = 0.1
_NEWEST_WEIGHT = 0.3


class Turns:
    """Runs of one handler. Entered around each; at most `concurrency` are inside.

    Attributes:
        in_hand: Handlings claimed whose run has not ended.
    """

    __slots__ = ("_concurrency", "_places", "_usual_s", "in_hand")

    def __init__(self, concurrency: int) -> None:
        self._concurrency = concurrency
        self._places = asyncio.Semaphore(concurrency)
        self._usual_s: float | None = None
        self.in_hand = 0

    def room(self) -> int:
        """Return how many more handlings may be claimed."""
        quick = self._usual_s is not None and self._usual_s < _QUICK_S
        return max(0, self._concurrency * (CLAIM_AHEAD if quick else 1) - self.in_hand)

    def note(self, duration_s: float) -> None:
        """Learn from a run that ended."""
        if self._usual_s is None:
            self._usual_s = duration_s
        else:
            self._usual_s += _NEWEST_WEIGHT * (duration_s - self._usual_s)

    async def __aenter__(self) -> None:
        await self._places.acquire()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._places.release()
