"""One pass over a queue in which each message is received once, and given back at the end.

SQS has no way to look at a message without receiving it. So whatever was received stays hidden from
everybody, this pass included, until the pass ends, and is then shown again at once: one look costs
each message one receive, never more. Where the process is killed, SQS shows the messages again
when their hold is over. A FIFO queue gives nothing more of a message group while one of its
messages is hidden, so a pass that deletes nothing sees the first few of each group only.
Rules: "Amazon SQS visibility timeout", "FIFO queue delivery logic".
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Final, Protocol, Self

from gateway.aws.letters import Letter
from gateway.clock import Clock

CHUNK: Final = 100
"""Messages in hand at once: those that a kill may let come twice."""

MAX_HELD: Final = 100_000
"""A queue refuses to hand out more than 120,000 messages that nobody has settled."""

_PER_RECEIVE: Final = 10
_REPEATS: Final = 3
"""Chunks in a row that bring only what was seen before."""

_WAIT_S: Final = 1
"""Long enough that SQS asks all its servers: a receive without a wait may miss messages."""


class LookedAt(Protocol):
    """The queue, as far as a look needs it."""

    async def receive(
        self, max_messages: int, *, wait_s: int, visibility_s: int
    ) -> Sequence[Letter]: ...

    async def extend(self, handles: Iterable[str], visibility_s: int) -> Sequence[str]: ...


class Look:
    """A pass over a queue; a context manager that gives back what it holds at its end.

    Attributes:
        seen: Messages that were received so far, each counted once.
        stopped: Why the pass ended before the queue did, or None.
    """

    def __init__(
        self, queue: LookedAt, *, clock: Clock, hold_s: int, expected: int | None = None
    ) -> None:
        """Set what is looked at.

        Args:
            queue: Where the messages are.
            clock: For the hold.
            hold_s: How long a received message stays hidden unless the pass goes on.
            expected: How many the queue says it holds. Once so many were seen and a receive came
                back empty, the pass is over; else it goes on until all of a chunk come back empty.
        """
        self.seen = 0
        self.stopped: str | None = None
        self._queue = queue
        self._clock = clock
        self._hold_s = hold_s
        self._expected = expected
        self._dry = False
        self._handles: dict[str, str] = {}
        self._known: set[str] = set()
        self._extended_s = clock.monotonic_s()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._queue.extend(self._handles.values(), 0)
        self._handles.clear()

    async def next(self, at_most: int = CHUNK) -> Sequence[Letter]:
        """Return up to `at_most` messages that were not seen before; none: the pass is over."""
        await self._keep()
        if self._dry and self._expected is not None and self.seen >= self._expected:
            return []
        if len(self._handles) >= MAX_HELD:
            self.stopped = "held as many messages as SQS allows"
            return []
        for _ in range(_REPEATS):
            received = await self._receive(min(at_most, CHUNK))
            # A standard queue may hand out one message twice; the newer handle is the one of use.
            newest = {letter.id: letter for letter in received}
            fresh = [letter for one, letter in newest.items() if one not in self._known]
            self._hold(received)
            self._known.update(letter.id for letter in fresh)
            self.seen += len(fresh)
            if fresh or not received:
                return fresh
            await self._keep()
        # Holds run out faster than they can be renewed: to go on would only cost receives.
        self.stopped = "messages came again before the pass was over: give a longer --hold"
        return []

    def settled(self, ids: Iterable[str]) -> None:
        """Note that messages were deleted, so that they are not given back."""
        for each in ids:
            self._handles.pop(each, None)

    async def _receive(self, at_most: int) -> Sequence[Letter]:
        sizes = [min(_PER_RECEIVE, at_most - at) for at in range(0, at_most, _PER_RECEIVE)]
        receiving = asyncio.gather(
            *(
                self._queue.receive(size, wait_s=_WAIT_S, visibility_s=self._hold_s)
                for size in sizes
            ),
            return_exceptions=True,
        )
        try:
            outcomes = await asyncio.shield(receiving)
        except asyncio.CancelledError:
            # What is handed out to a receive that is cut off would stay hidden for the whole hold.
            self._hold(_letters(await receiving))
            raise
        self._dry = any(outcome == [] for outcome in outcomes)
        received = _letters(outcomes)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                # What the others brought is given back with the rest.
                self._hold(received)
                raise outcome
        return received

    def _hold(self, received: Iterable[Letter]) -> None:
        self._handles.update((letter.id, letter.receipt_handle) for letter in received)

    async def _keep(self) -> None:
        """Hold on to everything for another while, once half of the hold is over."""
        now_s = self._clock.monotonic_s()
        if now_s - self._extended_s < self._hold_s / 2:
            return
        self._extended_s = now_s
        await self._queue.extend(list(self._handles.values()), self._hold_s)


def _letters(outcomes: Iterable[Sequence[Letter] | BaseException]) -> Sequence[Letter]:
    return [
        letter
        for outcome in outcomes
        if not isinstance(outcome, BaseException)
        for letter in outcome
    ]
