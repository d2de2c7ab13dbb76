"""Whole messages on any queue, and the questions beside them, over a transport that does as told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from gateway.aws.account import SqsAccount
from gateway.aws.address import read_address
from gateway.aws.calls import SqsCalls
from gateway.aws.faults import CallError, refusal
from gateway.aws.letters import Letter, LetterQueue
from gateway.errors import InvalidInputError, NotFoundError, QueueUnavailableError
from tests.unit.aws.test_sqs_queue import ScriptedTransport, SleeplessClock

STANDARD = "https://sqs.eu-west-1.amazonaws.com/123456789012/dead"
FIFO = f"{STANDARD}.fifo"
Script = Callable[[int, Mapping[str, Any]], Mapping[str, Any] | CallError]


def queue_of(url: str, script: Script) -> tuple[LetterQueue, ScriptedTransport]:
    transport, clock = ScriptedTransport(script), SleeplessClock()
    return LetterQueue(read_address(url, fifo=True), SqsCalls(url, transport, clock)), transport


def account_of(script: Script) -> tuple[SqsAccount, ScriptedTransport]:
    transport = ScriptedTransport(script)
    return SqsAccount(read_address(STANDARD), transport, SleeplessClock()), transport


def letter(number: int, group: str | None = None, **members: Any) -> Letter:
    return Letter(
        id=f"m{number}", receipt_handle=f"h{number}", body=f"b{number}", group_id=group, **members
    )


def takes_all_but(*bodies: str) -> Script:
    def script(_: int, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        taken = [e for e in parameters["Entries"] if e["MessageBody"] not in bodies]
        return {
            "Successful": [{"Id": e["Id"], "MessageId": f"new {e['MessageBody']}"} for e in taken],
            "Failed": [
                {
                    "Id": e["Id"],
                    "Code": "InvalidMessageContents",
                    "SenderFault": True,
                    "Message": "x",
                }
                for e in parameters["Entries"]
                if e not in taken
            ],
        }

    return script


# ── a queue ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_message_is_read_whole() -> None:
    raw = {
        "MessageId": "m1",
        "ReceiptHandle": "h1",
        "Body": "b1",
        "Attributes": {
            "ApproximateReceiveCount": "4",
            "SentTimestamp": "1700000000000",
            "MessageGroupId": "g",
            "DeadLetterQueueSourceArn": "arn:aws:sqs:eu-west-1:123456789012:orders",
            "AWSTraceHeader": "Root=1",
        },
        "MessageAttributes": {"a": {"DataType": "String", "StringValue": "x"}},
    }
    queue, transport = queue_of(FIFO, lambda *_: {"Messages": [raw]})
    [found] = await queue.receive(10, wait_s=1, visibility_s=60)
    assert found == Letter(
        id="m1",
        receipt_handle="h1",
        body="b1",
        receive_count=4,
        sent_at_ms=1_700_000_000_000,
        attributes=raw["MessageAttributes"],
        group_id="g",
        source_arn="arn:aws:sqs:eu-west-1:123456789012:orders",
        trace="Root=1",
    )
    [(operation, parameters)] = transport.calls
    assert (operation, parameters["VisibilityTimeout"]) == ("ReceiveMessage", 60)


async def test_a_garbled_message_is_a_fault_of_the_queue() -> None:
    queue, _ = queue_of(STANDARD, lambda *_: {"Messages": [{"MessageId": "m1"}]})
    with pytest.raises(QueueUnavailableError, match="ReceiptHandle"):
        await queue.receive(10, wait_s=1, visibility_s=60)


async def test_a_letter_is_sent_with_all_that_belongs_to_it() -> None:
    queue, transport = queue_of(STANDARD, takes_all_but())
    attributes = {
        "a": {"DataType": "String", "StringValue": "x", "StringListValues": []},
        "b": {"DataType": "Binary", "BinaryValue": "AP8="},
    }
    sent = await queue.send([letter(1, attributes=attributes, trace="Root=1")])
    assert sent.ids == {"m1": "new b1"}
    [(_, parameters)] = transport.calls
    assert parameters["Entries"] == [
        {
            "Id": "0",
            "MessageBody": "b1",
            "MessageAttributes": {
                "a": {"DataType": "String", "StringValue": "x"},
                "b": {"DataType": "Binary", "BinaryValue": "AP8="},
            },
            "MessageSystemAttributes": {
                "AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1"}
            },
        }
    ]


async def test_a_fifo_queue_gets_one_of_a_group_at_a_time_under_an_id_of_the_letter() -> None:
    queue, transport = queue_of(FIFO, takes_all_but())
    await queue.send([letter(1, "g"), letter(2, "g"), letter(3, "h"), letter(4)])
    sends = [
        [(e["MessageBody"], e["MessageGroupId"], e["MessageDeduplicationId"]) for e in p["Entries"]]
        for _, p in transport.calls
    ]
    assert sends == [
        [("b1", "g", "redrive-m1"), ("b3", "h", "redrive-m3"), ("b4", "m4", "redrive-m4")],
        [("b2", "g", "redrive-m2")],
    ]


async def test_nothing_overtakes_a_refused_letter_of_its_group() -> None:
    queue, _ = queue_of(FIFO, takes_all_but("b1"))
    sent = await queue.send([letter(1, "g"), letter(2, "g"), letter(3, "h"), letter(4, "h")])
    assert set(sent.ids) == {"m3", "m4"}
    assert sent.refused == {"m1": "InvalidMessageContents: x"}


async def test_what_was_taken_in_before_a_fault_is_not_forgotten_by_the_batch() -> None:
    queue, _ = queue_of(STANDARD, takes_all_but("b3"))
    sent = await queue.send([letter(number) for number in range(25)])
    assert len(sent.ids) == 24
    assert set(sent.refused) == {"m3"}


@pytest.mark.parametrize(("url", "left"), [(STANDARD, set()), (FIFO, {"m1"})])
async def test_an_expired_handle_deletes_nothing_on_a_fifo_queue(url: str, left: set[str]) -> None:
    def script(_: int, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        failed = {"Id": "0", "Code": "ReceiptHandleIsInvalid", "SenderFault": True}
        return {"Successful": [{"Id": "1"}], "Failed": [failed]}

    queue, _ = queue_of(url, script)
    assert await queue.delete([letter(1), letter(2)]) == left


async def test_facts_tell_counts_and_the_queues_own_policy() -> None:
    answer = {
        "Attributes": {
            "QueueArn": "arn:x",
            "ApproximateNumberOfMessages": "3",
            "ApproximateNumberOfMessagesNotVisible": "2",
            "ApproximateNumberOfMessagesDelayed": "1",
            "MessageRetentionPeriod": "1209600",
            "RedrivePolicy": '{"deadLetterTargetArn":"arn:y","maxReceiveCount":"5"}',
        }
    }
    facts = await queue_of(STANDARD, lambda *_: answer)[0].facts()
    assert (facts.messages, facts.dead_letter_arn, facts.max_receives) == (6, "arn:y", 5)


# ── an account ───────────────────────────────────────────────────────────────────────────────────


async def test_sources_come_in_pages() -> None:
    def script(_: int, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        if "NextToken" in parameters:
            return {"queueUrls": ["b"]}
        return {"queueUrls": ["a"], "NextToken": "t"}

    account, _ = account_of(script)
    assert list(await account.sources_of(STANDARD)) == ["a", "b"]


async def test_a_server_without_the_question_is_asked_for_each_policy() -> None:
    other = STANDARD.replace("dead", "orders")

    def script(number: int, parameters: Mapping[str, Any]) -> Mapping[str, Any] | CallError:
        if number == 1:
            return refusal(400, "InvalidAction", "no")
        if "QueueUrl" not in parameters:
            return {"QueueUrls": [STANDARD, other]}
        if parameters["QueueUrl"] == STANDARD:
            return {"Attributes": {"QueueArn": "arn:dead"}}
        policy = '{"deadLetterTargetArn":"arn:dead","maxReceiveCount":1}'
        return {"Attributes": {"QueueArn": "arn:orders", "RedrivePolicy": policy}}

    account, _ = account_of(script)
    assert list(await account.sources_of(STANDARD)) == [other]


async def test_another_refusal_is_no_missing_question() -> None:
    account, _ = account_of(lambda *_: refusal(403, "AccessDenied", "no"))
    with pytest.raises(QueueUnavailableError) as caught:
        await account.sources_of(STANDARD)
    assert caught.value.reason == "denied"


async def test_a_name_that_no_queue_has_is_told() -> None:
    account, _ = account_of(lambda *_: refusal(400, "QueueDoesNotExist", "no"))
    with pytest.raises(NotFoundError, match="nowhere"):
        await account.url_of("nowhere")


async def test_a_queue_of_another_region_is_refused() -> None:
    account, _ = account_of(lambda *_: {})
    with pytest.raises(InvalidInputError, match="us-east-1"):
        account.queue(STANDARD.replace("eu-west-1", "us-east-1"))
