"""The operations on messages: send, receive, delete, hide. Receiving never waits here."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from gateway.simulator.sqs.batches import checked_entries, run_batch
from gateway.simulator.sqs.errors import SqsError, bad_value, missing
from gateway.simulator.sqs.messages import (
    Message,
    attributes_md5,
    check_body,
    md5_hex,
    new_message_id,
    size_bytes,
)
from gateway.simulator.sqs.parameters import Parameters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.clock import Clock
    from gateway.simulator.sqs.faults import SqsFaults
    from gateway.simulator.sqs.queue import Queue
    from gateway.simulator.sqs.queues import Queues

_MAX_BATCH_BYTES = 1_048_576
_MAX_RECEIVED = 10
_MAX_VISIBILITY_S = 43_200
_MAX_DELAY_S = 900
_SEQUENCE_BASE = 18_800_000_000_000_000_000
_SENDER = "AIDASIMULATEDSENDER00"


class Messaging:
    """Operations on messages; each takes parameters and raises `SqsError` for what SQS refuses."""

    def __init__(self, queues: Queues, *, faults: SqsFaults, clock: Clock) -> None:
        self._queues = queues
        self._faults = faults
        self._clock = clock

    # ── send ─────────────────────────────────────────────────────────────────────────────────────

    def send(self, parameters: Parameters) -> dict[str, Any]:
        """SendMessage."""
        return self._send(self.queue(parameters), parameters)

    def send_batch(self, parameters: Parameters) -> dict[str, Any]:
        """SendMessageBatch."""
        queue, entries = self.queue(parameters), checked_entries(parameters)
        total = sum(
            size_bytes(
                str(entry.get("MessageBody", "")), Parameters(entry).mapping("MessageAttributes")
            )
            for entry in entries
        )
        if total > _MAX_BATCH_BYTES:
            raise SqsError(
                "BatchRequestTooLong",
                f"Batch requests cannot be longer than {_MAX_BATCH_BYTES} bytes."
                f" You have sent {total} bytes.",
            )
        return run_batch(entries, lambda entry: self._send(queue, entry), fails=self._entry_fails)

    def post(self, queue: Queue, body: str) -> Message:
        """Put a plain message into a standard queue, as a service inside AWS does."""
        check_body(body)
        message = self._new(body)
        queue.put(message, delay_ms=queue.attributes.delay_ms)
        return message

    def _send(self, queue: Queue, entry: Parameters) -> dict[str, Any]:
        body, attributes = entry.text("MessageBody"), entry.mapping("MessageAttributes")
        check_body(body)
        digest = attributes_md5(attributes)
        if (size := size_bytes(body, attributes)) > queue.attributes.max_size_bytes:
            raise bad_value(
                "MessageBody",
                f"of {size} bytes",
                f"Message must be shorter than {queue.attributes.max_size_bytes} bytes.",
            )
        message = self._new(body)
        message.attributes, message.attributes_md5 = attributes, digest
        trace = entry.mapping("MessageSystemAttributes").get("AWSTraceHeader")
        if isinstance(trace, dict):
            message.trace_header = trace.get("StringValue")
        message.group = entry.optional_text("MessageGroupId")
        message.deduplication_id = entry.optional_text("MessageDeduplicationId")
        if queue.attributes.fifo:
            message = self._send_fifo(queue, message, entry)
        else:
            self._send_standard(queue, message, entry)
        return _sent(message)

    def _send_standard(self, queue: Queue, message: Message, entry: Parameters) -> None:
        if message.deduplication_id is not None:
            raise bad_value(
                "MessageDeduplicationId", message.deduplication_id, "The queue is not FIFO."
            )
        delay_s = entry.integer(
            "DelaySeconds", low=0, high=_MAX_DELAY_S, default=queue.attributes.delay_ms // 1_000
        )
        queue.put(message, delay_ms=delay_s * 1_000)
        if self._faults.strikes(self._faults.duplicate):
            twin = self._new(message.body)
            twin.id, twin.sent_at_ms = message.id, message.sent_at_ms
            twin.attributes, twin.attributes_md5 = message.attributes, message.attributes_md5
            queue.put(twin, delay_ms=delay_s * 1_000)

    def _send_fifo(self, queue: Queue, message: Message, entry: Parameters) -> Message:
        """Put a message into a FIFO queue; return it, or the one it repeats."""
        if message.group is None:
            raise missing("MessageGroupId")
        if entry.has("DelaySeconds"):
            raise bad_value(
                "DelaySeconds", "given", "The request includes a parameter not valid for FIFO."
            )
        if message.deduplication_id is None:
            if not queue.attributes.content_deduplication:
                raise bad_value(
                    "MessageDeduplicationId",
                    "",
                    "The queue should either have ContentBasedDeduplication enabled or"
                    " MessageDeduplicationId provided explicitly",
                )
            message.deduplication_id = hashlib.sha256(message.body.encode()).hexdigest()
        key = message.deduplication_id
        if queue.attributes.deduplicate_by_group:
            key = f"{message.group}\n{key}"
        if (earlier := queue.sent_before(key)) is not None:
            return earlier
        message.sequence_number = str(_SEQUENCE_BASE + message.number)
        queue.remember(key, message)
        queue.put(message, delay_ms=queue.attributes.delay_ms)
        return message

    def _new(self, body: str) -> Message:
        return Message(
            number=self._queues.next_number(),
            id=new_message_id(),
            body=body,
            body_md5=md5_hex(body),
            sent_at_ms=self._clock.now_ms(),
        )

    # ── receive ──────────────────────────────────────────────────────────────────────────────────

    def wait_s(self, parameters: Parameters) -> int:
        """Return how long a ReceiveMessage may wait for a first message."""
        default = self.queue(parameters).attributes.wait_s
        return parameters.integer("WaitTimeSeconds", low=0, high=20, default=default)

    def receive(self, parameters: Parameters) -> dict[str, Any]:
        """ReceiveMessage, as far as messages are there now."""
        queue = self.queue(parameters)
        visibility_s = parameters.integer(
            "VisibilityTimeout",
            low=0,
            high=_MAX_VISIBILITY_S,
            default=queue.attributes.visibility_ms // 1_000,
        )
        limit = parameters.integer("MaxNumberOfMessages", low=1, high=_MAX_RECEIVED, default=1)
        system = {
            *parameters.texts("AttributeNames"),
            *parameters.texts("MessageSystemAttributeNames"),
        }
        wanted = parameters.texts("MessageAttributeNames")
        messages = queue.receive(limit, visibility_ms=visibility_s * 1_000, bury=self._queues.bury)
        if not messages:
            return {}
        return {"Messages": [_received(queue, message, system, wanted) for message in messages]}

    # ── settle ───────────────────────────────────────────────────────────────────────────────────

    def delete(self, parameters: Parameters) -> dict[str, Any]:
        """DeleteMessage."""
        return self._delete(self.queue(parameters), parameters)

    def delete_batch(self, parameters: Parameters) -> dict[str, Any]:
        """DeleteMessageBatch."""
        queue, entries = self.queue(parameters), checked_entries(parameters)
        return run_batch(entries, lambda entry: self._delete(queue, entry), fails=self._entry_fails)

    def change_visibility(self, parameters: Parameters) -> dict[str, Any]:
        """ChangeMessageVisibility."""
        return self._change_visibility(self.queue(parameters), parameters)

    def change_visibility_batch(self, parameters: Parameters) -> dict[str, Any]:
        """ChangeMessageVisibilityBatch."""
        queue, entries = self.queue(parameters), checked_entries(parameters)
        return run_batch(
            entries, lambda entry: self._change_visibility(queue, entry), fails=self._entry_fails
        )

    def queue(self, parameters: Parameters) -> Queue:
        """Return the queue that a request names.

        Raises:
            SqsError: It names none, or one that does not exist.
        """
        return self._queues.at(parameters.text("QueueUrl"))

    def _delete(self, queue: Queue, entry: Parameters) -> dict[str, Any]:
        handle = entry.text("ReceiptHandle")
        if not self._faults.strikes(self._faults.drop_delete):
            queue.delete(handle)
        return {}

    def _change_visibility(self, queue: Queue, entry: Parameters) -> dict[str, Any]:
        handle = entry.text("ReceiptHandle")
        if not entry.has("VisibilityTimeout"):
            raise missing("VisibilityTimeout")
        timeout_s = entry.integer("VisibilityTimeout", low=0, high=_MAX_VISIBILITY_S, default=0)
        queue.hide(handle, timeout_s * 1_000)
        return {}

    def _entry_fails(self) -> bool:
        return self._faults.strikes(self._faults.fail_entry)


def _sent(message: Message) -> dict[str, Any]:
    answer = {"MessageId": message.id, "MD5OfMessageBody": message.body_md5}
    if message.attributes_md5 is not None:
        answer["MD5OfMessageAttributes"] = message.attributes_md5
    if message.trace_header is not None:
        header = {"AWSTraceHeader": {"DataType": "String", "StringValue": message.trace_header}}
        answer["MD5OfMessageSystemAttributes"] = attributes_md5(header) or ""
    if message.sequence_number is not None:
        answer["SequenceNumber"] = message.sequence_number
    return answer


def _received(
    queue: Queue, message: Message, system: set[str], wanted: Sequence[str]
) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "MessageId": message.id,
        "ReceiptHandle": queue.handle_of(message),
        "MD5OfBody": message.body_md5,
        "Body": message.body,
    }
    if system:
        shown = _system_attributes(message)
        if "All" not in system:
            shown = {name: value for name, value in shown.items() if name in system}
        if shown:
            answer["Attributes"] = shown
    if wanted and message.attributes:
        chosen = _chosen(message.attributes, wanted)
        if chosen:
            answer["MessageAttributes"] = chosen
            answer["MD5OfMessageAttributes"] = attributes_md5(chosen)
    return answer


def _system_attributes(message: Message) -> dict[str, str]:
    shown = {
        "SenderId": _SENDER,
        "SentTimestamp": str(message.sent_at_ms),
        "ApproximateReceiveCount": str(message.receives),
        "ApproximateFirstReceiveTimestamp": str(message.first_received_at_ms),
    }
    optional = {
        "MessageGroupId": message.group,
        "MessageDeduplicationId": message.deduplication_id,
        "SequenceNumber": message.sequence_number,
        "AWSTraceHeader": message.trace_header,
        "DeadLetterQueueSourceArn": message.dead_letter_source,
    }
    shown.update({name: value for name, value in optional.items() if value is not None})
    return shown


def _chosen(
    attributes: Mapping[str, Mapping[str, Any]], wanted: Sequence[str]
) -> dict[str, Mapping[str, Any]]:
    """Return the message attributes that a receiver asked for by name, prefix or All."""
    if "All" in wanted or ".*" in wanted:
        return dict(attributes)
    prefixes = tuple(name[:-1] for name in wanted if name.endswith(".*"))
    return {
        name: value
        for name, value in attributes.items()
        if name in wanted or (prefixes and name.startswith(prefixes))
    }
