"""Tasks that move messages out of a dead-letter queue; decides how far each has got by now.

A task has no thread of its own: it catches up whenever somebody looks, which nobody can tell from
one that runs. Rules: "StartMessageMoveTask" in the "Amazon SQS API Reference".
"""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from gateway.simulator.sqs.errors import SqsError, bad_value
from gateway.simulator.sqs.messages import new_message_id

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.simulator.sqs.messages import Message
    from gateway.simulator.sqs.parameters import Parameters
    from gateway.simulator.sqs.queue import Queue
    from gateway.simulator.sqs.queues import Queues

_MAX_RATE = 500
_OWN_RATE = 5_000
_OWN_HEAD_START = 1_000
_KEPT = 10


class _Status(StrEnum):
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"


@dataclass(slots=True, kw_only=True)
class _Task:
    """A move from `source` to `target`, or to where each message came from.

    Attributes:
        rate: Messages a second that were asked for; None leaves it to the server.
        to_move: Messages that were visible at the start.
    """

    handle: str
    source: Queue
    target: Queue | None
    rate: int | None
    to_move: int
    started_at_ms: int
    moved: int = 0
    status: _Status = _Status.RUNNING
    failure: str | None = None

    def allowance(self, now_ms: int) -> int:
        """Return how many messages may have been moved by now."""
        elapsed_ms = now_ms - self.started_at_ms
        if self.rate is None:
            return _OWN_HEAD_START + elapsed_ms * _OWN_RATE // 1_000
        return 1 + elapsed_ms * self.rate // 1_000

    def next_due_ms(self) -> int:
        """Return when the next message may be moved."""
        if self.rate is None:
            return self.started_at_ms + (self.moved - _OWN_HEAD_START + 1) * 1_000 // _OWN_RATE
        return self.started_at_ms + -(-self.moved * 1_000 // self.rate)


class MoveTasks:
    """The move tasks of all queues, the last ten kept for each."""

    def __init__(self, queues: Queues, *, clock: Clock) -> None:
        self._queues = queues
        self._clock = clock
        self._tasks: dict[str, list[_Task]] = {}
        self._running: list[_Task] = []

    # ── operations ───────────────────────────────────────────────────────────────────────────────

    def start(self, parameters: Parameters) -> dict[str, Any]:
        """StartMessageMoveTask."""
        source = self._queue("SourceArn", parameters.text("SourceArn"))
        target_arn = parameters.optional_text("DestinationArn")
        rate = parameters.integer("MaxNumberOfMessagesPerSecond", low=1, high=_MAX_RATE, default=0)
        if not self._queues.sources_of(source):
            raise bad_value(
                "SourceArn", source.arn, "Source queue must be configured as a Dead Letter Queue."
            )
        if any(task.source is source for task in self._running):
            raise bad_value(
                "SourceArn", source.arn, "There is already a task running for this source queue."
            )
        handle = base64.b64encode(f"{os.urandom(16).hex()}:{source.arn}".encode()).decode()
        task = _Task(
            handle=handle,
            source=source,
            target=self._queue("DestinationArn", target_arn) if target_arn else None,
            rate=rate or None,
            to_move=source.depth().visible,
            started_at_ms=self._clock.now_ms(),
        )
        kept = self._tasks.setdefault(source.arn, [])
        kept.append(task)
        del kept[:-_KEPT]
        self._running.append(task)
        return {"TaskHandle": handle}

    def cancel(self, parameters: Parameters) -> dict[str, Any]:
        """CancelMessageMoveTask."""
        handle = parameters.text("TaskHandle")
        for tasks in self._tasks.values():
            for task in tasks:
                if task.handle == handle:
                    if task.status is not _Status.RUNNING:
                        raise SqsError(
                            "UnsupportedOperation", "Only a running task can be cancelled."
                        )
                    self._end(task, _Status.CANCELLED)
                    return {"ApproximateNumberOfMessagesMoved": task.moved}
        raise SqsError("ResourceNotFoundException", "Task does not exist.")

    def show(self, parameters: Parameters) -> dict[str, Any]:
        """ListMessageMoveTasks, the most recent first."""
        source = self._queue("SourceArn", parameters.text("SourceArn"))
        limit = parameters.integer("MaxResults", low=1, high=_KEPT, default=1)
        tasks = self._tasks.get(source.arn, [])
        return {"Results": [_shown(task) for task in reversed(tasks[-limit:])]}

    # ── catching up ──────────────────────────────────────────────────────────────────────────────

    def advance(self) -> None:
        """Move what every running task may have moved by now."""
        if not self._running:
            return
        now_ms = self._clock.now_ms()
        for task in tuple(self._running):
            room = min(task.allowance(now_ms), task.to_move) - task.moved
            if room > 0:
                self._move(task, room)
            if task.status is _Status.RUNNING and (
                task.moved >= task.to_move or task.source.depth().visible == 0
            ):
                self._end(task, _Status.COMPLETED)

    def next_due_ms(self) -> int | None:
        """Return when a running task has something to do next, or None if none runs."""
        return min((task.next_due_ms() for task in self._running), default=None)

    def _move(self, task: _Task, room: int) -> None:
        for _ in range(room):
            for message in task.source.extract(1):
                target = task.target or self._queues.by_arn(message.dead_letter_source or "")
                if target is None:
                    self._put_back(task, message)
                    return
                self._renew(message)
                target.put(message)
                task.moved += 1

    def _put_back(self, task: _Task, message: Message) -> None:
        message.number = self._queues.next_number()
        task.source.put(message)
        task.failure = "CouldNotDetermineMessageSource"
        self._end(task, _Status.FAILED)

    def _renew(self, message: Message) -> None:
        """Make it the new message that a moved one is: own id, own age, never received."""
        message.number = self._queues.next_number()
        message.id = new_message_id()
        message.sent_at_ms = self._clock.now_ms()
        message.receives = message.first_received_at_ms = 0
        message.dead_letter_source = None

    def _end(self, task: _Task, status: _Status) -> None:
        task.status = status
        self._running.remove(task)

    def _queue(self, parameter: str, arn: str) -> Queue:
        queue = self._queues.by_arn(arn)
        if queue is None:
            raise SqsError(
                "ResourceNotFoundException",
                f"The resource that you specified for the {parameter} parameter doesn't exist.",
            )
        return queue


def _shown(task: _Task) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "Status": task.status.value,
        "SourceArn": task.source.arn,
        "ApproximateNumberOfMessagesMoved": task.moved,
        "ApproximateNumberOfMessagesToMove": task.to_move,
        "StartedTimestamp": task.started_at_ms,
    }
    if task.status is _Status.RUNNING:
        shown["TaskHandle"] = task.handle
    if task.target is not None:
        shown["DestinationArn"] = task.target.arn
    if task.rate is not None:
        shown["MaxNumberOfMessagesPerSecond"] = task.rate
    if task.failure is not None:
        shown["FailureReason"] = task.failure
    return shown
