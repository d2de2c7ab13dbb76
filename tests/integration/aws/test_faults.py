"""Both adapters tell the same trouble in the same words."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.aws.credentials import Credentials, FixedCredentials
from gateway.aws.factory import Adapter, open_queue
from gateway.aws.queue import MessageQueue
from gateway.clock import SystemClock, parse_rfc3339_ms
from gateway.errors import InvalidInputError, QueueUnavailableError
from tests.support.emulators import free_port

JSON = "application/x-amz-json-1.0"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
OpenQueue = Callable[..., MessageQueue]


@pytest.fixture(params=["lean", "botocore"])
def adapter(request: pytest.FixtureRequest) -> Adapter:
    return request.param


class Source(FixedCredentials):
    """Fixed keys that remember what was refused."""

    def __init__(self) -> None:
        super().__init__(Credentials(access_key="AK", secret_key="SK", token="secret-token"))
        self.refused: list[Credentials] = []

    def forget(self, refused: Credentials) -> None:
        self.refused.append(refused)


class Service:
    """An HTTP server that answers as it is told and counts."""

    def __init__(self) -> None:
        self.requests: list[web.BaseRequest] = []
        self.answer: Handler = lambda _: asyncio.sleep(0, web.Response())
        self.server = TestServer(web.Application())
        self.source = Source()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        await request.read()
        self.requests.append(request)
        return await self.answer(request)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    service = Service()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", service.handle)
    service.server = TestServer(app)
    await service.server.start_server()
    yield service
    await service.server.close()


@pytest.fixture
async def queue(service: Service, adapter: Adapter) -> AsyncIterator[MessageQueue]:
    queue = open_queue(
        str(service.server.make_url("/123456789012/orders")),
        region="eu-west-1",
        adapter=adapter,
        credentials=service.source,
    )
    yield queue
    await queue.aclose()


def refuse(status: int, code: str, *, query_code: str | None = None) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        headers = {}
        if query_code:
            headers["x-amzn-query-error"] = f"{query_code};Sender"
        return web.json_response(
            {"__type": f"com.amazonaws.sqs#{code}", "message": "Amazon quotes secret-token"},
            status=status,
            headers=headers,
            content_type=JSON,
        )

    return answer


def page(status: int) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(
            status=status, text="<html><body>Sorry</body></html>", content_type="text/html"
        )

    return answer


async def dropped(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def truncated(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": JSON, "content-length": "500"})
    await response.prepare(request)
    await response.write(b'{"Messages": [')
    assert request.transport is not None
    request.transport.close()
    return response


TROUBLES: dict[str, tuple[Handler, str, int]] = {
    "no queue": (refuse(400, "QueueDoesNotExist"), "missing", 1),
    "no queue, told in the old way too": (
        refuse(400, "QueueDoesNotExist", query_code="AWS.SimpleQueueService.NonExistentQueue"),
        "missing",
        1,
    ),
    "not allowed": (refuse(403, "AccessDenied"), "denied", 1),
    "key not allowed": (
        refuse(400, "KmsAccessDenied", query_code="KMS.AccessDeniedException"),
        "denied",
        1,
    ),
    "expired": (refuse(403, "ExpiredToken"), "credentials", 1),
    "unknown": (refuse(403, "InvalidClientTokenId"), "credentials", 1),
    "wrong secret": (refuse(403, "SignatureDoesNotMatch"), "credentials", 1),
    "throttled": (refuse(400, "RequestThrottled"), "throttled", 3),
    "fault of Amazon's": (refuse(500, "InternalError"), "other", 3),
    "HTML 503": (page(503), "other", 3),
    "HTML 404": (page(404), "other", 1),
    "HTML 200": (page(200), "other", 1),
    "redirect": (page(302), "other", 1),
    "dropped": (dropped, "network", 3),
    "truncated": (truncated, "network", 3),
}


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_trouble_is_told_by_reason(
    service: Service, queue: MessageQueue, trouble: str
) -> None:
    service.answer, reason, requests = TROUBLES[trouble]
    with pytest.raises(QueueUnavailableError) as caught:
        await queue.receive(10, 0)
    assert caught.value.reason == reason
    assert caught.value.__cause__ is not None
    assert "/123456789012/orders" in str(caught.value)
    assert len(service.requests) == requests
    refused = [keys.access_key for keys in service.source.refused]
    assert refused == (["AK"] if reason == "credentials" else [])
    if reason == "credentials":
        assert "secret-token" not in "".join(traceback.format_exception(caught.value))


async def test_nothing_listening_is_the_network(adapter: Adapter) -> None:
    queue = open_queue(
        f"http://127.0.0.1:{free_port()}/123456789012/orders",
        region="eu-west-1",
        adapter=adapter,
        credentials=Source(),
    )
    with pytest.raises(QueueUnavailableError) as caught:
        await queue.receive(10, 0)
    assert caught.value.reason == "network"
    await queue.aclose()


async def test_the_queue_works_again_when_the_trouble_is_over(
    service: Service, queue: MessageQueue
) -> None:
    service.answer = page(503)
    with pytest.raises(QueueUnavailableError):
        await queue.receive(10, 0)

    async def fine(_: web.Request) -> web.Response:
        return web.json_response({"Messages": []}, content_type=JSON)

    service.answer = fine
    assert not await queue.receive(10, 0)


async def test_a_request_carries_what_amazon_needs(service: Service, queue: MessageQueue) -> None:
    async def fine(_: web.Request) -> web.Response:
        return web.json_response({}, content_type=JSON)

    service.answer = fine
    await queue.attributes()
    headers = service.requests[0].headers
    assert headers["x-amz-target"] == "AmazonSQS.GetQueueAttributes"
    assert headers["content-type"] == JSON
    assert headers["x-amz-security-token"] == "secret-token"
    assert "Credential=AK/" in headers["authorization"]
    assert "/eu-west-1/sqs/aws4_request" in headers["authorization"]
    assert headers["user-agent"]


class WrongClock(SystemClock):
    """Runs two hours behind."""

    def now_ms(self) -> int:
        return super().now_ms() - 7_200_000


async def test_a_wrong_clock_is_corrected_once_from_amazons_answer(service: Service) -> None:
    true = SystemClock()

    async def strict(request: web.Request) -> web.Response:
        signed_at_ms = parse_rfc3339_ms(request.headers["x-amz-date"])
        if abs(signed_at_ms - true.now_ms()) < 300_000:
            return web.json_response({"Messages": []}, content_type=JSON)
        return await refuse(403, "SignatureDoesNotMatch")(request)

    service.answer = strict
    queue = open_queue(
        str(service.server.make_url("/123456789012/orders")),
        region="eu-west-1",
        credentials=service.source,
        clock=WrongClock(),
    )
    assert not await queue.receive(10, 0)
    assert not await queue.receive(10, 0)
    assert len(service.requests) == 3
    assert not service.source.refused
    await queue.aclose()


async def test_an_injected_session_stays_open(service: Service) -> None:
    async with aiohttp.ClientSession() as session:
        queue = open_queue(
            str(service.server.make_url("/123456789012/orders")),
            region="eu-west-1",
            session=session,
            credentials=service.source,
        )
        await queue.aclose()
        assert not session.closed


@pytest.mark.parametrize("variable", ["http_proxy", "no_proxy"])
async def test_proxies_of_the_environment_are_used_and_bypassed(
    service: Service, adapter: Adapter, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    async def fine(_: web.Request) -> web.Response:
        return web.json_response({"Messages": []}, content_type=JSON)

    service.answer = fine
    monkeypatch.setenv("http_proxy", str(service.server.make_url("/")))
    monkeypatch.setenv("no_proxy", "queue.invalid" if variable == "no_proxy" else "")
    queue = open_queue(
        "http://queue.invalid/123456789012/orders",
        region="eu-west-1",
        adapter=adapter,
        credentials=service.source,
    )
    if variable == "http_proxy":
        assert not await queue.receive(10, 0)
        assert service.requests[0].headers["host"] == "queue.invalid"
    else:
        with pytest.raises(QueueUnavailableError, match="no answer"):
            await queue.receive(10, 0)
        assert not service.requests
    await queue.aclose()


async def test_region_comes_from_awss_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    queue = open_queue("http://127.0.0.1:1/1/orders", credentials=Source())
    await queue.aclose()
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with pytest.raises(InvalidInputError, match="set `region`"):
        open_queue("http://127.0.0.1:1/1/orders", credentials=Source())
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(InvalidInputError, match="AWS_PROFILE"):
        open_queue("http://127.0.0.1:1/1/orders", credentials=Source())
