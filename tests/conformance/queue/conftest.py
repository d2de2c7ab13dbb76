"""The backends and adapters that the queue suite runs over."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator

import pytest

from gateway.aws.credentials import Credentials, FixedCredentials
from gateway.aws.factory import Adapter, open_queue
from gateway.aws.queue import MessageQueue
from tests.support.emulators import create_queue, local_sqs_server, ministack_server, moto_server

REGION = "us-east-1"
SERVERS = {"local": local_sqs_server, "moto": moto_server, "ministack": ministack_server}


@pytest.fixture(scope="session", params=sorted(SERVERS))
def endpoint(request: pytest.FixtureRequest) -> Iterator[str]:
    with SERVERS[request.param]() as url:
        yield url


@pytest.fixture(params=["lean", "botocore"])
def adapter(request: pytest.FixtureRequest) -> Adapter:
    return request.param


@pytest.fixture
def queue_url(endpoint: str) -> str:
    attributes = {"VisibilityTimeout": "30"}
    return create_queue(endpoint, f"q-{uuid.uuid4().hex}", attributes, region=REGION)


@pytest.fixture
async def queue(endpoint: str, adapter: Adapter, queue_url: str) -> AsyncIterator[MessageQueue]:
    opened = open_local(queue_url, endpoint, adapter)
    yield opened
    await opened.aclose()


def open_local(url: str, endpoint: str, adapter: Adapter) -> MessageQueue:
    return open_queue(
        url,
        region=REGION,
        endpoint_url=endpoint,
        adapter=adapter,
        credentials=FixedCredentials(Credentials(access_key="test", secret_key="test")),
    )
