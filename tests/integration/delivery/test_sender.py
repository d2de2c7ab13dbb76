"""Every row of the sender's table with real sockets, and receivers that mean no good."""

import asyncio
import datetime as dt
import gzip
import socket
import struct
from email.utils import format_datetime

import pytest
import standardwebhooks

from gateway.clock import SystemClock
from gateway.delivery.egress import EgressPolicy
from gateway.delivery.faults import ErrorClass
from gateway.delivery.signing import encode_secret, new_secret
from tests.integration.delivery.conftest import BODY, LOOPBACK, FixedResolver, attempt, endpoint
from tests.support.certificates import Authority
from tests.support.receivers import answer, receiver


async def test_what_is_sent_is_the_stored_body_signed(open_sender):
    secret = new_secret(0)
    async with receiver(answer(204)) as got, open_sender(user_agent="gw/1") as sender:
        reply = await attempt(
            sender, endpoint(got.url(), secrets=(secret,), headers={"Authorization": "Bearer x"})
        )
    (request,) = got.requests
    assert request.line == "POST /hook HTTP/1.1"
    assert request.body == BODY
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["user-agent"] == "gw/1"
    assert request.headers["authorization"] == "Bearer x"
    assert request.headers["host"] == f"127.0.0.1:{got.port}"
    assert request.headers["webhook-id"] == "evt_1"
    standardwebhooks.Webhook(encode_secret(secret)).verify(request.body, request.headers)
    assert reply.error_class is None
    assert (reply.status, reply.address) == (204, f"127.0.0.1:{got.port}")


@pytest.mark.parametrize(
    ("status", "error_class"),
    [
        (200, None),
        (201, None),
        (299, None),
        (300, ErrorClass.REDIRECT),
        (302, ErrorClass.REDIRECT),
        (304, ErrorClass.REDIRECT),
        (400, ErrorClass.HTTP_4XX),
        (404, ErrorClass.HTTP_4XX),
        (410, ErrorClass.GONE),
        (429, ErrorClass.THROTTLED),
        (500, ErrorClass.HTTP_5XX),
        (502, ErrorClass.UNAVAILABLE),
        (503, ErrorClass.UNAVAILABLE),
        (504, ErrorClass.UNAVAILABLE),
        (599, ErrorClass.HTTP_5XX),
        (700, ErrorClass.BAD_ANSWER),
    ],
)
async def test_each_status(open_sender, status, error_class):
    body = b"" if status in {204, 304} else b"said so"
    async with receiver(answer(status, body=body)) as got, open_sender() as sender:
        reply = await attempt(sender, endpoint(got.url()))
    assert (reply.status, reply.error_class, reply.answer) == (status, error_class, body)
    assert (reply.error is None) == (error_class is None)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(open_sender, status):
    async with receiver(answer(200)) as elsewhere:
        moved = answer(status, headers={"Location": elsewhere.url()})
        async with receiver(moved) as got, open_sender() as sender:
            reply = await attempt(sender, endpoint(got.url()))
    assert reply.error_class is ErrorClass.REDIRECT
    assert elsewhere.connections == 0


def now():
    return dt.datetime.fromtimestamp(SystemClock().now_ms() / 1000, dt.UTC)


def in_an_hour():
    return format_datetime(now() + dt.timedelta(hours=1), usegmt=True)


@pytest.mark.parametrize(
    ("value", "least_s", "most_s"),
    [(lambda: "120", 120, 120), (in_an_hour, 3500, 3600)],
    ids=["seconds", "date"],
)
@pytest.mark.parametrize("status", [302, 404, 429, 500, 503])
async def test_retry_after_of_a_failing_answer(open_sender, status, value, least_s, most_s):
    asked = answer(status, headers={"Retry-After": value()})
    async with receiver(asked) as got, open_sender() as sender:
        reply = await attempt(sender, endpoint(got.url()))
    assert least_s <= reply.retry_after_s <= most_s


async def test_retry_after_of_a_good_answer_means_nothing(open_sender):
    async with receiver(answer(200, headers={"Retry-After": "9"})) as got, open_sender() as sender:
        assert (await attempt(sender, endpoint(got.url()))).retry_after_s is None


# ── hostile receivers ────────────────────────────────────────────────────────────────────────────


async def never_answers(reader, writer):
    await reader.read()


async def drips_headers(reader, writer):
    for byte in answer(200, headers={"X-Long": "a" * 10_000}):
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.02)


async def drips_body(reader, writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def drips_a_refusal(reader, writer):
    writer.write(b"HTTP/1.1 503 No\r\nRetry-After: 7\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def says_continue_for_ever(reader, writer):
    while True:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.001)


@pytest.mark.parametrize(
    ("behaviour", "status", "error_class"),
    [
        (never_answers, None, ErrorClass.TIMEOUT),
        (drips_headers, None, ErrorClass.TIMEOUT),
        (says_continue_for_ever, None, ErrorClass.TIMEOUT),
        (drips_body, 200, ErrorClass.TIMEOUT),
        (drips_a_refusal, 503, ErrorClass.UNAVAILABLE),
    ],
)
async def test_the_deadline_bounds_slow_receivers(open_sender, behaviour, status, error_class):
    loop = asyncio.get_running_loop()
    async with receiver(behaviour) as got, open_sender() as sender:
        began_s = loop.time()
        reply = await attempt(sender, endpoint(got.url(), timeout_s=0.3))
        took_s = loop.time() - began_s
    assert 0.29 < took_s < 2
    assert (reply.status, reply.error_class) == (status, error_class)
    assert reply.retry_after_s == (7 if status == 503 else None)


async def test_an_endless_answer_is_cut_and_the_connection_dropped(open_sender):
    sent = 0

    async def endless(reader, writer):
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            sent += 65536
            await writer.drain()

    async with receiver(endless) as got, open_sender() as sender:
        reply = await attempt(sender, endpoint(got.url()))
        again = await attempt(sender, endpoint(got.url()))
    assert reply.error_class is None
    assert reply.answer == b"x" * 16384
    assert again.error_class is None
    assert got.connections == 2
    assert sent < 50_000_000


async def test_a_gzip_bomb_is_kept_small(open_sender):
    bomb = gzip.compress(bytes(20_000_000))
    said = answer(200, headers={"Content-Encoding": "gzip"}, body=bomb)
    async with receiver(said) as got, open_sender() as sender:
        reply = await attempt(sender, endpoint(got.url()))
    assert reply.error_class is None
    assert reply.answer == bytes(16384)


async def test_a_compressed_answer_is_shown_decoded(open_sender):
    said = answer(400, headers={"Content-Encoding": "gzip"}, body=gzip.compress(b"no such order"))
    async with receiver(said) as got, open_sender() as sender:
        assert (await attempt(sender, endpoint(got.url()))).answer == b"no such order"


@pytest.mark.parametrize(
    "said",
    [
        answer(200, headers={f"X-{n}": "a" for n in range(10_000)}),
        answer(200, headers={"X-Long": "a" * 20_000}),
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
    ],
    ids=["many headers", "long header", "another protocol", "no status"],
)
async def test_what_is_no_bounded_http_is_a_bad_answer(open_sender, said):
    async with receiver(said) as got, open_sender() as sender:
        reply = await attempt(sender, endpoint(got.url()))
    assert (reply.status, reply.error_class) == (None, ErrorClass.BAD_ANSWER)


async def test_a_connection_closed_instead_of_an_answer(open_sender):
    async def closes(reader, writer):
        return

    async with receiver(closes) as got, open_sender() as sender:
        reply = await attempt(sender, endpoint(got.url()))
    assert reply.error_class is ErrorClass.DISCONNECTED
    assert reply.address == f"127.0.0.1:{got.port}"
    assert len(got.requests) == 1


async def test_a_half_closed_connection(open_sender):
    async def half_closes(reader, writer):
        writer.write_eof()
        await reader.read()

    async with receiver(half_closes) as got, open_sender() as sender:
        reply = await attempt(sender, endpoint(got.url()))
    assert reply.error_class is ErrorClass.DISCONNECTED


async def test_a_reset_instead_of_an_answer(open_sender):
    async def resets(reader, writer):
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async with receiver(resets) as got, open_sender() as sender:
        reply = await attempt(sender, endpoint(got.url()))
    assert reply.error_class is ErrorClass.DISCONNECTED


async def test_a_body_that_breaks_off_after_a_good_status_is_delivered(open_sender):
    async def breaks_off(reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()

    async with receiver(breaks_off) as got, open_sender() as sender:
        reply = await attempt(sender, endpoint(got.url()))
    assert (reply.status, reply.error_class) == (200, None)
    assert "cut off" in reply.error


async def test_nobody_listens(open_sender):
    async with receiver(answer(200)) as got:
        url = got.url()
    async with open_sender() as sender:
        reply = await attempt(sender, endpoint(url))
    assert reply.error_class is ErrorClass.CONNECT
    assert reply.address == f"127.0.0.1:{got.port}"


# ── connections ──────────────────────────────────────────────────────────────────────────────────


async def test_connections_are_reused(open_sender):
    async with receiver(answer(200, body=b"ok")) as got, open_sender() as sender:
        replies = [await attempt(sender, endpoint(got.url())) for _ in range(5)]
    assert got.connections == 1
    assert {reply.address for reply in replies} == {f"127.0.0.1:{got.port}"}


async def test_a_kept_connection_that_dies_is_replaced_within_the_attempt(open_sender):
    async def closes(reader, writer):
        return

    async with receiver(answer(200), closes, answer(200)) as got, open_sender() as sender:
        to = endpoint(got.url())
        first = await attempt(sender, to)
        second = await attempt(sender, to)
    assert (first.error_class, second.error_class) == (None, None)
    assert got.connections == 2
    assert [request.headers["webhook-id"] for request in got.requests] == ["evt_1"] * 3


async def test_cookies_are_not_kept(open_sender):
    said = answer(200, headers={"Set-Cookie": "session=1"})
    async with receiver(said) as got, open_sender() as sender:
        await attempt(sender, endpoint(got.url()))
        await attempt(sender, endpoint(got.url()))
    assert all("cookie" not in request.headers for request in got.requests)


async def test_proxies_of_the_environment_are_not_used(open_sender, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with receiver(answer(200)) as got, open_sender() as sender:
        assert (await attempt(sender, endpoint(got.url()))).error_class is None


# ── TLS ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path, now=now())


async def test_tls_keeps_name_and_host_while_dialling_the_vetted_address(open_sender, authority):
    resolver = FixedResolver({"hooks.example.com": [["127.0.0.1"]]})
    tls = authority.server("hooks.example.com")
    async with (
        receiver(answer(200), tls=tls) as got,
        open_sender(resolver, ssl_context=authority.trust()) as sender,
    ):
        url = got.url(scheme="https", host="hooks.example.com")
        reply = await attempt(sender, endpoint(url))
    assert reply.error_class is None
    assert reply.address == f"127.0.0.1:{got.port}"
    assert got.requests[0].headers["host"] == f"hooks.example.com:{got.port}"


@pytest.mark.parametrize(
    ("names", "days", "trusted", "error_class"),
    [
        (["other.example.com"], 5, True, ErrorClass.TLS_NAME),
        (["hooks.example.com"], -1, True, ErrorClass.TLS_CERTIFICATE),
        (["hooks.example.com"], 5, False, ErrorClass.TLS_CERTIFICATE),
    ],
    ids=["another name", "expired", "not trusted"],
)
async def test_certificates_that_do_not_hold(
    open_sender, authority, names, days, trusted, error_class
):
    resolver = FixedResolver({"hooks.example.com": [["127.0.0.1"]]})
    context = authority.trust() if trusted else None
    async with (
        receiver(answer(200), tls=authority.server(*names, days=days)) as got,
        open_sender(resolver, ssl_context=context) as sender,
    ):
        reply = await attempt(sender, endpoint(got.url(scheme="https", host="hooks.example.com")))
    assert reply.error_class is error_class
    assert got.requests == []


async def test_plain_http_behind_an_https_url(open_sender, authority):
    async with (
        receiver(answer(200)) as got,
        open_sender(ssl_context=authority.trust(), timeout_s=2.0) as sender,
    ):
        reply = await attempt(sender, endpoint(got.url(scheme="https")))
    assert reply.error_class in {ErrorClass.TLS, ErrorClass.TIMEOUT}
    assert got.requests == []


# ── the guard ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::ffff:127.0.0.1]", "2130706433", "0x7f000001", "localhost.internal"]
)
async def test_loopback_is_not_dialled_unless_allowed(open_sender, host):
    strict = EgressPolicy(allow_http=True, allowed_ports=["1-65535"])
    resolver = FixedResolver({"localhost.internal": [["127.0.0.1"]]})
    async with receiver(answer(200)) as got, open_sender(resolver, strict) as sender:
        reply = await attempt(sender, endpoint(got.url(host=host)))
    assert reply.error_class is ErrorClass.BLOCKED_ADDRESS
    assert got.connections == 0


async def test_a_rebinding_name_server_gets_nowhere(open_sender):
    public_then_private = [["127.0.0.1"], ["10.0.0.1"]]
    resolver = FixedResolver({"rebind.example.com": public_then_private})

    async with receiver(answer(200, headers={"Connection": "close"})) as got:
        url = got.url(host="rebind.example.com")
        async with open_sender(resolver, LOOPBACK) as sender:
            first = await attempt(sender, endpoint(url))
            asked_once = list(resolver.asked)
            second = await attempt(sender, endpoint(url))
    assert first.error_class is None
    assert asked_once == ["rebind.example.com"]
    assert second.error_class is ErrorClass.BLOCKED_ADDRESS
    assert "10.0.0.1" in second.error


async def test_one_forbidden_address_among_good_ones_refuses_the_name(open_sender):
    resolver = FixedResolver({"mixed.example.com": [["127.0.0.1", "10.0.0.1"]]})
    async with receiver(answer(200)) as got, open_sender(resolver) as sender:
        reply = await attempt(sender, endpoint(got.url(host="mixed.example.com")))
    assert reply.error_class is ErrorClass.BLOCKED_ADDRESS
    assert got.connections == 0


async def test_a_name_that_does_not_exist(open_sender):
    async with open_sender() as sender:
        reply = await attempt(sender, endpoint("https://nowhere.example.com/"))
    assert reply.error_class is ErrorClass.DNS_NAME
    assert reply.charged


@pytest.mark.parametrize(
    ("fields", "error_class"),
    [
        ({"url": "ftp://example.com/"}, ErrorClass.BAD_URL),
        ({"headers": {"webhook-id": "mine"}}, ErrorClass.BAD_HEADERS),
        ({"secrets": ()}, ErrorClass.NO_SECRET),
    ],
    ids=["url", "headers", "secrets"],
)
async def test_a_misconfigured_endpoint_is_not_called(open_sender, fields, error_class):
    async with receiver(answer(200)) as got, open_sender() as sender:
        reply = await attempt(sender, endpoint(**{"url": got.url(), **fields}))
    assert reply.error_class is error_class
    assert got.connections == 0


async def test_an_attempt_that_is_cut_off_leaves_nothing_behind(open_sender):
    async with receiver(never_answers) as got, open_sender() as sender:
        task = asyncio.create_task(attempt(sender, endpoint(got.url())))
        async with asyncio.timeout(5):
            while not got.requests:
                await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
