"""A standard SQS queue: batches, short retries, and faults in the engine's words.

It decides how calls are cut into batches, what is tried again inside one call, and what a failed
entry means. How a request travels is the transport's; how long to wait after a fault that
lasts, the caller's. Limits are those of "Amazon SQS message quotas".
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from gateway.aws.address import QueueAddress
from gateway.aws.faults import GONE_CODES, CallError, bare_code, no_answer
from gateway.aws.queue import Message
from gateway.clock import Clock
from gateway.errors import InvalidInputError, QueueUnavailableError

BATCH_ENTRIES: Final = 10
BATCH_BYTES: Final = 256 * 1024
BATCHES_AT_ONCE: Final = 10
RETRY_DELAYS_S: Final = (0.1, 0.4)
ANSWER_WITHIN_S: Final = 10.0
"""Time for an answer beyond the wait that a receive asks for."""

_SYSTEM_ATTRIBUTES: Final = ("ApproximateReceiveCount", "SentTimestamp")

_Entry = tuple[str, Mapping[str, Any]]
_Entries = Sequence[_Entry]


class Transport(Protocol):
    """Sends one request to SQS and gives the answer back."""

    async def call(self, operation: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make one attempt at an action, in the names of SQS's JSON protocol.

        It may take as long as it likes: the queue sets the limit and cancels it.

        Raises:
            CallError: The request failed.
        """
        ...

    async def aclose(self) -> None:
        """Close the connections it opened."""
        ...


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why an entry of a batch was not done."""

    code: str
    ours: bool
    text: str


class SqsQueue:
    """A `MessageQueue` on SQS."""

    def __init__(self, address: QueueAddress, transport: Transport, clock: Clock) -> None:
        self._address = address
        self._transport = transport
        self._clock = clock

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
        answer = await self._call("ReceiveMessage", parameters, within_s=wait_s + ANSWER_WITHIN_S)
        try:
            return [_message(raw) for raw in answer.get("Messages") or ()]
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            fault = CallError(f"a received message lacks or garbles {exc}", reason="other")
            raise self._unavailable(fault) from exc

    async def delete(self, handles: Sequence[str]) -> Sequence[str]:
        """See `MessageQueue`."""
        failures = await self._apply("DeleteMessageBatch", _by_handle(handles))
        return [handle for handle, failure in failures if failure.code not in GONE_CODES]

    async def extend(self, handles: Sequence[str], visibility_s: int) -> Sequence[str]:
        """See `MessageQueue`."""
        entries = _by_handle(handles, VisibilityTimeout=visibility_s)
        failures = await self._apply("ChangeMessageVisibilityBatch", entries)
        return [handle for handle, _ in failures]

    async def send(self, bodies: Sequence[str]) -> None:
        """See `MessageQueue`."""
        entries = [(str(at), {"MessageBody": body}) for at, body in enumerate(bodies)]
        failures = await self._apply("SendMessageBatch", entries)
        if not failures:
            return
        first = failures[0][1]
        what = f"{len(failures)} of {len(bodies)} messages were not taken in: {first.code}"
        if any(failure.ours for _, failure in failures):
            raise InvalidInputError(f"SQS queue {self._address.url}: {what}: {first.text}")
        raise self._unavailable(CallError(what, reason="other"))

    async def attributes(self) -> Mapping[str, str]:
        """See `MessageQueue`."""
        parameters = {"QueueUrl": self._address.url, "AttributeNames": ["All"]}
        answer = await self._call("GetQueueAttributes", parameters)
        return dict(answer.get("Attributes") or {})

    async def aclose(self) -> None:
        """See `MessageQueue`."""
        await self._transport.aclose()

    async def _apply(self, operation: str, entries: _Entries) -> Sequence[tuple[str, _Failure]]:
        """Run an action on all entries, some batches at once; return those that failed, by key."""
        batches = list(_batches(entries))
        if len(batches) == 1:
            return await self._batch(operation, batches[0])
        failures: list[tuple[str, _Failure]] = []
        for at in range(0, len(batches), BATCHES_AT_ONCE):
            wave = batches[at : at + BATCHES_AT_ONCE]
            outcomes = await asyncio.gather(
                *(self._batch(operation, batch) for batch in wave), return_exceptions=True
            )
            for outcome in outcomes:
                if isinstance(outcome, BaseException):
                    raise outcome
                failures.extend(outcome)
        return failures

    async def _batch(self, operation: str, batch: _Entries) -> list[tuple[str, _Failure]]:
        """Run one batch; try failed entries again where it isn't the entry's own fault."""
        final: list[tuple[str, _Failure]] = []
        for delay_s in (*RETRY_DELAYS_S, None):
            failures = await self._batch_once(operation, batch)
            final += [(key, failure) for (key, _), failure in failures if failure.ours]
            again = [(entry, failure) for entry, failure in failures if not failure.ours]
            if not again:
                break
            if delay_s is None:
                return final + [(key, failure) for (key, _), failure in again]
            batch = [entry for entry, _ in again]
            await self._clock.sleep(delay_s)
        return final

    async def _batch_once(self, operation: str, batch: _Entries) -> list[tuple[_Entry, _Failure]]:
        """Send one batch; an entry that the answer doesn't call successful has failed."""
        answer = await self._call(
            operation,
            {
                "QueueUrl": self._address.url,
                "Entries": [{"Id": str(at), **entry} for at, (_, entry) in enumerate(batch)],
            },
        )
        done = {raw.get("Id") for raw in answer.get("Successful") or ()}
        if len(done) == len(batch):
            return []
        failed = {raw.get("Id"): raw for raw in answer.get("Failed") or ()}
        return [
            (entry, _failure(failed.get(str(at), {})))
            for at, entry in enumerate(batch)
            if str(at) not in done
        ]

    async def _call(
        self, operation: str, parameters: Mapping[str, Any], within_s: float = ANSWER_WITHIN_S
    ) -> Mapping[str, Any]:
        """Make a call, with short retries where they may help; a time-out is never retried.

        Raises:
            QueueUnavailableError: It failed; the cause is what the transport met.
        """
        fault: CallError
        for delay_s in (*RETRY_DELAYS_S, None):
            try:
                async with asyncio.timeout(within_s):
                    return await self._transport.call(operation, parameters)
            except TimeoutError as exc:
                late = TimeoutError(f"{operation} took longer than {within_s:g} s")
                raise self._unavailable(no_answer(late)) from exc
            except CallError as exc:
                fault = exc
            if delay_s is None or not fault.retryable:
                break
            await self._clock.sleep(delay_s)
        raise self._unavailable(fault) from (fault.__cause__ or fault)

    def _unavailable(self, fault: CallError) -> QueueUnavailableError:
        return QueueUnavailableError(
            f"SQS queue {self._address.url}: {fault}; {fault.mend}", reason=fault.reason
        )


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


def _failure(raw: Mapping[str, Any]) -> _Failure:
    code = bare_code(raw.get("Code"))
    ours = bool(raw.get("SenderFault")) or code in GONE_CODES
    return _Failure(code or "no outcome given", ours, str(raw.get("Message") or ""))


def _by_handle(handles: Iterable[str], **more: Any) -> _Entries:
    return [(handle, {"ReceiptHandle": handle, **more}) for handle in dict.fromkeys(handles)]


def _batches(entries: _Entries) -> Iterator[_Entries]:
    """Cut entries into batches of at most 10, and of the bytes that one request may hold."""
    batch: list[_Entry] = []
    size = 0
    for entry in entries:
        body = entry[1].get("MessageBody")
        weight = len(body.encode()) if body is not None else 0
        if batch and (len(batch) == BATCH_ENTRIES or size + weight > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += weight
    if batch:
        yield batch
