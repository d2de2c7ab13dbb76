"""Newcomers of one usage-plan bucket in this process, who ask the store together.

While one request is on its way the next callers form the next one, so that a hundred of them cost
two requests and none takes more tokens than it uses. It decides who asks for whom. It never decides
how long anybody waits, and starts no task: whoever is first asks, in its own task.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from gateway.model import Grant


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one caller got.

    Attributes:
        granted: Whether it may call now.
        slot_ms: When its promised token is there, where it may not.
    """

    granted: bool
    slot_ms: int = 0


def answers(grant: Grant, want: int) -> Sequence[Answer]:
    """Return the answer of each of `want` callers, in their order."""
    granted = [Answer(granted=True)] * min(grant.granted, want)
    slots = list(grant.slots_ms)[: want - len(granted)]
    slots += [slots[-1] if slots else grant.token_at_ms] * (want - len(granted) - len(slots))
    return [*granted, *(Answer(granted=False, slot_ms=slot_ms) for slot_ms in slots)]


class Line:
    """The callers that wait for one bucket's answer."""

    def __init__(self) -> None:
        self._busy = False
        self._waiting: deque[asyncio.Future[Answer | None]] = deque()

    @property
    def idle(self) -> bool:
        """Whether nobody asks or waits."""
        return not self._busy

    async def ask(self, take: Callable[[int], Awaitable[Grant]]) -> Answer:
        """Return this caller's answer; where it is its turn, ask for all that wait with it."""
        if self._busy:
            answer = await self._wait()
            if answer is not None:
                return answer
        self._busy = True
        batch = [seat for seat in self._waiting if not seat.done()]
        self._waiting.clear()
        try:
            mine, *others = answers(await take(len(batch) + 1), len(batch) + 1)
        except Exception as exc:
            for seat in batch:
                if not seat.done():
                    seat.set_exception(exc)
            raise
        except BaseException:
            # Cancelled: who stood in this request stays ahead of those who came during it.
            self._waiting.extendleft(reversed(batch))
            raise
        else:
            for seat, answer in zip(batch, others, strict=True):
                if not seat.done():
                    seat.set_result(answer)
            return mine
        finally:
            self._hand_over()

    async def _wait(self) -> Answer | None:
        """Return the answer that another caller brought, or None when it is this one's turn."""
        seat: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(seat)
        try:
            return await seat
        except asyncio.CancelledError:
            # Cancelled between being named and asking: somebody else must.
            if _is_turn(seat):
                self._hand_over()
            raise

    def _hand_over(self) -> None:
        while self._waiting:
            seat = self._waiting.popleft()
            if not seat.done():
                seat.set_result(None)
                return
        self._busy = False


def _is_turn(seat: asyncio.Future[Answer | None]) -> bool:
    if not seat.done() or seat.cancelled() or seat.exception() is not None:
        return False
    return seat.result() is None
