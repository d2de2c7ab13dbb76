"""Real clients and a running simulator."""

from collections.abc import AsyncIterator, Iterator

import aiohttp
import boto3
import pytest
from botocore.config import Config

from gateway.simulator.server import Simulator
from tests.support.emulators import local_sqs_server, moto_server

CREDENTIALS = {
    "region_name": "us-east-1",
    "aws_access_key_id": "simulated",
    "aws_secret_access_key": "simulated",
}


@pytest.fixture(scope="module", params=["own", "moto"])
def either_sqs(request: pytest.FixtureRequest) -> Iterator[str]:
    """An SQS endpoint: the project's own, and moto's as the judge of what the tests expect."""
    with local_sqs_server() if request.param == "own" else moto_server() as url:
        yield url


@pytest.fixture
def client(either_sqs: str) -> Iterator:
    with_retries_off = Config(retries={"max_attempts": 1})
    made = boto3.client("sqs", endpoint_url=either_sqs, config=with_retries_off, **CREDENTIALS)
    yield made
    made.close()


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(queues=["a"]) as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session
