"""The order in which visible messages go out: as they come, or group by group.

A line holds visible messages only; hiding, counting and deleting are the queue's business.
"""

from __future__ import annotations

import heapq
from collections import deque
from typing import TYPE_CHECKING, Protocol

from gateway.simulator.sqs.messages import Phase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.simulator.sqs.messages import Message


class Line(Protocol):
    """Visible messages in the order in which they go out."""

    def add(self, message: Message) -> None:
        """Put a visible message into line."""
        ...

    def take(self, limit: int) -> Sequence[Message]:
        """Take up to `limit` messages out of line; each must be let go sooner or later."""
        ...

    def let_go(self, message: Message) -> None:
        """Note that a taken message left the queue, or is about to be added again."""
        ...

    def clear(self) -> None:
        """Forget everything."""
        ...


class StandardLine:
    """First come, first served, with a message that comes back put last."""

    def __init__(self) -> None:
        self._line: deque[Message] = deque()

    def add(self, message: Message) -> None:
        """See `Line`."""
        self._line.append(message)

    def take(self, limit: int) -> Sequence[Message]:
        """See `Line`."""
        line = self._line
        taken: list[Message] = []
        while line and len(taken) < limit:
            message = line.popleft()
            # A message deleted while visible stays in line until its turn.
            if message.phase is Phase.VISIBLE:
                taken.append(message)
        return taken

    def let_go(self, message: Message) -> None:
        """Nothing waits for a standard message."""

    def clear(self) -> None:
        """See `Line`."""
        self._line.clear()


class _Group:
    __slots__ = ("taken", "waiting")

    def __init__(self) -> None:
        self.waiting: list[tuple[int, Message]] = []
        self.taken = 0


class FifoLine:
    """Strict order inside a group; a group with messages in flight waits for them."""

    def __init__(self) -> None:
        self._groups: dict[str, _Group] = {}
        self._open: deque[str] = deque()

    def add(self, message: Message) -> None:
        """See `Line`."""
        name = message.group or ""
        group = self._groups.setdefault(name, _Group())
        if not group.taken and not group.waiting:
            self._open.append(name)
        heapq.heappush(group.waiting, (message.number, message))

    def take(self, limit: int) -> Sequence[Message]:
        """See `Line`; as many as possible come from one group, as SQS does."""
        taken: list[Message] = []
        while self._open and len(taken) < limit:
            name = self._open.popleft()
            group = self._groups[name]
            while group.waiting and len(taken) < limit:
                taken.append(heapq.heappop(group.waiting)[1])
                group.taken += 1
        return taken

    def let_go(self, message: Message) -> None:
        """See `Line`; the last one opens its group again."""
        name = message.group or ""
        group = self._groups[name]
        group.taken -= 1
        if group.taken:
            return
        if group.waiting:
            self._open.append(name)
        else:
            del self._groups[name]

    def clear(self) -> None:
        """See `Line`."""
        self._groups.clear()
        self._open.clear()
