"""The stage that empties a queue into the inbox.

A message is deleted only after its notification (or its place in quarantine) is committed. A
message whose delete fails comes again and is recognised by its identity. It decides nothing about
handlers: what a notification is owed to is asked of `owed`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import structlog

from gateway.envelope import read_envelope
from gateway.errors import EnvelopeError, QueueUnavailableError
from gateway.model import (
    Arrival,
    Claims,
    Envelope,
    IdPrefix,
    Origin,
    Owed,
    Unreadable,
    Verdict,
    new_id,
)

if TYPE_CHECKING:
    from gateway.aws.queue import Message, MessageQueue
    from gateway.clock import Clock
    from gateway.ingest.noting import ArrivalNotes

_log = structlog.get_logger("gateway.ingest")

RECEIVE_MAX = 10


class Inbox(Protocol):
    """What ingest needs of the store."""

    async def accept(self, batch: Sequence[Arrival | Unreadable]) -> Sequence[Verdict]:
        """Commit a batch and say, in order, what became of each."""
        ...


class IngestRecorder(Protocol):
    """Where the messages of one queue are counted."""

    def received(self, count: int) -> None:
        """Count messages received."""
        ...

    def stored(self, arrival: Arrival | Unreadable, verdict: Verdict) -> None:
        """Count one committed message by what it was found to be."""
        ...

    def deleted(self, count: int) -> None:
        """Count messages deleted."""
        ...

    def failed(self, reason: str) -> None:
        """Count one failed call by the reason of `QueueUnavailableError`."""
        ...


class Receiver:
    """The ingest stage of one queue.

    Args:
        source: What notifications and quarantine rows say they came from: the queue's name.
        wait_s: Length of a long poll, in seconds.
        subject: Tells what a notification is about, for sweeps; None where nothing is swept.
        notes: Tells which arrivals are noted as the newest; None where nobody listens.
        visibility_s: How long SQS hides a received message; extended while a batch waits.
    """

    def __init__(  # noqa: PLR0913 the parts of one stage, keyword-only
        self,
        queue: MessageQueue,
        inbox: Inbox,
        owed: Callable[[Envelope], Sequence[Owed]],
        *,
        source: str,
        wait_s: int,
        visibility_s: int,
        clock: Clock,
        recorder: IngestRecorder,
        subject: Callable[[Envelope], str | None] | None = None,
        notes: ArrivalNotes | None = None,
    ) -> None:
        self.name = f"ingest.{source}"
        self._queue = queue
        self._inbox = inbox
        self._owed = owed
        self._source = source
        self._wait_s = wait_s
        self._visibility_s = visibility_s
        self._clock = clock
        self._recorder = recorder
        self._subject = subject
        self._notes = notes

    async def claim(self, room: int) -> Claims[Message]:
        """Receive up to ten messages; see `Stage`."""
        try:
            messages = await self._queue.receive(
                min(RECEIVE_MAX, room), self._wait_s, self._visibility_s
            )
        except QueueUnavailableError as exc:
            self._recorder.failed(exc.reason)
            raise
        if messages:
            self._recorder.received(len(messages))
        return Claims(items=messages, more=len(messages) == RECEIVE_MAX)

    async def work(self, item: Message) -> tuple[Message, Arrival | Unreadable]:
        """Understand one message; see `Stage`."""
        return item, self._read(item)

    def _read(self, message: Message) -> Arrival | Unreadable:
        now_ms = self._clock.now_ms()
        try:
            envelope = read_envelope(message.body)
        except EnvelopeError as exc:
            return Unreadable(
                id=new_id(IdPrefix.QUARANTINE, now_ms),
                source=self._source,
                message_id=message.id,
                body=message.body.encode("utf-8", "surrogatepass"),
                reason=str(exc),
                received_at_ms=now_ms,
            )
        noted = seller_noted = False
        if self._notes is not None:
            noted, seller_noted = self._notes.due(envelope, now_ms)
        return Arrival(
            id=new_id(IdPrefix.NOTIFICATION, now_ms),
            envelope=envelope,
            source=self._source,
            origin=Origin.SQS if envelope.replay_name is None else Origin.EVENTBRIDGE_REPLAY,
            received_at_ms=now_ms,
            owed=self._owed(envelope),
            subject=None if self._subject is None else self._subject(envelope),
            noted=noted,
            seller_noted=seller_noted,
            message_id=message.id,
        )

    async def settle(self, results: Sequence[tuple[Message, Arrival | Unreadable]]) -> None:
        """Commit, then delete; see `Stage`."""
        reads = [read for _, read in results]
        verdicts = await self._inbox.accept(reads)
        if self._notes is not None:
            self._notes.committed(reads)
        for (_, read), verdict in zip(results, verdicts, strict=True):
            self._recorder.stored(read, verdict)
            if verdict is Verdict.QUARANTINED and isinstance(read, Unreadable):
                _log.warning("message.quarantined", quarantine=read.id, reason=read.reason)
        await self._delete([message for message, _ in results])

    async def _delete(self, messages: Sequence[Message]) -> None:
        try:
            failed = await self._queue.delete([message.receipt_handle for message in messages])
        except QueueUnavailableError as exc:
            # Committed all the same: the messages come again and are found to be duplicates.
            self._recorder.failed(exc.reason)
            _log.warning("queue.delete_failed", source=self._source, fault=str(exc))
            return
        self._recorder.deleted(len(messages) - len(failed))

    async def extend(self, items: Sequence[Message]) -> None:
        """Keep messages hidden while they wait to be committed; see `Stage`."""
        await self._queue.extend([one.receipt_handle for one in items], self._visibility_s)

    async def release(self, items: Sequence[Message]) -> None:
        """Make messages visible again at once; see `Stage`."""
        await self._queue.extend([one.receipt_handle for one in items], 0)
