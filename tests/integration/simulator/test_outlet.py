"""Notifications to queues that are not local: moto's SQS is the one elsewhere."""

import asyncio
import json
from collections.abc import Iterator

import boto3
import pytest

from gateway.simulator.payloads import Subject
from gateway.simulator.server import Simulator
from tests.integration.simulator.conftest import CREDENTIALS
from tests.support.emulators import moto_server

ABOUT = Subject(seller_id="A1SIMULATORNA1", at_ms=1_800_000_000_000)


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    with moto_server() as url:
        yield url


@pytest.fixture
def sqs(elsewhere: str, monkeypatch: pytest.MonkeyPatch) -> Iterator:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "any")
    made = boto3.client("sqs", endpoint_url=elsewhere, **CREDENTIALS)
    yield made
    made.close()


async def _received(sqs, queue_url: str) -> list[dict]:
    """Return what comes into a queue, the first time that anything does."""
    while True:
        answer = await asyncio.to_thread(
            sqs.receive_message, QueueUrl=queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=1
        )
        if messages := answer.get("Messages"):
            return [json.loads(message["Body"]) for message in messages]


async def test_what_is_not_local_goes_to_the_sqs_elsewhere(elsewhere, sqs):
    queue_url = sqs.create_queue(QueueName="theirs")["QueueUrl"]
    asked = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
    theirs = asked["Attributes"]["QueueArn"]
    async with Simulator(queues=["ours"], sqs_endpoint=elsewhere) as simulator:
        publisher = simulator.apis.publisher
        ours = simulator.sqs.queues.named("ours").arn
        for arn in ("arn:aws:sqs:us-east-1:123456789012:missing", theirs, ours):
            publisher.to_queue("ORDER_CHANGE", ABOUT, arn=arn, application="app")
        [body] = await _received(sqs, queue_url)
        assert body["NotificationType"] == "ORDER_CHANGE"
        assert simulator.sqs.queues.named("ours").depth().visible == 1


async def test_without_an_sqs_elsewhere_it_is_lost():
    async with Simulator(queues=["ours"]) as simulator:
        publisher = simulator.apis.publisher
        arn = "arn:aws:sqs:us-east-1:123456789012:missing"
        publisher.to_queue("ORDER_CHANGE", ABOUT, arn=arn, application="app")
        assert publisher.lost == {"ORDER_CHANGE": 1}
        assert publisher.published == {}
