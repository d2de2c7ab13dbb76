"""A standard SQS queue, in the engine's words.

It decides what is asked of SQS and what an answer means; batches and short retries are those of
`SqsCalls`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from gateway.aws.address import QueueAddress
from gateway.aws.calls import ANSWER_WITHIN_S, SqsCalls, Transport, by_handle
from gateway.aws.faults import GONE_CODES, CallError
from gateway.aws.queue import Message
from gateway.clock import Clock
from gateway.errors import InvalidInputError

_SYSTEM_ATTRIBUTES: Final = ("ApproximateReceiveCount", "SentTimestamp")


class SqsQueue:
    """A `MessageQueue` on SQS."""

    def __init__(self, address: QueueAddress, transport: Transport, clock: Clock) -> None:
        self._address = address
        self._transport = transport
        self._calls = SqsCalls(address.url, transport, clock)

    async def receive(
        self, max_messages: int = 10, wait_s: int = 20, visibility_s: int | None = None
    ) -> Sequence[Message]:
        """See `MessageQueue`."""
        parameters: dict[str, Any] = {
            "QueueUrl": self._address.url,
            "MaxNumberOfMessages": max_messages,
            "WaitTimeSeconds": wait_s,
            "MessageSystemAttributeNames": _SYSTEM_ATTRIBUTES,
        }
        if visibility_s is not None:
            parameters["VisibilityTimeout"] = visibility_s
        answer = await self._calls.call(
            "ReceiveMessage", parameters, within_s=wait_s + ANSWER_WITHIN_S
        )
        try:
            return [_message(raw) for raw in answer.get("Messages") or ()]
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            fault = CallError(f"a received message lacks or garbles {exc}", reason="other")
            raise self._calls.unavailable(fault) from exc

    async def delete(self, handles: Sequence[str]) -> Sequence[str]:
        """See `MessageQueue`."""
        failures = await self._calls.apply("DeleteMessageBatch", by_handle(handles))
        return [handle for handle, failure in failures if failure.code not in GONE_CODES]

    async def extend(self, handles: Sequence[str], visibility_s: int) -> Sequence[str]:
        """See `MessageQueue`."""
        entries = by_handle(handles, VisibilityTimeout=visibility_s)
        failures = await self._calls.apply("ChangeMessageVisibilityBatch", entries)
        return [handle for handle, _ in failures]

    async def send(self, bodies: Sequence[str]) -> None:
        """See `MessageQueue`."""
        entries = [(str(at), {"MessageBody": body}) for at, body in enumerate(bodies)]
        failures = await self._calls.apply("SendMessageBatch", entries)
        if not failures:
            return
        first = failures[0][1]
        what = f"{len(failures)} of {len(bodies)} messages were not taken in: {first.code}"
        if any(failure.ours for _, failure in failures):
            raise InvalidInputError(f"SQS queue {self._address.url}: {what}: {first.text}")
        raise self._calls.unavailable(CallError(what, reason="other"))

    async def attributes(self) -> Mapping[str, str]:
        """See `MessageQueue`."""
        parameters = {"QueueUrl": self._address.url, "AttributeNames": ["All"]}
        answer = await self._calls.call("GetQueueAttributes", parameters)
        return dict(answer.get("Attributes") or {})

    async def aclose(self) -> None:
        """See `MessageQueue`."""
        await self._transport.aclose()


def _message(raw: Mapping[str, Any]) -> Message:
    attributes = raw.get("Attributes") or {}
    sent = attributes.get("SentTimestamp")
    return Message(
        raw["MessageId"],
        raw["ReceiptHandle"],
        raw["Body"],
        int(attributes.get("ApproximateReceiveCount", 1)),
        int(sent) if sent is not None else None,
    )
