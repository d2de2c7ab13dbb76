"""How the gateway makes itself known to a receiver, by which way, and where the time goes."""

import asyncio
import base64
import datetime as dt
import json
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import parse_qs

import pytest

from gateway.clock import SystemClock
from gateway.delivery.faults import ErrorClass
from gateway.endpoints import BasicAuth, BearerAuth, ClientCertificate, OAuth2Auth
from tests.integration.delivery.conftest import FixedResolver, attempt, endpoint
from tests.support.certificates import Authority
from tests.support.receivers import answer, receiver

NOW = dt.datetime.fromtimestamp(SystemClock().now_ms() / 1000, dt.UTC)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path, now=NOW)


@pytest.fixture
def ca_file(tmp_path, authority):
    file = tmp_path / "ca.pem"
    file.write_text(authority.pem)
    return file


# ── credentials in the request ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("auth", "sent"),
    [
        (
            BasicAuth(username="jürgen", password="s:ecret"),
            "Basic " + base64.b64encode("jürgen:s:ecret".encode()).decode(),
        ),
        (BearerAuth(token="t0ken"), "Bearer t0ken"),
    ],
)
async def test_credentials_go_along_and_are_masked_in_the_record(open_sender, auth, sent):
    async with receiver(answer(200)) as got, open_sender() as sender:
        to = endpoint(got.url(), auth=auth, headers={"X-Api-Key": "k3y", "X-Tenant": "7"})
        assert (await attempt(sender, to)).error_class is None
        shown = json.loads(sender.prepare(to).sent_headers)
    assert got.requests[0].headers["authorization"] == sent
    assert got.requests[0].headers["x-api-key"] == "k3y"
    assert shown["X-Tenant"] == "7"
    assert shown["Authorization"] == sent.split()[0] + " [masked]"
    assert "k3y" not in json.dumps(shown)


def oauth2(url):
    return OAuth2Auth(token_url=url, client_id="gate way", client_secret="s/cret", scope="hooks")


def token(text, *, expires_in=3600):
    return answer(200, body=json.dumps({"access_token": text, "expires_in": expires_in}).encode())


async def test_an_oauth2_token_is_fetched_once_and_used_until_it_ends(open_sender):
    async with (
        receiver(token("one"), token("two")) as server,
        receiver(answer(200)) as got,
        open_sender() as sender,
    ):
        to = endpoint(got.url(), auth=oauth2(server.url(path="/token")))
        await asyncio.gather(*(attempt(sender, to) for _ in range(8)))
        assert len(server.requests) == 1
        assert {r.headers["authorization"] for r in got.requests} == {"Bearer one"}
    (asked,) = server.requests
    form = parse_qs(asked.body.decode())
    assert form == {"grant_type": ["client_credentials"], "scope": ["hooks"]}
    expected = base64.b64encode(b"gate+way:s%2Fcret").decode()
    assert asked.headers["authorization"] == f"Basic {expected}"


async def test_a_token_that_ends_soon_or_is_refused_is_fetched_again(open_sender):
    async with (
        receiver(token("one"), token("two", expires_in=30), token("three")) as server,
        receiver(answer(401), answer(200)) as got,
        open_sender() as sender,
    ):
        to = endpoint(got.url(), auth=oauth2(server.url(path="/token")))
        assert (await attempt(sender, to)).status == 401
        for _ in range(2):
            assert (await attempt(sender, to)).status == 200
    sent = [r.headers["authorization"] for r in got.requests]
    assert sent == ["Bearer one", "Bearer two", "Bearer three"]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (answer(401, body=b'{"error":"invalid_client"}'), "401 (invalid_client)"),
        (answer(500), "answered 500"),
        (answer(200, body=b"no json"), "no access_token"),
        (answer(200, body=b'{"access_token":7}'), "can't be sent"),
        (answer(200, body=b'{"access_token":"a\\r\\nX: y"}'), "can't be sent"),
    ],
)
async def test_a_token_server_that_refuses_is_a_fault_of_the_configuration(
    open_sender, said, words
):
    async with receiver(said) as server, receiver(answer(200)) as got, open_sender() as sender:
        reply = await attempt(sender, endpoint(got.url(), auth=oauth2(server.url())))
    assert (reply.error_class, reply.charged) == (ErrorClass.BAD_CREDENTIALS, True)
    assert words in reply.error
    assert "s/cret" not in reply.error
    assert got.requests == []


async def test_the_guard_holds_for_the_token_server(open_sender):
    async with receiver(answer(200)) as got, open_sender() as sender:
        for url in ("http://10.0.0.1/token", "http://169.254.169.254/latest"):
            reply = await attempt(sender, endpoint(got.url(), auth=oauth2(url)))
            assert reply.error_class is ErrorClass.BLOCKED_ADDRESS
    assert got.requests == []


# ── credentials of the connection ────────────────────────────────────────────────────────────────


async def test_a_client_certificate_is_shown_where_one_is_asked_for(
    open_sender, authority, ca_file, tmp_path
):
    (tmp_path / "clients").mkdir()
    clients = Authority(tmp_path / "clients", now=NOW)
    certificate, key = clients.client("the gateway")
    server = authority.server("hooks.example", clients=clients)
    names = FixedResolver({"hooks.example": [["127.0.0.1"]]})
    async with (
        receiver(answer(200), tls=server) as got,
        open_sender(names, ca_file=ca_file, ssl_context=authority.trust()) as sender,
    ):
        url = got.url(scheme="https", host="hooks.example")
        shown = ClientCertificate(certificate=certificate, private_key=key)
        assert (await attempt(sender, endpoint(url, client_certificate=shown))).status == 200
        # A connection with the certificate is nobody else's.
        reply = await attempt(sender, endpoint(url))
        assert reply.error_class in (ErrorClass.TLS, ErrorClass.DISCONNECTED)
    assert len(got.requests) == 1


async def test_a_certificate_without_its_key_is_a_fault_of_the_configuration(
    open_sender, authority
):
    certificate, _ = authority.client("one")
    _, other_key = authority.client("two")
    shown = ClientCertificate(certificate=certificate, private_key=other_key)
    async with open_sender() as sender:
        reply = await attempt(sender, endpoint("https://127.0.0.1/", client_certificate=shown))
    assert reply.error_class is ErrorClass.BAD_CREDENTIALS
    assert "PRIVATE KEY" not in reply.error


# ── by way of a proxy ────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def proxy(*, refuses=None):
    """An HTTP proxy on loopback; yields its URL and the lines that it was asked with."""
    asked, tasks = [], set()

    async def pump(reader, writer):
        try:
            while chunk := await reader.read(65536):
                writer.write(chunk)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def serve(reader, writer):
        tasks.add(asyncio.current_task())
        head = await reader.readuntil(b"\r\n\r\n")
        line = head.split(b"\r\n")[0].decode()
        asked.append(line)
        if refuses is not None:
            writer.write(answer(refuses))
            writer.close()
            return
        method, target, _ = line.split()
        authority = target if method == "CONNECT" else target.split("/")[2]
        host, _, port = authority.rpartition(":")
        to_reader, to_writer = await asyncio.open_connection(host, int(port))
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        else:
            to_writer.write(head)
        await asyncio.gather(pump(reader, to_writer), pump(to_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_proxy_is_told_the_vetted_address_and_tls_ends_at_the_receiver(
    open_sender, authority
):
    names = FixedResolver({"hooks.example": [["127.0.0.1"], ["10.0.0.1"]]})
    async with (
        proxy() as (proxy_url, asked),
        receiver(answer(200), tls=authority.server("hooks.example")) as got,
        open_sender(names, proxy_url=proxy_url, ssl_context=authority.trust()) as sender,
    ):
        to = endpoint(got.url(scheme="https", host="hooks.example"))
        for _ in range(3):
            assert (await attempt(sender, to)).status == 200
    assert asked == [f"CONNECT 127.0.0.1:{got.port} HTTP/1.1"]
    assert {r.headers["host"] for r in got.requests} == {f"hooks.example:{got.port}"}
    assert names.asked == ["hooks.example"]


async def test_plain_http_goes_by_the_proxy_too(open_sender):
    names = FixedResolver({"hooks.example": [["127.0.0.1"]]})
    async with (
        proxy() as (proxy_url, asked),
        receiver(answer(200)) as got,
        open_sender(names, proxy_url=proxy_url) as sender,
    ):
        assert (await attempt(sender, endpoint(got.url(host="hooks.example")))).status == 200
    assert asked == [f"POST http://127.0.0.1:{got.port}/hook HTTP/1.1"]
    assert got.requests[0].headers["host"] == f"hooks.example:{got.port}"


@pytest.mark.parametrize(
    "answers", [["10.0.0.1"], ["93.184.216.34", "10.0.0.1"], ["169.254.169.254"]]
)
async def test_the_guard_is_on_behind_a_proxy(open_sender, answers):
    names = FixedResolver({"hooks.example": [answers]})
    async with proxy() as (proxy_url, asked), open_sender(names, proxy_url=proxy_url) as sender:
        for url in ("http://hooks.example/", "http://10.0.0.1/", "http://0x7f000001/"):
            reply = await attempt(sender, endpoint(url))
            assert reply.error_class is ErrorClass.BLOCKED_ADDRESS, url
    assert asked == []


@pytest.mark.parametrize(
    ("refuses", "error_class", "charged"),
    [
        (407, ErrorClass.OWN_PROXY, False),
        (403, ErrorClass.OWN_PROXY, False),
        (502, ErrorClass.CONNECT, True),
        (504, ErrorClass.CONNECT, True),
    ],
)
async def test_a_tunnel_that_is_refused(open_sender, refuses, error_class, charged):
    async with proxy(refuses=refuses) as (proxy_url, _), open_sender(proxy_url=proxy_url) as sender:
        reply = await attempt(sender, endpoint("https://127.0.0.1:9/"))
    assert (reply.error_class, reply.charged) == (error_class, charged)


async def test_a_proxy_that_is_down_is_nobody_elses_fault(open_sender):
    async with open_sender(proxy_url="http://127.0.0.1:9") as sender:
        for url in ("https://127.0.0.1:9/", "http://127.0.0.1:9/"):
            reply = await attempt(sender, endpoint(url))
            assert (reply.error_class, reply.charged) == (ErrorClass.OWN_PROXY, False)


# ── where the time goes, and how many connections there are ──────────────────────────────────────


async def test_the_time_is_split(open_sender, authority):
    async def thinks(reader, writer):
        await asyncio.sleep(0.15)
        writer.write(answer(200))
        await writer.drain()

    class SlowNames(FixedResolver):
        async def lookup(self, host):
            await asyncio.sleep(0.1)
            return await super().lookup(host)

    names = SlowNames({"hooks.example": [["127.0.0.1"]]})
    async with (
        receiver(thinks, tls=authority.server("hooks.example")) as got,
        open_sender(names, ssl_context=authority.trust()) as sender,
    ):
        reply = await attempt(sender, endpoint(got.url(scheme="https", host="hooks.example")))
    split = reply.timings
    assert split.dns_ms >= 99
    assert split.connect_ms >= 0
    assert split.tls_ms >= 0
    assert split.first_byte_ms >= 149
    assert sum(split) <= reply.duration_ms + 4


async def test_a_kept_connection_has_no_times_of_its_making(open_sender):
    async with receiver(answer(200)) as got, open_sender() as sender:
        first, second = [await attempt(sender, endpoint(got.url())) for _ in range(2)]
    assert first.timings.connect_ms is not None
    assert (first.timings.dns_ms, first.timings.tls_ms) == (None, None)
    assert (second.timings.connect_ms, second.timings.dns_ms) == (None, None)
    assert second.timings.first_byte_ms is not None


async def test_a_fault_keeps_the_times_as_far_as_it_came(open_sender):
    async def silent(reader, writer):
        await reader.read()

    async with receiver(silent) as got, open_sender() as sender:
        reply = await attempt(sender, endpoint(got.url(), timeout_s=0.2))
    assert reply.error_class is ErrorClass.TIMEOUT
    assert (reply.timings.connect_ms is None, reply.timings.first_byte_ms) == (False, None)
    assert reply.signature.startswith("v1,")


async def test_idle_connections_are_bounded_over_all_endpoints(open_sender):
    async with AsyncExitStack() as stack, open_sender(connections=4) as sender:
        receivers = [await stack.enter_async_context(receiver(answer(200))) for _ in range(10)]
        for _ in range(2):
            for got in receivers:
                assert (await attempt(sender, endpoint(got.url()))).status == 200
        async with asyncio.timeout(5):
            while sum(got.open for got in receivers) > 4:
                await asyncio.sleep(0.001)
        assert any(got.open for got in receivers)
