"""What the rest of the engine may ask of a queue, and the record it gets back.

It decides the words only: no network, no names of Amazon's protocol.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """One message as a receive returned it.

    Attributes:
        id: The queue's own id; it changes when the message is moved to another queue.
        receipt_handle: What deletes or extends this receive of the message.
        body: The text as it was sent; customer data, so it stays out of `repr`.
        receive_count: Times it was received, this one included.
        sent_at_ms: When the queue took it in, or None where the queue doesn't say.
    """

    id: str
    receipt_handle: str = field(repr=False)
    body: str = field(repr=False)
    receive_count: int
    sent_at_ms: int | None


class MessageQueue(Protocol):
    """A queue that gives each message to one receiver at a time and keeps it until it is deleted.

    Every method raises `QueueUnavailableError` where the queue can't be used; its `reason` is one
    of `credentials`, `throttled`, `missing`, `denied`, `unsupported`, `network`, `other`. A few
    short retries have been made by then; a longer back-off is the caller's.
    """

    async def receive(
        self, max_messages: int = 10, wait_s: int = 20, visibility_s: int | None = None
    ) -> Sequence[Message]:
        """Return up to `max_messages` (1 to 10), waiting up to `wait_s` (0 to 20) for the first.

        The messages stay hidden from other receivers for `visibility_s`, or for the time that
        the queue is set to. Don't cancel a receive in order to stop: the queue doesn't notice,
        and what it was about to hand out stays hidden for the whole of that time.
        """
        ...

    async def delete(self, handles: Sequence[str]) -> Sequence[str]:
        """Delete any number of messages; return the handles that failed after short retries.

        A handle that has expired counts as done: its message comes again and is recognised.
        After an error any part of them may be deleted; deleting again does no harm.
        """
        ...

    async def extend(self, handles: Sequence[str], visibility_s: int) -> Sequence[str]:
        """Hide messages for `visibility_s` from now (0: give back); return the handles that failed.

        A handle that has expired is among the failed: another receiver may hold its message.
        """
        ...

    async def send(self, bodies: Sequence[str]) -> None:
        """Put messages into the queue; after an error some may be in it, even twice.

        Raises:
            InvalidInputError: The queue refuses a body for what it is.
        """
        ...

    async def attributes(self) -> Mapping[str, str]:
        """Return the queue's attributes by Amazon's names."""
        ...

    async def aclose(self) -> None:
        """Close what the queue opened itself; afterwards no method may be called."""
        ...
