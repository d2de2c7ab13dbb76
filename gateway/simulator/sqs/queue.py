"""One queue: which messages are visible, hidden or gone, and what a receipt handle may do.

All of it is state driven by the clock: nothing waits, nothing runs by itself. Every operation costs
the same at any depth. Rules: "Amazon SQS visibility timeout", "Using dead-letter queues in Amazon
SQS" and "Exactly-once processing in Amazon SQS" in the "Amazon SQS Developer Guide".
"""

from __future__ import annotations

import heapq
import os
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.simulator.sqs.errors import SqsError, bad_handle, bad_value
from gateway.simulator.sqs.lines import FifoLine, Line, StandardLine
from gateway.simulator.sqs.messages import Message, Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.clock import Clock
    from gateway.simulator.sqs.attributes import QueueAttributes

_MAX_IN_FLIGHT = 120_000
_DEDUPLICATION_MS = 300_000
_PURGE_INTERVAL_MS = 60_000
_COMPACT_SLACK = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """How many messages a queue holds, by where they stand."""

    visible: int
    in_flight: int
    delayed: int


class Queue:
    """Messages of one queue.

    Attributes:
        attributes: What is set on it; replaced whole by SetQueueAttributes.
        tags: Cost allocation tags; kept and shown, nothing more.
        on_visible: Called when a message became visible by being sent, moved or shown again.
    """

    def __init__(self, name: str, arn: str, attributes: QueueAttributes, *, clock: Clock) -> None:
        self.name = name
        self.arn = arn
        self.attributes = attributes
        self.tags: dict[str, str] = {}
        self.created_at_ms = self.modified_at_ms = clock.now_ms()
        self.on_visible: Callable[[], None] | None = None
        self._clock = clock
        self._tag = os.urandom(6).hex()
        self._line: Line = FifoLine() if attributes.fifo else StandardLine()
        self._messages: dict[int, Message] = {}
        self._hidden: list[tuple[int, int]] = []
        self._in_flight = self._delayed = 0
        self._sent: dict[str, Message] = {}
        self._sent_order: deque[tuple[int, str]] = deque()
        self._purged_at_ms = -_PURGE_INTERVAL_MS

    # ── in ───────────────────────────────────────────────────────────────────────────────────────

    def put(self, message: Message, *, delay_ms: int = 0) -> None:
        """Take a message in, visible at once or after `delay_ms`."""
        self._messages[message.number] = message
        if delay_ms > 0:
            message.phase = Phase.DELAYED
            self._delayed += 1
            self._hide(message, self._clock.now_ms() + delay_ms)
        else:
            self._show(message)

    def sent_before(self, key: str) -> Message | None:
        """Return the message sent with a deduplication key in the last five minutes, if any."""
        horizon_ms = self._clock.now_ms() - _DEDUPLICATION_MS
        while self._sent_order and self._sent_order[0][0] <= horizon_ms:
            del self._sent[self._sent_order.popleft()[1]]
        return self._sent.get(key)

    def remember(self, key: str, message: Message) -> None:
        """Note a deduplication key as used by `message`."""
        self._sent[key] = message
        self._sent_order.append((message.sent_at_ms, key))

    # ── out ──────────────────────────────────────────────────────────────────────────────────────

    def receive(
        self, limit: int, *, visibility_ms: int, bury: Callable[[Queue, Message], bool]
    ) -> Sequence[Message]:
        """Take up to `limit` visible messages into flight for `visibility_ms`.

        Args:
            limit: Most messages returned.
            visibility_ms: How long they stay hidden unless settled; 0 leaves them visible.
            bury: Takes over a message that was received too often; False where it can't.

        Raises:
            SqsError: Too many messages are in flight.
        """
        now_ms = self._clock.now_ms()
        self._surface(now_ms)
        limit = min(limit, _MAX_IN_FLIGHT - self._in_flight)
        if limit <= 0:
            raise SqsError("OverLimit", f"{_MAX_IN_FLIGHT} messages are in flight already.")
        received: list[Message] = []
        while len(received) < limit:
            taken = self._line.take(limit - len(received))
            if not taken:
                break
            for message in taken:
                if not self._given_up(message, now_ms, bury):
                    received.append(message)
                    self._fly(message, now_ms, visibility_ms)
        if visibility_ms == 0:
            self._surface(now_ms)
        return received

    def extract(self, limit: int) -> Sequence[Message]:
        """Take up to `limit` visible messages out of the queue for good, as a move task does."""
        self._surface(self._clock.now_ms())
        taken = self._line.take(limit)
        for message in taken:
            self._line.let_go(message)
            self._forget(message)
        return taken

    def handle_of(self, message: Message) -> str:
        """Return the receipt handle of a message's present receipt."""
        return f"{self._tag}.{message.number:x}.{message.receives:x}"

    def delete(self, handle: str) -> None:
        """Delete the message of a handle; a message already gone is no error.

        An older handle of a message received again since succeeds and changes nothing.

        Raises:
            SqsError: The handle is not of this queue, or of a FIFO queue and expired.
        """
        message, current = self._find(handle)
        if message is None or not current:
            return
        if message.phase is Phase.IN_FLIGHT:
            self._in_flight -= 1
            self._line.let_go(message)
        elif self.attributes.fifo:
            raise bad_value("ReceiptHandle", handle, "The receipt handle has expired.")
        else:
            # It stays in line until its turn; its bytes need not.
            message.body = ""
        self._forget(message)

    def hide(self, handle: str, timeout_ms: int) -> None:
        """Let a message in flight be hidden for `timeout_ms` from now; 0 shows it at once.

        Raises:
            SqsError: The handle is not of this queue, or its message is not in flight under it.
        """
        self._surface(self._clock.now_ms())
        message, current = self._find(handle)
        if message is None or not current or message.phase is not Phase.IN_FLIGHT:
            raise SqsError("MessageNotInflight", "The message is not in flight.")
        self._hide(message, self._clock.now_ms() + timeout_ms)
        if timeout_ms == 0:
            self._surface(self._clock.now_ms())

    def purge(self) -> None:
        """Drop every message, in flight ones included.

        Raises:
            SqsError: The queue was purged less than 60 s ago.
        """
        now_ms = self._clock.now_ms()
        if now_ms - self._purged_at_ms < _PURGE_INTERVAL_MS:
            raise SqsError(
                "PurgeQueueInProgress",
                f"Only one PurgeQueue operation on {self.name} is allowed every 60 seconds.",
            )
        self._purged_at_ms = now_ms
        for message in self._messages.values():
            message.phase = Phase.GONE
        self._messages.clear()
        self._hidden.clear()
        self._line.clear()
        self._in_flight = self._delayed = 0

    # ── what is in it ────────────────────────────────────────────────────────────────────────────

    def depth(self) -> Depth:
        """Return the counts of messages as of now."""
        self._surface(self._clock.now_ms())
        return Depth(
            visible=len(self._messages) - self._in_flight - self._delayed,
            in_flight=self._in_flight,
            delayed=self._delayed,
        )

    def next_due_ms(self) -> int | None:
        """Return when the next hidden message may become visible, or None if none is hidden."""
        return self._hidden[0][0] if self._hidden else None

    # ── the parts ────────────────────────────────────────────────────────────────────────────────

    def _find(self, handle: str) -> tuple[Message | None, bool]:
        """Return the handle's message, None if gone, and whether it is the latest handle."""
        tag, _, rest = handle.partition(".")
        number, _, receipt = rest.partition(".")
        if tag != self._tag:
            raise bad_handle(handle)
        try:
            message = self._messages.get(int(number, 16))
            return message, message is not None and message.receives == int(receipt, 16)
        except ValueError as exc:
            raise bad_handle(handle) from exc

    def _given_up(
        self, message: Message, now_ms: int, bury: Callable[[Queue, Message], bool]
    ) -> bool:
        """Whether a taken message left the queue instead of being received."""
        if now_ms - message.sent_at_ms >= self.attributes.retention_ms:
            self._line.let_go(message)
            self._forget(message)
            return True
        redrive = self.attributes.redrive
        if redrive is None or message.receives < redrive.max_receives:
            return False
        number = message.number
        if not bury(self, message):
            return False
        self._line.let_go(message)
        del self._messages[number]
        return True

    def _fly(self, message: Message, now_ms: int, visibility_ms: int) -> None:
        message.receives += 1
        message.first_received_at_ms = message.first_received_at_ms or now_ms
        message.phase = Phase.IN_FLIGHT
        self._in_flight += 1
        self._hide(message, now_ms + visibility_ms)

    def _show(self, message: Message) -> None:
        message.phase = Phase.VISIBLE
        self._line.add(message)
        if self.on_visible is not None:
            self.on_visible()

    def _hide(self, message: Message, until_ms: int) -> None:
        message.visible_at_ms = until_ms
        heapq.heappush(self._hidden, (until_ms, message.number))
        # Deleted messages leave their entries behind; sweep when they outnumber the live ones.
        if len(self._hidden) > 2 * (self._in_flight + self._delayed) + _COMPACT_SLACK:
            self._hidden = [entry for entry in self._hidden if self._is_live(entry)]
            heapq.heapify(self._hidden)

    def _is_live(self, entry: tuple[int, int]) -> bool:
        message = self._messages.get(entry[1])
        return (
            message is not None
            and message.visible_at_ms == entry[0]
            and message.phase is not Phase.VISIBLE
        )

    def _surface(self, now_ms: int) -> None:
        """Show every hidden message whose time has come."""
        while self._hidden and self._hidden[0][0] <= now_ms:
            entry = heapq.heappop(self._hidden)
            if not self._is_live(entry):
                continue
            message = self._messages[entry[1]]
            if message.phase is Phase.IN_FLIGHT:
                self._in_flight -= 1
                self._line.let_go(message)
            else:
                self._delayed -= 1
            self._show(message)

    def _forget(self, message: Message) -> None:
        message.phase = Phase.GONE
        del self._messages[message.number]
