"""Any SQS queue as an operator's tools see it: messages with all that belongs to them.

It decides how a message is read whole and sent again whole, and what of a queue's attributes
matters to somebody who looks after it. The gateway's own traffic goes through `SqsQueue`, which
asks SQS for less. Facts: "Amazon SQS API Reference", "Using dead-letter queues in Amazon SQS".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from gateway.aws.address import QueueAddress
from gateway.aws.calls import ANSWER_WITHIN_S, Entry, SqsCalls, by_handle
from gateway.aws.faults import GONE_CODES, CallError

_SENDABLE: Final = ("DataType", "StringValue", "BinaryValue")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One message as a receive returned it, with all that is needed to send it again.

    Attributes:
        id: The queue's own id; SQS keeps it where it moves a message to a dead-letter queue.
        receive_count: Times it was received, this one included; approximate, as SQS says.
        sent_at_ms: When it was first sent, or None. A standard queue's policy keeps that time when
            it moves the message to a dead-letter queue.
        attributes: Message attributes, as SQS gives them.
        group_id: Message group of a FIFO queue, or the tenant of a fair queue.
        source_arn: The queue that gave it up, or None where SQS doesn't say.
        trace: The X-Ray header, sent along.
    """

    id: str
    receipt_handle: str = field(repr=False)
    body: str = field(repr=False)
    receive_count: int = 1
    sent_at_ms: int | None = None
    attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    group_id: str | None = None
    source_arn: str | None = None
    trace: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFacts:
    """What a queue's attributes say.

    Attributes:
        visible: Messages that wait; this and the next two are approximate, as SQS says.
        in_flight: Messages that somebody received and has not settled.
        dead_letter_arn: Where its own redrive policy moves messages that were received
            `max_receives` times; None where it has no such policy.
    """

    arn: str
    visible: int
    in_flight: int
    delayed: int
    retention_s: int
    dead_letter_arn: str | None = None
    max_receives: int | None = None

    @property
    def messages(self) -> int:
        """How many messages the queue holds, by its own approximate account."""
        return self.visible + self.in_flight + self.delayed


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of letters that were sent.

    Attributes:
        ids: Id of the letter → id of the message that the target made of it.
        refused: Id of the letter → why it was not taken in.
    """

    ids: Mapping[str, str]
    refused: Mapping[str, str]


class LetterQueue:
    """One queue, standard or FIFO.

    Every method raises `QueueUnavailableError` where the queue can't be used.
    """

    def __init__(self, address: QueueAddress, calls: SqsCalls) -> None:
        self.url = address.url
        self.name = address.name
        self.fifo = address.name.endswith(".fifo")
        self._calls = calls

    async def receive(
        self, max_messages: int, *, wait_s: int, visibility_s: int
    ) -> Sequence[Letter]:
        """Return up to `max_messages` (1 to 10), hidden from others for `visibility_s`."""
        parameters = {
            "QueueUrl": self.url,
            "MaxNumberOfMessages": max_messages,
            "WaitTimeSeconds": wait_s,
            "VisibilityTimeout": visibility_s,
            "MessageSystemAttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
        }
        answer = await self._calls.call("ReceiveMessage", parameters, wait_s + ANSWER_WITHIN_S)
        try:
            return [_letter(raw) for raw in answer.get("Messages") or ()]
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            fault = CallError(f"a received message lacks or garbles {exc}", reason="other")
            raise self._calls.unavailable(fault) from exc

    async def extend(self, handles: Iterable[str], visibility_s: int) -> Sequence[str]:
        """Hide messages for `visibility_s` from now (0: give back); return handles that failed."""
        entries = by_handle(handles, VisibilityTimeout=visibility_s)
        failures = await self._calls.apply("ChangeMessageVisibilityBatch", entries)
        return [handle for handle, _ in failures]

    async def delete(self, letters: Sequence[Letter]) -> frozenset[str]:
        """Delete messages; return the ids of those that are still there."""
        ids = {letter.receipt_handle: letter.id for letter in letters}
        failures = await self._calls.apply("DeleteMessageBatch", by_handle(ids))
        if self.fifo:  # an expired handle of a FIFO queue deletes nothing
            return frozenset(ids[handle] for handle, _ in failures)
        return frozenset(
            ids[handle] for handle, failure in failures if failure.code not in GONE_CODES
        )

    async def send(self, letters: Sequence[Letter]) -> Sent:
        """Send letters, attributes and all; a FIFO queue gets those of a group in their order.

        Where a call fails as a whole, those that are not among `ids` may or may not be in.
        """
        ids: dict[str, str] = {}
        refused: dict[str, str] = {}
        stuck: set[str] = set()
        for turn in _in_turn(letters) if self.fifo else [letters]:
            # What stands behind a refused letter of its group must not overtake it.
            batch = [letter for letter in turn if _group(letter) not in stuck]
            failures = await self._calls.apply(
                "SendMessageBatch",
                [_entry(letter, fifo=self.fifo) for letter in batch],
                lambda key, answer: ids.update({key: str(answer.get("MessageId"))}),
            )
            refused.update(
                (key, f"{failure.code}: {failure.text}".strip(": ")) for key, failure in failures
            )
            stuck.update(_group(letter) for letter in batch if self.fifo and letter.id in refused)
        return Sent(ids=ids, refused=refused)

    async def facts(self) -> QueueFacts:
        """Return what the queue's attributes say."""
        parameters = {"QueueUrl": self.url, "AttributeNames": ["All"]}
        answer = await self._calls.call("GetQueueAttributes", parameters)
        try:
            return _facts(answer["Attributes"])
        except (KeyError, TypeError, ValueError) as exc:
            fault = CallError(f"its attributes lack or garble {exc}", reason="other")
            raise self._calls.unavailable(fault) from exc

    async def purge(self) -> None:
        """Delete every message, in flight or not; SQS allows it once in 60 s."""
        await self._calls.call("PurgeQueue", {"QueueUrl": self.url})


def _letter(raw: Mapping[str, Any]) -> Letter:
    system = raw.get("Attributes") or {}
    sent = system.get("SentTimestamp")
    return Letter(
        id=raw["MessageId"],
        receipt_handle=raw["ReceiptHandle"],
        body=raw["Body"],
        receive_count=int(system.get("ApproximateReceiveCount", 1)),
        sent_at_ms=int(sent) if sent is not None else None,
        attributes=dict(raw.get("MessageAttributes") or {}),
        group_id=system.get("MessageGroupId"),
        source_arn=system.get("DeadLetterQueueSourceArn"),
        trace=system.get("AWSTraceHeader"),
    )


def _entry(letter: Letter, *, fifo: bool) -> Entry:
    """Return the entry that sends a letter again.

    A FIFO queue swallows what has the deduplication id of a message of the last five minutes, so
    the letter's own id would lose one that died young. An id made of the message's lets a repeat
    after a crash be swallowed and nothing else.
    """
    entry: dict[str, Any] = {"MessageBody": letter.body}
    if letter.attributes:
        entry["MessageAttributes"] = {
            name: {key: value[key] for key in _SENDABLE if value.get(key) is not None}
            for name, value in letter.attributes.items()
        }
    if letter.trace:
        traced = {"DataType": "String", "StringValue": letter.trace}
        entry["MessageSystemAttributes"] = {"AWSTraceHeader": traced}
    if fifo:
        entry["MessageGroupId"] = _group(letter)
        entry["MessageDeduplicationId"] = f"redrive-{letter.id}"
    elif letter.group_id:
        entry["MessageGroupId"] = letter.group_id
    return letter.id, entry


def _in_turn(letters: Sequence[Letter]) -> Iterator[Sequence[Letter]]:
    """Cut letters into sends that hold one of each group at most.

    One entry of a batch can fail while one behind it is taken in.
    """
    waiting = list(letters)
    while waiting:
        turn: dict[str, Letter] = {}
        for letter in waiting:
            turn.setdefault(_group(letter), letter)
        yield list(turn.values())
        waiting = [letter for letter in waiting if turn[_group(letter)] is not letter]


def _group(letter: Letter) -> str:
    """Return what orders a letter; one of a standard queue stands for itself."""
    return letter.group_id or letter.id


def _facts(attributes: Mapping[str, str]) -> QueueFacts:
    policy = orjson.loads(attributes.get("RedrivePolicy") or "{}")
    receives = policy.get("maxReceiveCount")
    return QueueFacts(
        arn=attributes["QueueArn"],
        visible=int(attributes.get("ApproximateNumberOfMessages", 0)),
        in_flight=int(attributes.get("ApproximateNumberOfMessagesNotVisible", 0)),
        delayed=int(attributes.get("ApproximateNumberOfMessagesDelayed", 0)),
        retention_s=int(attributes.get("MessageRetentionPeriod", 0)),
        dead_letter_arn=policy.get("deadLetterTargetArn"),
        max_receives=int(receives) if receives is not None else None,
    )
