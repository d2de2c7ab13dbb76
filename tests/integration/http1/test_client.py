"""The client over real sockets: connections kept, replaced and bounded; judged by other servers."""

import asyncio
import datetime as dt
import http.server
import threading
from contextlib import asynccontextmanager

import pytest
import uvloop
from aiohttp import web

from gateway.clock import SystemClock
from gateway.http1.client import Client
from gateway.http1.dialling import OpenDialler
from gateway.http1.faults import ConnectError, DisconnectedError
from gateway.http1.messages import Answer, Origin, ending, field_lines, request_line
from tests.support.certificates import Authority
from tests.support.receivers import answer, receiver

LOOPBACK = "127.0.0.1"


def request(port, body=b"hello", path="/hook?a=1"):
    head = request_line("POST", path, f"{LOOPBACK}:{port}") + field_lines({"X-Told": "yes"})
    return head + ending(len(body)) + body


@asynccontextmanager
async def client(**options):
    made = Client(OpenDialler(within_s=5.0), **{"connections": 8, **options})
    try:
        yield made
    finally:
        await made.aclose()


async def ask(made, port, *, repeat=True, context=None, host=LOOPBACK, most=1_000_000):
    got = Answer(most)
    await made.send(Origin(host, port, context), request(port), got, repeat=repeat)
    return got


async def closes(reader, writer):
    return


# ── connections ──────────────────────────────────────────────────────────────────────────────────


async def test_requests_one_by_one_share_a_connection():
    async with receiver(answer(200, body=b"ok")) as got, client() as made:
        for _ in range(5):
            assert (await ask(made, got.port)).body == b"ok"
    assert got.connections == 1
    assert {r.body for r in got.requests} == {b"hello"}


async def test_no_more_are_in_use_at_once_than_allowed():
    async def slow(reader, writer):
        await asyncio.sleep(0.01)
        writer.write(answer(200))
        await writer.drain()

    async with receiver(slow) as got, client(connections=3) as made:
        most = 0

        async def one():
            nonlocal most
            await ask(made, got.port)
            most = max(most, got.open)

        await asyncio.gather(*(one() for _ in range(12)))
    assert len(got.requests) == 12
    assert most <= 3


async def test_a_request_that_found_its_kept_connection_closed_is_sent_once_more_on_a_new_one():
    async with receiver(answer(200), answer(200), closes, answer(201)) as got, client() as made:
        for _ in range(2):
            await asyncio.gather(ask(made, got.port))
        assert (await ask(made, got.port)).status == 201
    assert (got.connections, len(got.requests)) == (2, 4)


async def test_it_is_not_where_it_must_not_arrive_twice():
    async with receiver(answer(200), closes, answer(200)) as got, client() as made:
        await ask(made, got.port)
        with pytest.raises(DisconnectedError):
            await ask(made, got.port, repeat=False)
        assert (await ask(made, got.port)).status == 200
    assert len(got.requests) == 3


async def test_it_is_not_on_a_new_connection_or_once_an_answer_has_begun():
    async def begins(reader, writer):
        writer.write(b"HTTP/1.1 20")
        await writer.drain()

    async with receiver(closes) as got, client() as made:
        with pytest.raises(DisconnectedError):
            await ask(made, got.port)
    assert len(got.requests) == 1
    async with receiver(answer(200), begins) as got, client() as made:
        await ask(made, got.port)
        with pytest.raises(DisconnectedError):
            await ask(made, got.port)
    assert len(got.requests) == 2


async def test_an_idle_connection_is_closed_in_time():
    async with receiver(answer(200)) as got, client(kept_s=0.02) as made:
        await ask(made, got.port)
        async with asyncio.timeout(5):
            while got.open:
                await asyncio.sleep(0.001)
        assert (await ask(made, got.port)).status == 200
    assert got.connections == 2


async def test_a_connection_that_the_peer_closed_while_idle_is_not_used():
    async def answers_once(reader, writer):
        writer.write(answer(200))
        await writer.drain()

    async with receiver(answers_once) as got, client() as made:
        for number in range(3):
            await ask(made, got.port)
            async with asyncio.timeout(5):
                while got.open:
                    await asyncio.sleep(0.001)
            await asyncio.sleep(0.01)
            assert got.connections == len(got.requests) == number + 1


async def test_nobody_listens():
    async with receiver(answer(200)) as got:
        port = got.port
    async with client() as made:
        with pytest.raises(ConnectError, match="no connection"):
            await ask(made, port)


async def test_closing_drops_what_is_open():
    async with receiver(answer(200)) as got:
        async with client() as made:
            await asyncio.gather(*(ask(made, got.port) for _ in range(4)))
            assert got.open
        async with asyncio.timeout(5):
            while got.open:
                await asyncio.sleep(0.001)


# ── other servers, and another loop ──────────────────────────────────────────────────────────────


async def test_aiohttps_server_understands_us_and_we_understand_it():
    async def echo(asked):
        body = await asked.read()
        if asked.query["a"] == "1" and asked.headers["X-Told"] == "yes":
            streamed = web.StreamResponse(status=202, headers={"X-Length": str(len(body))})
            await streamed.prepare(asked)
            for at in range(0, len(body), 1000):
                await streamed.write(body[at : at + 1000])
            await streamed.write_eof()
            return streamed
        return web.Response(status=500)

    app = web.Application()
    app.router.add_post("/hook", echo)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, 0).start()
    port = runner.addresses[0][1]
    async with client() as made:
        for size in (0, 1, 100_000):
            got = Answer(1_000_000)
            await made.send(Origin(LOOPBACK, port), request(port, b"x" * size), got)
            assert (got.status, got.body) == (202, b"x" * size)
            assert got.header(b"x-length") == str(size)
    await runner.cleanup()


class Standard(http.server.BaseHTTPRequestHandler):
    """The standard library's server, in both versions of HTTP."""

    connections = 0

    def setup(self):
        type(self).connections += 1
        super().setup()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        if self.protocol_version == "HTTP/1.1":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.mark.parametrize(("version", "connections"), [("HTTP/1.1", 1), ("HTTP/1.0", 3)])
async def test_the_standard_librarys_server_too(version, connections):
    handler = type("Handler", (Standard,), {"protocol_version": version})
    server = http.server.ThreadingHTTPServer((LOOPBACK, 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        async with client() as made:
            for _ in range(3):
                assert (await ask(made, server.server_address[1])).body == b"hello"
    finally:
        await asyncio.to_thread(server.shutdown)
        server.server_close()
        thread.join()
    assert handler.connections == connections


def test_uvloop_with_tls(tmp_path):
    """As in production; its transports differ from asyncio's."""
    now = dt.datetime.fromtimestamp(SystemClock().now_ms() / 1000, dt.UTC)
    authority = Authority(tmp_path, now=now)

    async def main():
        tls = authority.server("localhost")
        async with (
            receiver(answer(200, body=b"x" * 50_000), closes, answer(200), tls=tls) as got,
            client() as made,
        ):
            trust = authority.trust()
            first = await ask(made, got.port, context=trust, host="localhost")
            second = await ask(made, got.port, context=trust, host="localhost", most=10)
            assert (first.body, second.status) == (b"x" * 50_000, 200)
        assert got.connections == 2

    uvloop.run(main())
