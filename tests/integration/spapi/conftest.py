"""A server that answers as each test tells it, and a client that talks to it over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import aiohttp
import pytest
from aiohttp import web

from gateway.clock import SystemClock
from gateway.http1.client import Client
from gateway.http1.dialling import OpenDialler
from gateway.spapi.assembly import ClientNeeds, ClientOptions, make_client
from gateway.spapi.client import SpApiClient
from tests.support.buckets import MemoryBuckets
from tests.support.spapi import CountedCalls, FakeDirectory

Answerer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Amazon:
    """LWA and SP-API on one port; `answerers` serve the calls in turn, the last for ever."""

    def __init__(self) -> None:
        self.url = ""
        self.logins = 0
        self.requests: list[web.Request] = []
        self.answerers: list[Answerer] = []

    async def login(self, request: web.Request) -> web.Response:
        self.logins += 1
        return web.json_response({"access_token": f"token-{self.logins}", "expires_in": 3600})

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        answerer = self.answerers.pop(0) if len(self.answerers) > 1 else self.answerers[0]
        return await answerer(request)


@pytest.fixture
async def exits() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
async def amazon(exits: AsyncExitStack) -> Amazon:
    made = Amazon()
    app = web.Application()
    app.router.add_post("/auth/o2/token", made.login)
    app.router.add_route("*", "/{path:.*}", made.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    exits.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    made.url = f"http://{host}:{port}"
    return made


@pytest.fixture
async def session(exits: AsyncExitStack) -> aiohttp.ClientSession:
    return await exits.enter_async_context(aiohttp.ClientSession())


@pytest.fixture
def metrics() -> CountedCalls:
    return CountedCalls()


@pytest.fixture
async def http(exits: AsyncExitStack) -> Client | None:
    made = Client(OpenDialler(within_s=5.0), connections=16)
    exits.push_async_callback(made.aclose)
    return made


@pytest.fixture
def client(
    amazon: Amazon,
    session: aiohttp.ClientSession,
    http: Client | None,
    metrics: CountedCalls,
) -> SpApiClient:
    return make_client(
        ClientNeeds(
            session=session,
            http=http,
            directory=FakeDirectory(),
            buckets=MemoryBuckets(SystemClock()),
            clock=SystemClock(),
            metrics=metrics,
        ),
        ClientOptions(
            endpoint=amazon.url,
            lwa_endpoint=f"{amazon.url}/auth/o2/token",
            timeout_s=0.3,
            agent_suffix="acme",
        ),
    )
