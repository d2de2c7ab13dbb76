"""The local SQS as one object: which operation a name stands for, and waiting for messages."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from gateway.simulator.sqs.administration import Administration
from gateway.simulator.sqs.errors import SqsError
from gateway.simulator.sqs.messaging import Messaging
from gateway.simulator.sqs.moves import MoveTasks
from gateway.simulator.sqs.queues import Queues

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.clock import Clock
    from gateway.simulator.sqs.faults import SqsFaults
    from gateway.simulator.sqs.parameters import Parameters
    from gateway.simulator.sqs.queue import Queue

_MOMENT_S = 0.001


class LocalSqs:
    """Queues, and the operations of SQS on them.

    Attributes:
        queues: For tests and the demo to make and look at queues without HTTP.
    """

    def __init__(self, *, faults: SqsFaults, clock: Clock, region: str = "us-east-1") -> None:
        self.queues = Queues(clock=clock, region=region)
        self._clock = clock
        self._messaging = Messaging(self.queues, faults=faults, clock=clock)
        self._moves = MoveTasks(self.queues, clock=clock)
        self._polls: dict[Queue, set[asyncio.Future[None]]] = {}
        self._closed = False
        self._on_messages: dict[str, Callable[[Parameters], dict[str, Any]]] = {
            "SendMessage": self._messaging.send,
            "SendMessageBatch": self._messaging.send_batch,
            "DeleteMessage": self._messaging.delete,
            "DeleteMessageBatch": self._messaging.delete_batch,
            "ChangeMessageVisibility": self._messaging.change_visibility,
            "ChangeMessageVisibilityBatch": self._messaging.change_visibility_batch,
            "StartMessageMoveTask": self._moves.start,
            "CancelMessageMoveTask": self._moves.cancel,
            "ListMessageMoveTasks": self._moves.show,
        }
        admin = Administration(self.queues)
        self._on_queues: dict[str, Callable[[Parameters, str], dict[str, Any]]] = {
            "CreateQueue": admin.create_queue,
            "GetQueueUrl": admin.get_queue_url,
            "ListQueues": admin.list_queues,
            "ListDeadLetterSourceQueues": admin.list_dead_letter_source_queues,
            "DeleteQueue": admin.delete_queue,
            "PurgeQueue": admin.purge_queue,
            "GetQueueAttributes": admin.get_queue_attributes,
            "SetQueueAttributes": admin.set_queue_attributes,
            "TagQueue": admin.tag_queue,
            "UntagQueue": admin.untag_queue,
            "ListQueueTags": admin.list_queue_tags,
        }

    async def run(self, operation: str, parameters: Parameters, base_url: str) -> dict[str, Any]:
        """Return the answer of an operation; only ReceiveMessage waits.

        Raises:
            SqsError: SQS would refuse the request.
        """
        self._moves.advance()
        if operation == "ReceiveMessage":
            return await self._receive(parameters)
        if (on_messages := self._on_messages.get(operation)) is not None:
            return on_messages(parameters)
        if (on_queues := self._on_queues.get(operation)) is not None:
            return on_queues(parameters, base_url)
        raise SqsError("UnknownOperationException", f"The local SQS has no {operation}.")

    def send(self, queue_name: str, body: str) -> str:
        """Put a message into a standard queue from inside; return its id.

        Raises:
            SqsError: There is no such queue, or the body can't be carried.
        """
        return self._messaging.post(self.queues.named(queue_name), body).id

    def close(self) -> None:
        """Answer every waiting ReceiveMessage with what there is, and let none wait again."""
        self._closed = True
        for polls in self._polls.values():
            _ring(polls)

    async def _receive(self, parameters: Parameters) -> dict[str, Any]:
        answer = self._messaging.receive(parameters)
        if answer or not (wait_s := self._messaging.wait_s(parameters)):
            return answer
        # A client that goes away does not end its poll, here as at SQS: what the poll still takes
        # stays hidden for its visibility timeout.
        queue = self._messaging.queue(parameters)
        deadline_s = self._clock.monotonic_s() + wait_s
        while not answer and not self._closed:
            left_s = deadline_s - self._clock.monotonic_s()
            if left_s <= 0:
                break
            await self._news(queue, min(left_s, self._due_in_s(queue)))
            self._moves.advance()
            answer = self._messaging.receive(parameters)
        return answer

    def _due_in_s(self, queue: Queue) -> float:
        """Return the seconds until a message may show itself without anybody's doing."""
        due_ms = [ms for ms in (queue.next_due_ms(), self._moves.next_due_ms()) if ms is not None]
        if not due_ms:
            return float("inf")
        return max(_MOMENT_S, (min(due_ms) - self._clock.now_ms()) / 1_000)

    async def _news(self, queue: Queue, timeout_s: float) -> None:
        """Return when a message became visible in the queue, or after `timeout_s` seconds."""
        polls = self._polls.get(queue)
        if polls is None:
            polls = self._polls[queue] = set()
            queue.on_visible = lambda: _ring(polls)
        poll: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        polls.add(poll)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await poll
        finally:
            polls.discard(poll)


def _ring(polls: set[asyncio.Future[None]]) -> None:
    for poll in polls:
        if not poll.done():
            poll.set_result(None)
