"""Batches, short retries and failed entries, over a transport that does as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from gateway.aws.address import read_address
from gateway.aws.calls import BATCH_BYTES, RETRY_DELAYS_S
from gateway.aws.faults import CallError, refusal
from gateway.aws.sqs import SqsQueue
from gateway.errors import InvalidInputError, QueueUnavailableError

ADDRESS = read_address("https://sqs.eu-west-1.amazonaws.com/123456789012/orders")
Answer = Mapping[str, Any] | CallError
THROTTLED = refusal(400, "RequestThrottled", "slow down")


class SleeplessClock:
    def __init__(self) -> None:
        self.slept: list[float] = []

    def now_ms(self) -> int:
        return 0

    def monotonic_s(self) -> float:
        return 0.0

    async def sleep(self, delay_s: float) -> None:
        self.slept.append(delay_s)


class ScriptedTransport:
    """Answers calls from a function of (number of the call, parameters)."""

    def __init__(self, script: Callable[[int, Mapping[str, Any]], Answer]) -> None:
        self.calls: list[tuple[str, Mapping[str, Any]]] = []
        self.closed = False
        self._script = script

    async def call(self, operation: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        self.calls.append((operation, parameters))
        answer = self._script(len(self.calls), parameters)
        if isinstance(answer, CallError):
            raise answer
        return answer

    async def aclose(self) -> None:
        self.closed = True


def all_done(_: int, parameters: Mapping[str, Any]) -> Answer:
    return {"Successful": [{"Id": entry["Id"]} for entry in parameters["Entries"]]}


def queue_of(script) -> tuple[SqsQueue, ScriptedTransport, SleeplessClock]:
    transport, clock = ScriptedTransport(script), SleeplessClock()
    return SqsQueue(ADDRESS, transport, clock), transport, clock


def failing(code: str, handles: set[str], *, sender: bool, calls: int = 99):
    """Fail entries of these handles in the first `calls` calls."""

    def script(number: int, parameters: Mapping[str, Any]) -> Answer:
        bad = [
            entry
            for entry in parameters["Entries"]
            if number <= calls and entry["ReceiptHandle"] in handles
        ]
        return {
            "Successful": [{"Id": e["Id"]} for e in parameters["Entries"] if e not in bad],
            "Failed": [{"Id": e["Id"], "Code": code, "SenderFault": sender} for e in bad],
        }

    return script


async def test_delete_cuts_batches_of_ten_and_each_handle_once() -> None:
    queue, transport, _ = queue_of(all_done)
    handles = [f"h{number}" for number in range(23)]
    assert not await queue.delete([*handles, "h0"])
    sizes = [len(parameters["Entries"]) for _, parameters in transport.calls]
    sent = [e["ReceiptHandle"] for _, parameters in transport.calls for e in parameters["Entries"]]
    assert sizes == [10, 10, 3]
    assert sent == handles
    for _, parameters in transport.calls:
        assert len({entry["Id"] for entry in parameters["Entries"]}) == len(parameters["Entries"])


async def test_only_failed_entries_are_tried_again() -> None:
    queue, transport, clock = queue_of(
        failing("InternalError", {"h3", "h7"}, sender=False, calls=1)
    )
    assert not await queue.delete([f"h{number}" for number in range(10)])
    again = [entry["ReceiptHandle"] for entry in transport.calls[1][1]["Entries"]]
    assert again == ["h3", "h7"]
    assert clock.slept == [RETRY_DELAYS_S[0]]


async def test_entries_that_keep_failing_are_returned() -> None:
    queue, transport, clock = queue_of(failing("InternalError", {"h3", "h17"}, sender=False))
    assert sorted(await queue.delete([f"h{number}" for number in range(20)])) == ["h17", "h3"]
    assert len(transport.calls) == 2 * (1 + len(RETRY_DELAYS_S))
    assert len(clock.slept) == 2 * len(RETRY_DELAYS_S)


async def test_entries_without_an_outcome_have_failed() -> None:
    queue, transport, _ = queue_of(lambda *_: {})
    assert list(await queue.delete(["h1"])) == ["h1"]
    assert len(transport.calls) == 1 + len(RETRY_DELAYS_S)


@pytest.mark.parametrize("code", ["ReceiptHandleIsInvalid", "InvalidParameterValue"])
async def test_an_expired_handle_is_deleted_but_not_extended(code) -> None:
    queue, transport, _ = queue_of(failing(code, {"old"}, sender=True))
    assert not await queue.delete(["old", "new"])
    assert list(await queue.extend(["old", "new"], 60)) == ["old"]
    assert len(transport.calls) == 2
    assert transport.calls[1][1]["Entries"][1]["VisibilityTimeout"] == 60


async def test_an_entry_refused_for_its_own_fault_is_not_tried_again() -> None:
    queue, transport, _ = queue_of(failing("Odd", {"h1"}, sender=True))
    assert list(await queue.delete(["h1", "h2"])) == ["h1"]
    assert len(transport.calls) == 1


async def test_a_failing_batch_lets_the_others_end_and_raises() -> None:
    def script(_: int, parameters: Mapping[str, Any]) -> Answer:
        if parameters["Entries"][0]["ReceiptHandle"] == "h0":
            return refusal(403, "AccessDenied", "no")
        return all_done(0, parameters)

    queue, transport, _ = queue_of(script)
    with pytest.raises(QueueUnavailableError) as caught:
        await queue.delete([f"h{number}" for number in range(30)])
    assert caught.value.reason == "denied"
    assert len(transport.calls) == 3


async def test_throttling_is_retried_shortly_then_raised() -> None:
    queue, transport, clock = queue_of(lambda *_: THROTTLED)
    with pytest.raises(QueueUnavailableError) as caught:
        await queue.receive()
    assert caught.value.reason == "throttled"
    assert caught.value.__cause__ is THROTTLED
    assert ADDRESS.url in str(caught.value)
    assert clock.slept == list(RETRY_DELAYS_S)
    assert len(transport.calls) == 1 + len(RETRY_DELAYS_S)


async def test_a_retry_that_succeeds_is_silent() -> None:
    queue, _, clock = queue_of(lambda number, _: THROTTLED if number == 1 else {"Messages": []})
    assert not await queue.receive()
    assert len(clock.slept) == 1


async def test_what_a_retry_cannot_mend_is_raised_at_once() -> None:
    queue, transport, _ = queue_of(lambda *_: refusal(400, "QueueDoesNotExist", "gone"))
    with pytest.raises(QueueUnavailableError):
        await queue.attributes()
    assert len(transport.calls) == 1


async def test_a_call_without_an_answer_ends(monkeypatch) -> None:
    monkeypatch.setattr("gateway.aws.calls.ANSWER_WITHIN_S", 0.01)

    class Silent(ScriptedTransport):
        async def call(self, operation: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
            self.calls.append((operation, parameters))
            return await asyncio.Future()

    transport = Silent(all_done)
    queue = SqsQueue(ADDRESS, transport, SleeplessClock())
    with pytest.raises(QueueUnavailableError, match="ReceiveMessage took longer") as caught:
        await queue.receive(10, 0)
    assert caught.value.reason == "network"
    assert len(transport.calls) == 1


async def test_receive_asks_for_what_a_message_tells() -> None:
    raw = {
        "MessageId": "m1",
        "ReceiptHandle": "h1",
        "Body": "text",
        "Attributes": {"ApproximateReceiveCount": "3", "SentTimestamp": "1700000000123"},
    }
    queue, transport, _ = queue_of(lambda *_: {"Messages": [raw, {**raw, "Attributes": {}}]})
    first, second = await queue.receive(5, 7, 120)
    assert (first.id, first.receipt_handle, first.body) == ("m1", "h1", "text")
    assert (first.receive_count, first.sent_at_ms) == (3, 1_700_000_000_123)
    assert (second.receive_count, second.sent_at_ms) == (1, None)
    parameters = transport.calls[0][1]
    assert parameters["MaxNumberOfMessages"] == 5
    assert parameters["WaitTimeSeconds"] == 7
    assert parameters["VisibilityTimeout"] == 120
    assert "text" not in repr(first)


@pytest.mark.parametrize("raw", [{}, {"MessageId": "m", "ReceiptHandle": "h"}, "text", None])
async def test_garbled_messages_are_an_unavailable_queue(raw) -> None:
    queue, _, _ = queue_of(lambda *_: {"Messages": [raw]})
    with pytest.raises(QueueUnavailableError):
        await queue.receive()


async def test_send_keeps_requests_below_the_byte_limit() -> None:
    queue, transport, _ = queue_of(all_done)
    await queue.send(["é" * (BATCH_BYTES // 5)] * 5 + ["x" * (BATCH_BYTES * 2)] + ["small"] * 12)
    sizes = [len(parameters["Entries"]) for _, parameters in transport.calls]
    assert sizes == [2, 2, 1, 1, 10, 2]


def send_failure(code: str, *, sender: bool):
    return lambda *_: {"Failed": [{"Id": "0", "Code": code, "SenderFault": sender, "Message": "m"}]}


async def test_send_tells_a_refused_body_from_a_queue_in_trouble() -> None:
    queue, _, _ = queue_of(send_failure("InvalidMessageContents", sender=True))
    with pytest.raises(InvalidInputError, match="InvalidMessageContents"):
        await queue.send(["\x00"])
    queue, _, _ = queue_of(send_failure("InternalError", sender=False))
    with pytest.raises(QueueUnavailableError, match="1 of 1"):
        await queue.send(["text"])


async def test_closing_the_queue_closes_its_transport() -> None:
    queue, transport, _ = queue_of(all_done)
    await queue.aclose()
    assert transport.closed
