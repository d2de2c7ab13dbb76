"""boto3 against the local SQS and against moto: what passes here is no invention of ours."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def queue(client) -> str:
    return client.create_queue(QueueName=f"q-{uuid.uuid4()}")["QueueUrl"]


def _arn(client, queue: str) -> str:
    answer = client.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    return answer["Attributes"]["QueueArn"]


def _receive(client, queue: str, **options) -> list[dict]:
    answer = client.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, **options)
    return answer.get("Messages", [])


def test_a_message_goes_through_with_its_attributes(client, queue):
    attributes = {
        "text": {"DataType": "String", "StringValue": "grün"},
        "number": {"DataType": "Number.int", "StringValue": "7"},
        "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    # boto3 checks both MD5s itself and raises where one is wrong.
    sent = client.send_message(QueueUrl=queue, MessageBody="hé", MessageAttributes=attributes)
    [message] = _receive(
        client, queue, MessageAttributeNames=["All"], MessageSystemAttributeNames=["All"]
    )
    assert message["MessageId"] == sent["MessageId"]
    assert message["Body"] == "hé"
    assert message["MessageAttributes"] == attributes
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert _receive(client, queue) == []
    client.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


def test_only_the_attributes_asked_for_come_back(client, queue):
    attributes = {
        name: {"DataType": "String", "StringValue": name} for name in ("a.one", "a.two", "b")
    }
    client.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes=attributes)
    [message] = _receive(
        client, queue, MessageAttributeNames=["b"], AttributeNames=["SentTimestamp"]
    )
    assert set(message["MessageAttributes"]) == {"b"}
    assert set(message["Attributes"]) == {"SentTimestamp"}


def test_batches_are_sent_hidden_and_deleted(client, queue):
    entries = [{"Id": str(n), "MessageBody": f"m{n}"} for n in range(10)]
    assert len(client.send_message_batch(QueueUrl=queue, Entries=entries)["Successful"]) == 10
    messages = _receive(client, queue)
    handles = [{"Id": m["MessageId"], "ReceiptHandle": m["ReceiptHandle"]} for m in messages]
    assert sorted(m["Body"] for m in messages) == [f"m{n}" for n in range(10)]
    shown = client.change_message_visibility_batch(
        QueueUrl=queue, Entries=[{**handle, "VisibilityTimeout": 0} for handle in handles[:4]]
    )
    assert len(shown["Successful"]) == 4
    assert len(_receive(client, queue)) == 4
    deleted = client.delete_message_batch(QueueUrl=queue, Entries=handles[4:])
    assert len(deleted["Successful"]) == 6


@pytest.mark.parametrize("call", ["receive_message", "purge_queue", "delete_queue"])
def test_a_missing_queue_has_both_names_of_its_error(client, queue, call):
    with pytest.raises(client.exceptions.QueueDoesNotExist) as raised:
        getattr(client, call)(QueueUrl=f"{queue}-gone")
    assert raised.value.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"


def test_a_handle_that_is_none_is_refused(client, queue):
    with pytest.raises(client.exceptions.ReceiptHandleIsInvalid):
        client.delete_message(QueueUrl=queue, ReceiptHandle="bogus")


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([], "AWS.SimpleQueueService.EmptyBatchRequest"),
        ([{"Id": "1", "MessageBody": "x"}] * 2, "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"),
        (
            [{"Id": str(n), "MessageBody": "x"} for n in range(11)],
            "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
        ),
    ],
)
def test_bad_batches_are_refused_whole(client, queue, entries, code):
    with pytest.raises(ClientError) as raised:
        client.send_message_batch(QueueUrl=queue, Entries=entries)
    # moto leaves the prefix out in places.
    assert raised.value.response["Error"]["Code"].rpartition(".")[2] == code.rpartition(".")[2]


def test_a_queue_exists_once_by_name_and_attributes(client):
    name = f"q-{uuid.uuid4()}"
    first = client.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "44"})
    again = client.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "44"})
    assert (
        again["QueueUrl"] == first["QueueUrl"] == client.get_queue_url(QueueName=name)["QueueUrl"]
    )
    with pytest.raises(client.exceptions.QueueNameExists):
        client.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "45"})
    listed = client.list_queues(QueueNamePrefix=name)["QueueUrls"]
    assert listed == [first["QueueUrl"]]
    client.delete_queue(QueueUrl=first["QueueUrl"])
    with pytest.raises(client.exceptions.QueueDoesNotExist):
        client.get_queue_url(QueueName=name)


def test_attributes_and_tags_are_kept(client, queue):
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::437568002678:root"},
        "Action": ["sqs:SendMessage", "sqs:GetQueueAttributes"],
        "Resource": _arn(client, queue),
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    client.set_queue_attributes(
        QueueUrl=queue, Attributes={"MessageRetentionPeriod": "1209600", "Policy": policy}
    )
    shown = client.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert shown["MessageRetentionPeriod"] == "1209600"
    assert json.loads(shown["Policy"]) == json.loads(policy)
    assert shown["QueueArn"].endswith(queue.rpartition("/")[2])
    client.tag_queue(QueueUrl=queue, Tags={"team": "one"})
    assert client.list_queue_tags(QueueUrl=queue)["Tags"] == {"team": "one"}


def test_counts_tell_visible_hidden_and_delayed_apart(client, queue):
    for delay_s in (0, 0, 900):
        client.send_message(QueueUrl=queue, MessageBody="x", DelaySeconds=delay_s)
    client.receive_message(QueueUrl=queue, MaxNumberOfMessages=1)
    shown = client.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert [
        shown["ApproximateNumberOfMessages"],
        shown["ApproximateNumberOfMessagesNotVisible"],
        shown["ApproximateNumberOfMessagesDelayed"],
    ] == ["1", "1", "1"]


def test_a_message_received_too_often_ends_in_the_dead_letter_queue(client, queue):
    dead = client.create_queue(QueueName=f"dead-{uuid.uuid4()}")["QueueUrl"]
    policy = {"deadLetterTargetArn": _arn(client, dead), "maxReceiveCount": 2}
    client.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": json.dumps(policy)})
    sent = client.send_message(QueueUrl=queue, MessageBody="poison")
    for _ in range(2):
        assert len(_receive(client, queue, VisibilityTimeout=0)) == 1
    assert _receive(client, queue, VisibilityTimeout=0) == []
    [message] = _receive(client, dead, AttributeNames=["All"])
    assert (message["Body"], message["MessageId"]) == ("poison", sent["MessageId"])
    assert client.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [queue]


def test_purge_empties_the_queue(client, queue):
    client.send_message(QueueUrl=queue, MessageBody="x")
    client.purge_queue(QueueUrl=queue)
    assert _receive(client, queue) == []
    with pytest.raises(client.exceptions.PurgeQueueInProgress):
        client.purge_queue(QueueUrl=queue)


def test_fifo_groups_and_repeats(client):
    queue = client.create_queue(
        QueueName=f"{uuid.uuid4()}.fifo",
        Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"},
    )["QueueUrl"]
    for body, group in (("1", "a"), ("1", "a"), ("2", "a"), ("3", "b")):
        client.send_message(QueueUrl=queue, MessageBody=body, MessageGroupId=group)
    messages = _receive(client, queue, AttributeNames=["MessageGroupId"])
    in_a = [m["Body"] for m in messages if m["Attributes"]["MessageGroupId"] == "a"]
    assert in_a == ["1", "2"]
    client.send_message(QueueUrl=queue, MessageBody="4", MessageGroupId="a")
    assert _receive(client, queue) == []
    for message in messages:
        client.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    assert [m["Body"] for m in _receive(client, queue)] == ["4"]
