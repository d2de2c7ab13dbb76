"""Operations of the local SQS without HTTP: batches, FIFO, dead letters, moves, faults."""

import asyncio
from random import Random
from typing import Any

import pytest

from gateway.errors import InvalidInputError
from gateway.simulator.sqs.errors import SqsError
from gateway.simulator.sqs.faults import SqsFaults
from gateway.simulator.sqs.parameters import Parameters
from gateway.simulator.sqs.service import LocalSqs
from tests.support.clock import FakeClock

BASE = "http://sqs"
ARN = "arn:aws:sqs:us-east-1:000000000000:"


class Sqs:
    """The local SQS with a short way to call it."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.faults = SqsFaults(random=Random(1))
        self.local = LocalSqs(faults=self.faults, clock=self.clock)

    async def __call__(self, operation: str, queue: str | None = None, **fields: Any) -> Any:
        if queue is not None:
            fields["QueueUrl"] = f"{BASE}/000000000000/{queue}"
        return await self.local.run(operation, Parameters(fields), BASE)

    async def bodies(self, queue: str, **fields: Any) -> list[str]:
        answer = await self("ReceiveMessage", queue, MaxNumberOfMessages=10, **fields)
        return [message["Body"] for message in answer.get("Messages", [])]

    async def count(self, queue: str) -> int:
        answer = await self("GetQueueAttributes", queue, AttributeNames=["All"])
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])


@pytest.fixture
def sqs() -> Sqs:
    made = Sqs()
    made.local.queues.create("a")
    return made


async def _refused(sqs: Sqs, operation: str, queue: str | None = None, **fields: Any) -> SqsError:
    with pytest.raises(SqsError) as raised:
        await sqs(operation, queue, **fields)
    return raised.value


async def test_creating_again_is_harmless_unless_something_differs(sqs):
    url = (await sqs("CreateQueue", QueueName="b", Attributes={"DelaySeconds": "3"}))["QueueUrl"]
    assert url == f"{BASE}/000000000000/b"
    assert (await sqs("CreateQueue", QueueName="b"))["QueueUrl"] == url
    error = await _refused(sqs, "CreateQueue", QueueName="b", Attributes={"DelaySeconds": "4"})
    assert (error.shape, error.legacy_code) == ("QueueNameExists", "QueueAlreadyExists")


@pytest.mark.parametrize("name", ["", "a b", "x" * 81, "x.fifo.fifo", ".fifo", "é"])
async def test_a_bad_name_is_refused(sqs, name):
    error = await _refused(sqs, "CreateQueue", QueueName=name)
    assert error.legacy_code == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("attributes", "shape"),
    [
        ({"Nonsense": "1"}, "InvalidAttributeName"),
        ({"VisibilityTimeout": "43201"}, "InvalidAttributeValue"),
        ({"VisibilityTimeout": "-1"}, "InvalidAttributeValue"),
        ({"Policy": "{"}, "InvalidAttributeValue"),
        ({"RedrivePolicy": '{"maxReceiveCount": 3}'}, "InvalidAttributeValue"),
        ({"FifoQueue": "true"}, "InvalidAttributeValue"),
        ({"ContentBasedDeduplication": "yes"}, "InvalidAttributeValue"),
        ({"DeduplicationScope": "world"}, "InvalidAttributeValue"),
        (
            {"RedrivePolicy": f'{{"deadLetterTargetArn": "{ARN}no", "maxReceiveCount": 3}}'},
            "InvalidParameterValueException",
        ),
    ],
)
async def test_bad_attributes_are_refused(sqs, attributes, shape):
    assert (await _refused(sqs, "CreateQueue", QueueName="b", Attributes=attributes)).shape == shape
    assert (await _refused(sqs, "SetQueueAttributes", "a", Attributes=attributes)).shape == shape


async def test_attributes_are_set_shown_and_unset(sqs):
    policy = '{"Version": "2012-10-17", "Statement": []}'
    await sqs("SetQueueAttributes", "a", Attributes={"Policy": policy, "DelaySeconds": "1"})
    shown = await sqs("GetQueueAttributes", "a", AttributeNames=["Policy", "QueueArn"])
    assert shown == {"Attributes": {"Policy": policy, "QueueArn": f"{ARN}a"}}
    await sqs("SetQueueAttributes", "a", Attributes={"Policy": ""})
    assert await sqs("GetQueueAttributes", "a", AttributeNames=["Policy"]) == {}
    assert (await _refused(sqs, "GetQueueAttributes", "a", AttributeNames=["X"])).shape == (
        "InvalidAttributeName"
    )


async def test_a_missing_queue_is_named_in_both_codes(sqs):
    error = await _refused(sqs, "ReceiveMessage", "none")
    assert error.shape == "QueueDoesNotExist"
    assert error.legacy_code == "AWS.SimpleQueueService.NonExistentQueue"


async def test_lists_are_paged_by_name(sqs):
    for name in ("c", "b", "x"):
        await sqs("CreateQueue", QueueName=name)
    first = await sqs("ListQueues", MaxResults=3)
    rest = await sqs("ListQueues", MaxResults=3, NextToken=first["NextToken"])
    names = [url.rpartition("/")[2] for url in first["QueueUrls"] + rest["QueueUrls"]]
    assert names == ["a", "b", "c", "x"]
    assert "NextToken" not in rest
    assert (await sqs("ListQueues", QueueNamePrefix="x"))["QueueUrls"] == [f"{BASE}/000000000000/x"]


async def test_tags_come_and_go(sqs):
    await sqs("TagQueue", "a", Tags={"team": "one", "stage": "dev"})
    await sqs("UntagQueue", "a", TagKeys=["stage"])
    assert await sqs("ListQueueTags", "a") == {"Tags": {"team": "one"}}


@pytest.mark.parametrize(
    ("entries", "shape"),
    [
        ([], "EmptyBatchRequest"),
        ([{"Id": str(n), "MessageBody": "x"} for n in range(11)], "TooManyEntriesInBatchRequest"),
        ([{"Id": "1", "MessageBody": "x"}] * 2, "BatchEntryIdsNotDistinct"),
        ([{"Id": "no good", "MessageBody": "x"}], "InvalidBatchEntryId"),
        ([{"MessageBody": "x"}], "MissingRequiredParameterException"),
        (
            [{"Id": str(n), "MessageBody": "x" * 600_000} for n in range(2)],
            "BatchRequestTooLong",
        ),
        (["x"], "SerializationException"),
        ([{"Id": "1", "MessageAttributes": 7}], "SerializationException"),
    ],
)
async def test_a_bad_batch_is_refused_whole(sqs, entries, shape):
    assert (await _refused(sqs, "SendMessageBatch", "a", Entries=entries)).shape == shape
    assert await sqs.count("a") == 0


async def test_entries_of_a_batch_fail_alone(sqs):
    entries = [
        {"Id": "good", "MessageBody": "x"},
        {"Id": "empty", "MessageBody": ""},
        {"Id": "odd", "MessageBody": "\x00"},
        {"Id": "late", "MessageBody": "x", "DelaySeconds": 901},
        {"Id": "bare", "MessageBody": "x", "MessageAttributes": {"a": 7}},
    ]
    answer = await sqs("SendMessageBatch", "a", Entries=entries)
    assert [entry["Id"] for entry in answer["Successful"]] == ["good"]
    assert [(entry["Id"], entry["Code"], entry["SenderFault"]) for entry in answer["Failed"]] == [
        ("empty", "MissingParameter", True),
        ("odd", "InvalidMessageContents", True),
        ("late", "InvalidParameterValue", True),
        ("bare", "InvalidParameterValue", True),
    ]


async def test_a_bogus_handle_in_a_delete_batch_fails(sqs):
    answer = await sqs("DeleteMessageBatch", "a", Entries=[{"Id": "1", "ReceiptHandle": "bogus"}])
    assert answer["Failed"][0]["Code"] == "ReceiptHandleIsInvalid"
    assert "Successful" not in answer


async def test_visibility_changes_in_a_batch_fail_alone(sqs):
    await sqs("SendMessage", "a", MessageBody="x")
    received = (await sqs("ReceiveMessage", "a"))["Messages"][0]["ReceiptHandle"]
    answer = await sqs(
        "ChangeMessageVisibilityBatch",
        "a",
        Entries=[
            {"Id": "1", "ReceiptHandle": received, "VisibilityTimeout": 0},
            {"Id": "2", "ReceiptHandle": received, "VisibilityTimeout": 5},
            {"Id": "3", "ReceiptHandle": received},
        ],
    )
    assert [entry["Id"] for entry in answer["Successful"]] == ["1"]
    assert [entry["Code"] for entry in answer["Failed"]] == [
        "AWS.SimpleQueueService.MessageNotInflight",
        "MissingParameter",
    ]
    assert await sqs.count("a") == 1


async def test_a_message_too_large_for_the_queue_is_refused(sqs):
    await sqs("SetQueueAttributes", "a", Attributes={"MaximumMessageSize": "1024"})
    error = await _refused(sqs, "SendMessage", "a", MessageBody="é" * 513)
    assert error.legacy_code == "InvalidParameterValue"
    await sqs("SendMessage", "a", MessageBody="é" * 512)


async def test_system_attributes_are_shown_when_asked_for(sqs):
    sent_ms = sqs.clock.now_ms()
    await sqs("SendMessage", "a", MessageBody="x", MessageGroupId="tenant")
    sqs.clock.advance(2)
    answer = await sqs("ReceiveMessage", "a", MessageSystemAttributeNames=["All"])
    shown = answer["Messages"][0]["Attributes"]
    assert shown["SentTimestamp"] == str(sent_ms)
    assert shown["ApproximateReceiveCount"] == "1"
    assert shown["ApproximateFirstReceiveTimestamp"] == str(sent_ms + 2_000)
    assert shown["MessageGroupId"] == "tenant"


async def test_fifo_repeats_are_dropped_for_five_minutes(sqs):
    await sqs("CreateQueue", QueueName="f.fifo", Attributes={"FifoQueue": "true"})
    send = {"MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": "d"}
    first = await sqs("SendMessage", "f.fifo", **send)
    sqs.clock.advance(299)
    again = await sqs("SendMessage", "f.fifo", **send)
    assert (again["MessageId"], again["SequenceNumber"]) == (
        first["MessageId"],
        first["SequenceNumber"],
    )
    sqs.clock.advance(1)
    assert (await sqs("SendMessage", "f.fifo", **send))["MessageId"] != first["MessageId"]
    assert await sqs.count("f.fifo") == 2


async def test_fifo_needs_a_group_and_a_way_to_know_repeats(sqs):
    await sqs("CreateQueue", QueueName="f.fifo", Attributes={"FifoQueue": "true"})
    error = await _refused(sqs, "SendMessage", "f.fifo", MessageBody="x")
    assert error.legacy_code == "MissingParameter"
    error = await _refused(sqs, "SendMessage", "f.fifo", MessageBody="x", MessageGroupId="g")
    assert error.legacy_code == "InvalidParameterValue"
    await sqs("SetQueueAttributes", "f.fifo", Attributes={"ContentBasedDeduplication": "true"})
    for _ in range(2):
        await sqs("SendMessage", "f.fifo", MessageBody="x", MessageGroupId="g")
    assert await sqs.count("f.fifo") == 1


async def _with_dead_letters(sqs: Sqs, count: int) -> None:
    """Let `count` messages of queue `a` end in its dead-letter queue `dead`."""
    await sqs("CreateQueue", QueueName="dead")
    policy = f'{{"deadLetterTargetArn": "{ARN}dead", "maxReceiveCount": "1"}}'
    await sqs("SetQueueAttributes", "a", Attributes={"RedrivePolicy": policy})
    for number in range(count):
        await sqs("SendMessage", "a", MessageBody=f"m{number}")
    for _ in range(count // 10 + 1):
        await sqs.bodies("a", VisibilityTimeout=0)
    while await sqs.bodies("a"):
        pass
    assert await sqs.count("dead") == count


async def test_dead_letters_keep_id_age_and_count(sqs):
    await _with_dead_letters(sqs, 1)
    answer = await sqs("ReceiveMessage", "dead", AttributeNames=["All"])
    shown = answer["Messages"][0]["Attributes"]
    assert shown["DeadLetterQueueSourceArn"] == f"{ARN}a"
    assert shown["ApproximateReceiveCount"] == "2"
    sources = await sqs("ListDeadLetterSourceQueues", "dead")
    assert sources["queueUrls"] == [f"{BASE}/000000000000/a"]


async def test_a_move_task_goes_back_to_the_source_at_its_rate(sqs):
    await _with_dead_letters(sqs, 10)
    await sqs("StartMessageMoveTask", SourceArn=f"{ARN}dead", MaxNumberOfMessagesPerSecond=2)
    sqs.clock.advance(2)
    assert await sqs.count("a") == 5
    running = (await sqs("ListMessageMoveTasks", SourceArn=f"{ARN}dead"))["Results"][0]
    assert (running["Status"], running["ApproximateNumberOfMessagesMoved"]) == ("RUNNING", 5)
    sqs.clock.advance(10)
    assert await sqs.count("a") == 10
    done = (await sqs("ListMessageMoveTasks", SourceArn=f"{ARN}dead"))["Results"][0]
    assert (done["Status"], done["ApproximateNumberOfMessagesToMove"]) == ("COMPLETED", 10)
    assert "TaskHandle" not in done
    answer = await sqs("ReceiveMessage", "a", AttributeNames=["All"])
    assert answer["Messages"][0]["Attributes"]["ApproximateReceiveCount"] == "1"


async def test_a_move_task_can_be_cancelled_once(sqs):
    await _with_dead_letters(sqs, 5)
    handle = (
        await sqs("StartMessageMoveTask", SourceArn=f"{ARN}dead", MaxNumberOfMessagesPerSecond=1)
    )["TaskHandle"]
    error = await _refused(sqs, "StartMessageMoveTask", SourceArn=f"{ARN}dead")
    assert error.legacy_code == "InvalidParameterValue"
    sqs.clock.advance(1)
    cancelled = await sqs("CancelMessageMoveTask", TaskHandle=handle)
    assert cancelled == {"ApproximateNumberOfMessagesMoved": 2}
    sqs.clock.advance(60)
    assert await sqs.count("dead") == 3
    assert (await _refused(sqs, "CancelMessageMoveTask", TaskHandle=handle)).shape == (
        "UnsupportedOperation"
    )
    assert (await _refused(sqs, "CancelMessageMoveTask", TaskHandle="x")).shape == (
        "ResourceNotFoundException"
    )


async def test_a_move_task_to_another_queue_without_a_rate_is_done_at_once(sqs):
    await _with_dead_letters(sqs, 30)
    await sqs("CreateQueue", QueueName="other")
    await sqs("StartMessageMoveTask", SourceArn=f"{ARN}dead", DestinationArn=f"{ARN}other")
    assert await sqs.count("other") == 30


async def test_a_message_sent_to_the_dead_letter_queue_itself_has_no_way_back(sqs):
    await _with_dead_letters(sqs, 0)
    await sqs("SendMessage", "dead", MessageBody="x")
    await sqs("StartMessageMoveTask", SourceArn=f"{ARN}dead")
    task = (await sqs("ListMessageMoveTasks", SourceArn=f"{ARN}dead"))["Results"][0]
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "CouldNotDetermineMessageSource")
    assert await sqs.bodies("dead") == ["x"]


async def test_only_dead_letter_queues_can_be_moved_from(sqs):
    error = await _refused(sqs, "StartMessageMoveTask", SourceArn=f"{ARN}a")
    assert error.legacy_code == "InvalidParameterValue"
    error = await _refused(sqs, "StartMessageMoveTask", SourceArn=f"{ARN}none")
    assert error.shape == "ResourceNotFoundException"


async def test_a_long_poll_is_woken_by_a_message_and_by_closing(sqs):
    poll = asyncio.create_task(sqs("ReceiveMessage", "a", WaitTimeSeconds=20))
    await asyncio.sleep(0)
    await sqs("SendMessage", "a", MessageBody="x")
    assert (await asyncio.wait_for(poll, 1))["Messages"][0]["Body"] == "x"
    poll = asyncio.create_task(sqs("ReceiveMessage", "a", WaitTimeSeconds=20))
    await asyncio.sleep(0)
    sqs.local.close()
    assert await asyncio.wait_for(poll, 1) == {}


async def test_a_duplicate_has_the_same_message_id(sqs):
    sqs.faults.duplicate = 1
    await sqs("SendMessage", "a", MessageBody="x")
    messages = (await sqs("ReceiveMessage", "a", MaxNumberOfMessages=10))["Messages"]
    assert len(messages) == 2
    assert len({message["MessageId"] for message in messages}) == 1
    assert len({message["ReceiptHandle"] for message in messages}) == 2


async def test_a_dropped_delete_lets_the_message_come_again(sqs):
    sqs.faults.drop_delete = 1
    await sqs("SendMessage", "a", MessageBody="x")
    handle = (await sqs("ReceiveMessage", "a"))["Messages"][0]["ReceiptHandle"]
    await sqs("DeleteMessage", "a", ReceiptHandle=handle)
    sqs.clock.advance(30)
    assert await sqs.bodies("a") == ["x"]


async def test_some_entries_of_a_batch_fail_by_the_services_fault(sqs):
    sqs.faults.fail_entry = 0.5
    entries = [{"Id": str(n), "MessageBody": "x"} for n in range(10)]
    answer = await sqs("SendMessageBatch", "a", Entries=entries)
    assert {(entry["Code"], entry["SenderFault"]) for entry in answer["Failed"]} == {
        ("InternalError", False)
    }
    assert await sqs.count("a") == len(answer["Successful"]) == 10 - len(answer["Failed"])


def test_knobs_are_turned_together_or_not_at_all():
    faults = SqsFaults()
    faults.turn({"throttle": 0.5, "expired_credentials": True})
    for bad in ({"throttle": 2}, {"nonsense": 1}, {"expired_credentials": 1}, {"throttle": True}):
        with pytest.raises(InvalidInputError):
            faults.turn({"delay_s": 1, **bad})
    assert faults.show() == {**SqsFaults().show(), "throttle": 0.5, "expired_credentials": True}
    faults.clear()
    assert faults.show() == SqsFaults().show()


async def test_an_unknown_operation_says_so(sqs):
    assert (await _refused(sqs, "AddPermission")).legacy_code == "InvalidAction"
