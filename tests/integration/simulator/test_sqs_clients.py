"""The AWS CLI and aiobotocore, unchanged, against the local SQS."""

import asyncio
import json
import os
import subprocess
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiobotocore.session import get_session

from gateway.simulator.server import Simulator
from tests.integration.simulator.conftest import CREDENTIALS
from tests.support.emulators import local_sqs_server

AWS = Path(__file__).parents[3] / ".tools" / "awscli" / "bin" / "aws"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with local_sqs_server() as running:
        yield running


def _aws(url: str, *arguments: str, code: int = 0) -> Any:
    """Run `aws sqs …` and return the JSON that it prints, or what it says on stderr."""
    if not AWS.exists():
        raise RuntimeError(f"{AWS} is missing: run `make tools`")
    done = subprocess.run(
        [AWS, "sqs", *arguments, "--endpoint-url", url, "--output", "json"],
        env={
            "PATH": os.environ["PATH"],
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stderr
    if code:
        return done.stderr
    return json.loads(done.stdout) if done.stdout.strip() else None


def test_the_aws_cli_makes_fills_reads_and_deletes_a_queue(url):
    name = f"cli-{uuid.uuid4()}"
    queue = _aws(url, "create-queue", "--queue-name", name)["QueueUrl"]
    assert _aws(url, "get-queue-url", "--queue-name", name)["QueueUrl"] == queue
    named = ("--queue-url", queue)
    sent = _aws(url, "send-message", *named, "--message-body", "grün")
    [message] = _aws(url, "receive-message", *named, "--attribute-names", "All")["Messages"]
    assert (message["MessageId"], message["Body"]) == (sent["MessageId"], "grün")
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    handle = ("--receipt-handle", message["ReceiptHandle"])
    _aws(url, "change-message-visibility", *named, *handle, "--visibility-timeout", "0")
    [again] = _aws(url, "receive-message", *named)["Messages"]
    _aws(url, "delete-message", *named, "--receipt-handle", again["ReceiptHandle"])
    counted = ("--attribute-names", "ApproximateNumberOfMessages")
    answer = _aws(url, "get-queue-attributes", *named, *counted)
    assert answer["Attributes"] == {"ApproximateNumberOfMessages": "0"}
    assert queue in _aws(url, "list-queues")["QueueUrls"]
    _aws(url, "delete-queue", *named)
    refused = _aws(url, "get-queue-url", "--queue-name", name, code=255)
    assert "NonExistentQueue" in refused


def test_the_aws_cli_moves_dead_letters_back(url):
    name = f"cli-{uuid.uuid4()}"
    dead = _aws(url, "create-queue", "--queue-name", f"{name}-dead")["QueueUrl"]
    asked = ("--attribute-names", "QueueArn")
    arn = _aws(url, "get-queue-attributes", "--queue-url", dead, *asked)["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "1"})
    attributes = json.dumps({"RedrivePolicy": policy, "VisibilityTimeout": "0"})
    queue = _aws(url, "create-queue", "--queue-name", name, "--attributes", attributes)["QueueUrl"]
    named = ("--queue-url", queue)
    _aws(url, "send-message", *named, "--message-body", "x")
    assert _aws(url, "receive-message", *named)["Messages"]
    assert _aws(url, "receive-message", *named) is None
    sources = _aws(url, "list-dead-letter-source-queues", "--queue-url", dead)
    assert sources["queueUrls"] == [queue]
    assert _aws(url, "start-message-move-task", "--source-arn", arn)["TaskHandle"]
    moved = _aws(url, "receive-message", *named, "--wait-time-seconds", "20")
    assert [message["Body"] for message in moved["Messages"]] == ["x"]


@pytest.fixture
async def client(simulator: Simulator) -> AsyncIterator[Any]:
    async with get_session().create_client(
        "sqs", endpoint_url=simulator.sqs_url, **CREDENTIALS
    ) as made:
        yield made


async def test_aiobotocore_sends_and_deletes_in_batches(client):
    queue = (await client.create_queue(QueueName="q"))["QueueUrl"]
    entries = [{"Id": str(number), "MessageBody": f"m{number}"} for number in range(10)]
    sent = await client.send_message_batch(QueueUrl=queue, Entries=entries)
    assert len(sent["Successful"]) == 10
    received = await client.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
    assert [message["Body"] for message in received["Messages"]] == [f"m{n}" for n in range(10)]
    handles = [
        {"Id": message["MessageId"], "ReceiptHandle": message["ReceiptHandle"]}
        for message in received["Messages"]
    ]
    deleted = await client.delete_message_batch(QueueUrl=queue, Entries=handles)
    assert len(deleted["Successful"]) == 10
    with pytest.raises(client.exceptions.QueueDoesNotExist):
        await client.get_queue_url(QueueName="none")


async def test_aiobotocore_waits_for_a_message(client):
    queue = (await client.create_queue(QueueName="q"))["QueueUrl"]
    waiting = asyncio.create_task(client.receive_message(QueueUrl=queue, WaitTimeSeconds=20))
    await asyncio.sleep(0)
    await client.send_message(QueueUrl=queue, MessageBody="at last")
    assert [message["Body"] for message in (await waiting)["Messages"]] == ["at last"]
