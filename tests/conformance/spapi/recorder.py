"""A local server in Amazon's place: it keeps each request and answers what it was told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from tests.conformance.spapi.expected import Arrived

RESTRICTED_TOKEN = "/tokens/2021-03-01/restrictedDataToken"


@dataclass
class Recorder:
    """What arrived, and what is answered next.

    Attributes:
        judges_tokens: Whether a request for a restricted data token is itself what is judged; else
            it is answered and not kept, as logins are.
    """

    url: str = ""
    judges_tokens: bool = False
    status: int = 200
    body: bytes = b""
    arrived: list[Arrived] = field(default_factory=list)

    async def login(self, _request: web.Request) -> web.Response:
        return web.json_response({"access_token": "Atza|token", "expires_in": 3600})

    async def answer(self, request: web.Request) -> web.Response:
        path, _, query = request.raw_path.partition("?")
        if path == RESTRICTED_TOKEN and not self.judges_tokens:
            return web.json_response({"restrictedDataToken": "Atz|token", "expiresIn": 3600})
        self.arrived.append(
            Arrived(
                method=request.method,
                path=path,
                query=query,
                headers={name.lower(): value for name, value in request.headers.items()},
                body=await request.read(),
            )
        )
        return web.Response(
            status=self.status,
            body=self.body,
            content_type="application/json",
            headers={"x-amzn-RequestId": "REQUEST-ID"},
        )


@asynccontextmanager
async def recording_server() -> AsyncIterator[Recorder]:
    """Run the server on a free loopback port."""
    recorder = Recorder()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post("/auth/o2/token", recorder.login)
    app.router.add_route("*", "/{path:.*}", recorder.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        recorder.url = f"http://{host}:{port}"
        yield recorder
    finally:
        await runner.cleanup()
