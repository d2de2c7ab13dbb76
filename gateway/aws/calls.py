"""Calls to SQS with short retries, and batches of any number of entries.

It decides how calls are cut into batches, what is tried again inside one call, and what a failed
entry means. How a request travels is the transport's; how long to wait after a fault that
lasts, the caller's. Limits are those of "Amazon SQS message quotas".
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import orjson

from gateway.aws.faults import GONE_CODES, CallError, bare_code, no_answer
from gateway.clock import Clock
from gateway.errors import QueueUnavailableError

BATCH_ENTRIES: Final = 10
BATCH_BYTES: Final = 256 * 1024
BATCHES_AT_ONCE: Final = 10
RETRY_DELAYS_S: Final = (0.1, 0.4)
ANSWER_WITHIN_S: Final = 10.0
"""Time for an answer beyond the wait that a receive asks for."""

Entry = tuple[str, Mapping[str, Any]]
"""A key of the caller's, and the members of a batch's entry beside its `Id`."""

Done = Callable[[str, Mapping[str, Any]], None]


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
class Failure:
    """Why an entry of a batch was not done."""

    code: str
    ours: bool
    text: str


class SqsCalls:
    """Makes calls about one queue; its errors name the queue."""

    def __init__(self, url: str, transport: Transport, clock: Clock) -> None:
        self._url = url
        self._transport = transport
        self._clock = clock

    async def apply(
        self, operation: str, entries: Sequence[Entry], done: Done = lambda _key, _answer: None
    ) -> Sequence[tuple[str, Failure]]:
        """Run an action on all entries, some batches at once; return those that failed, by key.

        Args:
            operation: An action on a batch.
            entries: Any number of them.
            done: Told of each entry that was done, with SQS's answer to it, as it is known; so
                what was done before an error is known too.

        Raises:
            QueueUnavailableError: A whole batch failed; others may have been done.
        """
        batches = list(_batches(entries))
        if len(batches) == 1:
            return await self._batch(operation, batches[0], done)
        failures: list[tuple[str, Failure]] = []
        for at in range(0, len(batches), BATCHES_AT_ONCE):
            wave = batches[at : at + BATCHES_AT_ONCE]
            outcomes = await asyncio.gather(
                *(self._batch(operation, batch, done) for batch in wave), return_exceptions=True
            )
            for outcome in outcomes:
                if isinstance(outcome, BaseException):
                    raise outcome
                failures.extend(outcome)
        return failures

    async def _batch(
        self, operation: str, batch: Sequence[Entry], done: Done
    ) -> list[tuple[str, Failure]]:
        """Run one batch; try failed entries again where it isn't the entry's own fault."""
        final: list[tuple[str, Failure]] = []
        for delay_s in (*RETRY_DELAYS_S, None):
            failures = await self._batch_once(operation, batch, done)
            final += [(key, failure) for (key, _), failure in failures if failure.ours]
            again = [(entry, failure) for entry, failure in failures if not failure.ours]
            if not again:
                break
            if delay_s is None:
                return final + [(key, failure) for (key, _), failure in again]
            batch = [entry for entry, _ in again]
            await self._clock.sleep(delay_s)
        return final

    async def _batch_once(
        self, operation: str, batch: Sequence[Entry], done: Done
    ) -> list[tuple[Entry, Failure]]:
        """Send one batch; an entry that the answer doesn't call successful has failed."""
        answer = await self.call(
            operation,
            {
                "QueueUrl": self._url,
                "Entries": [{"Id": str(at), **entry} for at, (_, entry) in enumerate(batch)],
            },
        )
        answered = {str(raw.get("Id")): raw for raw in answer.get("Successful") or ()}
        for at, (key, _) in enumerate(batch):
            if str(at) in answered:
                done(key, answered[str(at)])
        if len(answered) == len(batch):
            return []
        failed = {raw.get("Id"): raw for raw in answer.get("Failed") or ()}
        return [
            (entry, _failure(failed.get(str(at), {})))
            for at, entry in enumerate(batch)
            if str(at) not in answered
        ]

    async def call(
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
                raise self.unavailable(no_answer(late)) from exc
            except CallError as exc:
                fault = exc
            if delay_s is None or not fault.retryable:
                break
            await self._clock.sleep(delay_s)
        raise self.unavailable(fault) from (fault.__cause__ or fault)

    def unavailable(self, fault: CallError) -> QueueUnavailableError:
        """Return a fault in the engine's words."""
        return QueueUnavailableError(
            f"SQS queue {self._url}: {fault}; {fault.mend}", reason=fault.reason
        )


def _failure(raw: Mapping[str, Any]) -> Failure:
    code = bare_code(raw.get("Code"))
    ours = bool(raw.get("SenderFault")) or code in GONE_CODES
    return Failure(code or "no outcome given", ours, str(raw.get("Message") or ""))


def by_handle(handles: Iterable[str], **more: Any) -> Sequence[Entry]:
    """Return an entry for each receipt handle, once, with `more` beside it."""
    return [(handle, {"ReceiptHandle": handle, **more}) for handle in dict.fromkeys(handles)]


def _batches(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """Cut entries into batches of at most 10, and of the bytes that one request may hold."""
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        weight = _weight(entry[1])
        if batch and (len(batch) == BATCH_ENTRIES or size + weight > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += weight
    if batch:
        yield batch


def _weight(entry: Mapping[str, Any]) -> int:
    """Return the bytes that count for the size of a batch: the body's and the attributes'."""
    body = entry.get("MessageBody")
    if body is None:
        return 0
    attributes = entry.get("MessageAttributes")
    return len(body.encode()) + (len(orjson.dumps(attributes)) if attributes else 0)
