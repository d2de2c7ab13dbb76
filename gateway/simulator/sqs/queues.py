"""All queues by name; decides names, URLs, ARNs and which is whose dead-letter queue."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from gateway.simulator.sqs.attributes import QueueAttributes, parse_attributes
from gateway.simulator.sqs.errors import SqsError, bad_value, no_such_queue
from gateway.simulator.sqs.queue import Queue

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gateway.clock import Clock
    from gateway.simulator.sqs.messages import Message

_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}|(?=.{6,80}\Z)[A-Za-z0-9_-]+\.fifo")


class Queues:
    """The queues of one account in one region.

    Attributes:
        account: The account id that stands in URLs and ARNs.
        region: The region that stands in ARNs; clients may name any other.
    """

    def __init__(
        self, *, clock: Clock, account: str = "000000000000", region: str = "us-east-1"
    ) -> None:
        self.account = account
        self.region = region
        self._clock = clock
        self._by_name: dict[str, Queue] = {}
        self._last_number = 0

    def next_number(self) -> int:
        """Return the next place in the order of messages."""
        self._last_number += 1
        return self._last_number

    def create(self, name: str, given: Mapping[str, str] = MappingProxyType({})) -> Queue:
        """Return the new queue, or the one that has this name and these attributes already.

        Raises:
            SqsError: The name or an attribute is refused, or the queue exists otherwise.
        """
        if not _NAME.fullmatch(name):
            raise bad_value(
                "QueueName",
                name,
                "It takes 1 to 80 letters, digits, hyphens and underscores; .fifo for FIFO.",
            )
        attributes = parse_attributes(given, fifo_name=name.endswith(".fifo"))
        queue = self._by_name.get(name)
        if queue is not None:
            self._check_same(queue, attributes)
            return queue
        arn = f"arn:aws:sqs:{self.region}:{self.account}:{name}"
        self._check_redrive(attributes)
        queue = self._by_name[name] = Queue(name, arn, attributes, clock=self._clock)
        return queue

    def configure(self, queue: Queue, changes: Mapping[str, str]) -> None:
        """Set attributes on a queue; those not named stay.

        Raises:
            SqsError: An attribute is refused; nothing was set.
        """
        if changes.get("FifoQueue", "true") != queue.attributes.given.get("FifoQueue", "true"):
            raise bad_value("FifoQueue", changes["FifoQueue"], "It is fixed at creation.")
        attributes = parse_attributes(
            {**queue.attributes.given, **changes}, fifo_name=queue.attributes.fifo
        )
        self._check_redrive(attributes)
        if attributes.redrive is not None and attributes.redrive.target_arn == queue.arn:
            raise bad_value("RedrivePolicy", queue.arn, "A queue can't be its own target.")
        queue.attributes = attributes
        queue.modified_at_ms = self._clock.now_ms()

    def delete(self, queue: Queue) -> None:
        """Remove a queue with its messages."""
        del self._by_name[queue.name]

    def named(self, name: str) -> Queue:
        """Return the queue of a name.

        Raises:
            SqsError: There is none.
        """
        queue = self._by_name.get(name)
        if queue is None:
            raise no_such_queue()
        return queue

    def at(self, url: str) -> Queue:
        """Return the queue of a URL, whatever host and account it names.

        Raises:
            SqsError: There is none.
        """
        return self.named(url.rstrip("/").rpartition("/")[2])

    def by_arn(self, arn: str) -> Queue | None:
        """Return the queue of an ARN, or None."""
        queue = self._by_name.get(arn.rpartition(":")[2])
        return queue if queue is not None and queue.arn == arn else None

    def url(self, queue: Queue, base_url: str) -> str:
        """Return the queue's URL as seen by a client that came through `base_url`."""
        return f"{base_url}/{self.account}/{queue.name}"

    def all(self) -> Iterable[Queue]:
        """Return every queue in the order of names."""
        return (self._by_name[name] for name in sorted(self._by_name))

    def sources_of(self, queue: Queue) -> Sequence[Queue]:
        """Return the queues that give their messages up to this one."""
        return [
            source
            for source in self.all()
            if (redrive := source.attributes.redrive) and redrive.target_arn == queue.arn
        ]

    def bury(self, source: Queue, message: Message) -> bool:
        """Move a message that was received too often to its dead-letter queue.

        The message keeps its id, its age and its count of receipts, as in SQS.

        Returns:
            False where the dead-letter queue is gone: the message then stays where it is.
        """
        redrive = source.attributes.redrive
        target = self.by_arn(redrive.target_arn) if redrive else None
        if target is None:
            return False
        message.number = self.next_number()
        message.dead_letter_source = source.arn
        target.put(message)
        return True

    def _check_redrive(self, attributes: QueueAttributes) -> None:
        if attributes.redrive is None:
            return
        target = self.by_arn(attributes.redrive.target_arn)
        policy = attributes.given["RedrivePolicy"]
        if target is None:
            raise bad_value("RedrivePolicy", policy, "Dead letter target does not exist.")
        if target.attributes.fifo != attributes.fifo:
            raise bad_value(
                "RedrivePolicy", policy, "Dead-letter queue must be of the same type as its source."
            )

    def _check_same(self, queue: Queue, attributes: QueueAttributes) -> None:
        shown = queue.attributes.shown()
        for name, value in attributes.given.items():
            if shown.get(name) != value:
                raise SqsError(
                    "QueueNameExists",
                    "A queue already exists with the same name and a different value for"
                    f" attribute {name}",
                )
