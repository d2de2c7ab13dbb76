"""Credentials from AWS's real chain: found, renewed before they expire, mended without a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.aws.credentials import ChainCredentials
from gateway.aws.factory import Adapter, open_queue
from gateway.aws.queue import MessageQueue
from gateway.clock import SystemClock, rfc3339
from gateway.errors import QueueUnavailableError

ALMOST_EXPIRED_MS = 120_000
"""Less than what aiobotocore insists on, so that every call renews."""


class Amazon:
    """SQS and a container's credential endpoint on one port; remembers the keys it met."""

    def __init__(self) -> None:
        self.met: list[str] = []
        self.good: set[str] | None = None
        self.given = 0
        self.lasts_ms = ALMOST_EXPIRED_MS
        app = web.Application()
        app.router.add_get("/keys", self.keys)
        app.router.add_post("/{tail:.*}", self.sqs)
        self.server = TestServer(app)

    async def keys(self, _: web.Request) -> web.Response:
        self.given += 1
        await asyncio.sleep(0.02)
        return web.json_response(
            {
                "AccessKeyId": f"AK{self.given}",
                "SecretAccessKey": "SK",
                "Token": "T",
                "Expiration": rfc3339(SystemClock().now_ms() + self.lasts_ms),
            }
        )

    async def sqs(self, request: web.Request) -> web.Response:
        key = request.headers["authorization"].partition("Credential=")[2].partition("/")[0]
        self.met.append(key)
        if self.good is None or key in self.good:
            return web.json_response({"Messages": []}, content_type="application/x-amz-json-1.0")
        refused = {"__type": "com.amazonaws.sqs#InvalidClientTokenId", "message": "no"}
        return web.json_response(refused, status=403, content_type="application/x-amz-json-1.0")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


@pytest.fixture
async def amazon() -> AsyncIterator[Amazon]:
    amazon = Amazon()
    await amazon.server.start_server()
    yield amazon
    await amazon.server.close()


@pytest.fixture(params=["lean", "botocore"])
def adapter(request: pytest.FixtureRequest) -> Adapter:
    return request.param


@pytest.fixture
async def queue(amazon: Amazon, adapter: Adapter) -> AsyncIterator[MessageQueue]:
    url = str(amazon.server.make_url("/123456789012/orders"))
    queue = open_queue(url, region="eu-west-1", adapter=adapter)
    yield queue
    await queue.aclose()


async def test_keys_of_the_environment_are_used(
    amazon: Amazon, queue: MessageQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "SK")
    await queue.receive(10, 0)
    assert amazon.met == ["AKENV"]


async def test_temporary_keys_are_renewed_before_they_expire(
    amazon: Amazon, queue: MessageQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", str(amazon.server.make_url("/keys")))
    for _ in range(3):
        await queue.receive(10, 0)
        assert amazon.met[-1] == f"AK{amazon.given}"
    assert len(set(amazon.met)) == 3


async def test_lasting_keys_are_fetched_once_for_all_who_ask(
    amazon: Amazon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", str(amazon.server.make_url("/keys")))
    amazon.lasts_ms = 6 * 3_600_000
    source = ChainCredentials()
    given = await asyncio.gather(*(source.get() for _ in range(20)))
    assert {keys.access_key for keys in given} == {"AK1"}
    assert amazon.given == 1


async def test_a_mended_profile_is_found_without_a_restart(
    amazon: Amazon, queue: MessageQueue, tmp_path: Path
) -> None:
    amazon.good = {"AKGOOD"}
    profile = tmp_path / "credentials"
    profile.write_text("[default]\naws_access_key_id = AKBAD\naws_secret_access_key = SK\n")
    with pytest.raises(QueueUnavailableError) as caught:
        await queue.receive(10, 0)
    assert caught.value.reason == "credentials"
    profile.write_text("[default]\naws_access_key_id = AKGOOD\naws_secret_access_key = SK\n")
    assert not await queue.receive(10, 0)
    assert amazon.met == ["AKBAD", "AKGOOD"]


async def test_an_unknown_profile_is_named(
    queue: MessageQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(QueueUnavailableError, match="nobody") as caught:
        await queue.receive(10, 0)
    assert caught.value.reason == "credentials"
