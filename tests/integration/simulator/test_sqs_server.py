"""The local SQS over HTTP: long polls, aiobotocore, move tasks and the faults of the wire."""

import asyncio
import io
import json
import time
from collections.abc import AsyncIterator

import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import ClientError

from gateway.simulator.server import Simulator
from tests.integration.simulator.conftest import CREDENTIALS


@pytest.fixture
async def client(simulator: Simulator) -> AsyncIterator:
    config = AioConfig(retries={"total_max_attempts": 1})
    async with get_session().create_client(
        "sqs", endpoint_url=simulator.sqs_url, config=config, **CREDENTIALS
    ) as made:
        yield made


@pytest.fixture
def queue(simulator: Simulator) -> str:
    return simulator.queue_url("a")


async def _arn(client, queue: str) -> str:
    answer = await client.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    return answer["Attributes"]["QueueArn"]


async def _until_polling(simulator: Simulator, count: int) -> None:
    async with asyncio.timeout(5):
        while sum(map(len, simulator.sqs._polls.values())) < count:
            await asyncio.sleep(0.001)


async def test_a_long_poll_is_woken_at_once(simulator, client, queue):
    poll = asyncio.create_task(client.receive_message(QueueUrl=queue, WaitTimeSeconds=20))
    await _until_polling(simulator, 1)
    began_s = time.perf_counter()
    await client.send_message(QueueUrl=queue, MessageBody="x")
    answer = await poll
    assert [message["Body"] for message in answer["Messages"]] == ["x"]
    assert time.perf_counter() - began_s < 1


async def test_several_long_polls_share_what_comes(simulator, client, queue):
    polls = [
        asyncio.create_task(client.receive_message(QueueUrl=queue, WaitTimeSeconds=2))
        for _ in range(4)
    ]
    await _until_polling(simulator, 4)
    for number in range(4):
        await client.send_message(QueueUrl=queue, MessageBody=str(number))
    answers = await asyncio.gather(*polls)
    bodies = [message["Body"] for answer in answers for message in answer.get("Messages", [])]
    assert sorted(bodies) == ["0", "1", "2", "3"]


async def test_a_long_poll_sees_a_hidden_message_come_back(client, queue):
    await client.send_message(QueueUrl=queue, MessageBody="x")
    await client.receive_message(QueueUrl=queue, VisibilityTimeout=1)
    answer = await client.receive_message(
        QueueUrl=queue, WaitTimeSeconds=20, AttributeNames=["ApproximateReceiveCount"]
    )
    [message] = answer["Messages"]
    assert message["Attributes"]["ApproximateReceiveCount"] == "2"


async def test_an_empty_long_poll_ends_by_itself(client, queue):
    assert "Messages" not in await client.receive_message(QueueUrl=queue, WaitTimeSeconds=1)


async def test_leaving_the_simulator_ends_its_long_polls(http):
    async with Simulator(queues=["a"]) as simulator:
        request = {"QueueUrl": simulator.queue_url("a"), "WaitTimeSeconds": 20}
        poll = asyncio.create_task(
            http.post(
                simulator.sqs_url,
                data=json.dumps(request),
                headers={"X-Amz-Target": "AmazonSQS.ReceiveMessage"},
            )
        )
        await _until_polling(simulator, 1)
        began_s = time.perf_counter()
    assert time.perf_counter() - began_s < 3
    assert await (await poll).json(content_type=None) == {}


async def test_a_move_task_brings_dead_letters_back(client, queue):
    dead = (await client.create_queue(QueueName="dead"))["QueueUrl"]
    policy = {"deadLetterTargetArn": await _arn(client, dead), "maxReceiveCount": 1}
    await client.set_queue_attributes(
        QueueUrl=queue, Attributes={"RedrivePolicy": json.dumps(policy)}
    )
    for number in range(3):
        await client.send_message(QueueUrl=queue, MessageBody=str(number))
    for _ in range(2):
        await client.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=0)
    arn = await _arn(client, dead)
    await client.start_message_move_task(SourceArn=arn, MaxNumberOfMessagesPerSecond=500)
    bodies = set()
    async with asyncio.timeout(5):
        while len(bodies) < 3:
            answer = await client.receive_message(
                QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1
            )
            bodies |= {message["Body"] for message in answer.get("Messages", [])}
    [task] = (await client.list_message_move_tasks(SourceArn=arn))["Results"]
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 3)


@pytest.mark.parametrize(
    ("knobs", "status", "code"),
    [
        ({"expired_credentials": True}, 403, "ExpiredToken"),
        ({"throttle": 1}, 400, "RequestThrottled"),
        ({"unavailable": 1}, 503, "503"),
    ],
)
async def test_faults_are_turned_on_and_off_by_http(
    simulator, http, client, queue, knobs, status, code
):
    control = f"{simulator.sqs_url}/_simulator/sqs/faults"
    async with http.put(control, json=knobs) as answer:
        assert answer.status == 200
    with pytest.raises(ClientError) as raised:
        await client.receive_message(QueueUrl=queue)
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert raised.value.response["Error"]["Code"] == code
    async with http.delete(control) as answer:
        assert answer.status == 200
    await client.receive_message(QueueUrl=queue)


async def test_a_delay_holds_answers_back(simulator, client, queue):
    simulator.sqs_faults.delay_s = 0.2
    began_s = time.perf_counter()
    await client.receive_message(QueueUrl=queue)
    assert time.perf_counter() - began_s >= 0.2


@pytest.mark.parametrize(("body", "shape"), [("{", "Serialization"), ("[]", "Serialization")])
async def test_a_body_that_is_no_object_is_refused(simulator, http, body, shape):
    headers = {"X-Amz-Target": "AmazonSQS.ReceiveMessage"}
    async with http.post(simulator.sqs_url, data=body, headers=headers) as answer:
        assert answer.status == 400
        assert shape in (await answer.json(content_type=None))["__type"]


async def test_a_message_of_a_mebibyte_goes_through_and_no_larger_one(simulator, http, queue):
    headers = {"X-Amz-Target": "AmazonSQS.SendMessage"}
    statuses = []
    for size in (1_048_576, 1_048_577):
        request = json.dumps({"QueueUrl": queue, "MessageBody": "x" * size}).encode()
        async with http.post(
            simulator.sqs_url, data=io.BytesIO(request), headers=headers
        ) as answer:
            statuses.append(answer.status)
    assert statuses == [200, 400]
