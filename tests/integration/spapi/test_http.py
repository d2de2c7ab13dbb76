"""The client against a server that answers as badly as Amazon's edge at times does."""

import asyncio
import gzip
import socket

import pytest
from aiohttp import web

from gateway.errors import SpApiAuthorizationError, SpApiRequestError, SpApiRetryableError
from gateway.http1.client import Client
from gateway.http1.dialling import OpenDialler
from gateway.spapi.lean_transport import LeanHttpTransport
from gateway.spapi.transport import HttpTransport, Request, TransportFault


@pytest.fixture(params=["lean", "aiohttp"])
async def http(request, exits):
    """One suite for both transports."""
    if request.param == "aiohttp":
        return None
    made = Client(OpenDialler(within_s=5.0), connections=16)
    exits.push_async_callback(made.aclose)
    return made


@pytest.fixture
def transport(http, session):
    def made(**options):
        other = HttpTransport(session, agent="test", **options)
        return other if http is None else LeanHttpTransport(http, other, agent="test", **options)

    return made


GET_ORDER = "orders.2026-01-01.getOrder"
ORDER = {"order": {"orderId": "902-1"}}


async def good(request):
    return web.json_response(ORDER, headers={"x-amzn-RateLimit-Limit": "0.5"})


async def html(request):
    return web.Response(
        status=503, body=b"<html>Service Unavailable</html>", content_type="text/html"
    )


async def empty(request):
    return web.Response(status=500)


async def cut_short(request):
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"order": {"orderId"')
    request.transport.close()
    return response


async def malformed(request):
    return web.Response(body=b'{"order": {"orderId"', content_type="application/json")


async def dropped(request):
    request.transport.close()
    return web.Response()


async def stalled(request):
    await asyncio.sleep(5)
    return web.json_response(ORDER)


async def refused(request):
    return web.json_response(
        {"errors": [{"code": "Unauthorized", "message": "denied"}]}, status=403
    )


async def call(client, **parameters):
    return await client.for_seller("S1").call(GET_ORDER, orderId="902-1", **parameters)


@pytest.mark.parametrize(
    ("bad", "outcome"),
    [
        (html, "failed"),
        (empty, "failed"),
        (cut_short, "unreachable"),
        (malformed, "ok"),
        (stalled, "timeout"),
    ],
)
async def test_a_bad_answer_is_survived(amazon, client, metrics, bad, outcome):
    amazon.answerers = [bad, good]

    assert await call(client) == ORDER
    assert [word for _, word in metrics.outcomes] == [outcome, "ok"]


async def test_a_dropped_connection_is_survived(amazon, client):
    amazon.answerers = [dropped, good]

    assert await call(client) == ORDER


@pytest.mark.parametrize("bad", [stalled, cut_short, html])
async def test_a_post_is_not_repeated(amazon, client, bad):
    amazon.answerers = [bad]

    with pytest.raises(SpApiRetryableError):
        await client.for_seller("S1").call("reports.2021-06-30.createReport", body={})
    assert len(amazon.requests) == 1


async def test_headers_are_those_that_amazon_asks_for(amazon, client):
    amazon.answerers = [good]
    await call(client)

    (request,) = amazon.requests
    assert request.headers["x-amz-access-token"] == "token-1"
    assert len(request.headers["x-amz-date"]) == len("20260131T090000Z")
    assert request.headers["user-agent"].startswith("spapi-event-gateway/")
    assert "(Language=Python/3." in request.headers["user-agent"]
    assert request.headers["user-agent"].endswith(" acme")
    assert "authorization" not in request.headers


async def test_parameters_arrive_as_they_were_given(amazon, client):
    async def echo(request):
        return web.json_response({"path": request.match_info["path"], "query": dict(request.query)})

    amazon.answerers = [echo]
    got = await client.for_seller("S1").call(
        "listingsItems.2021-08-01.getListingsItem",
        sellerId="S1",
        sku="a/b c%2F+é?",
        marketplaceIds=["M1", "M2"],
        issueLocale="de_DE&x=1",
    )

    assert got["path"] == "listings/2021-08-01/items/S1/a/b c%2F+é?"
    assert got["query"] == {"marketplaceIds": "M1,M2", "issueLocale": "de_DE&x=1"}
    assert "/a%2Fb%20c%252F%2B%C3%A9%3F?" in amazon.requests[0].raw_path


async def test_a_refused_token_is_renewed_once(amazon, client):
    amazon.answerers = [refused, good]
    assert await call(client) == ORDER
    amazon.answerers = [refused]
    with pytest.raises(SpApiAuthorizationError):
        await call(client)

    tokens = [request.headers["x-amz-access-token"] for request in amazon.requests]
    assert tokens == ["token-1", "token-2", "token-2"]


async def test_fifty_tasks_make_one_token_request(amazon, client):
    amazon.answerers = [good]
    names = (GET_ORDER, "orders.v0.getOrder")  # 29 tokens each; a repeated call takes another
    got = await asyncio.gather(
        *(
            client.for_seller("S1", patience_s=60.0).call(names[n % 2], orderId="902-1")
            for n in range(50)
        )
    )

    assert got == [ORDER] * 50
    assert amazon.logins == 1


async def test_a_redirect_is_not_followed(amazon, client):
    async def redirect(request):
        return web.Response(status=307, headers={"Location": "http://elsewhere.example/"})

    amazon.answerers = [redirect]
    with pytest.raises(SpApiRequestError, match="redirects are not followed"):
        await call(client)


async def test_an_answer_beyond_all_bounds_is_refused(amazon, transport):
    async def endless(request):
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65536)
        except (ConnectionError, asyncio.CancelledError):
            return response

    amazon.answerers = [endless]
    request = Request(operation="o", seller_id=None, method="GET", url=f"{amazon.url}/x")

    with pytest.raises(SpApiRequestError, match="larger than 1000000 bytes"):
        await transport(max_body_bytes=1_000_000).send(request)


async def test_no_connection_means_nothing_was_sent(transport):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    with pytest.raises(TransportFault) as caught:
        await transport().send(
            Request(operation="o", seller_id="S1", method="POST", url=f"http://127.0.0.1:{port}/x")
        )
    assert not caught.value.sent


async def test_a_get_on_a_cut_connection_is_not_repeated_behind_the_throttle(amazon, transport):
    amazon.answerers = [good, dropped, good]
    request = Request(operation="o", seller_id=None, method="GET", url=f"{amazon.url}/x")
    made = transport()

    assert (await made.send(request)).status == 200
    with pytest.raises(TransportFault):
        await made.send(request)
    assert len(amazon.requests) == 2


async def test_a_packed_answer_is_unpacked_within_its_bound(amazon, transport):
    async def packed(request):
        assert "gzip" in request.headers["accept-encoding"]
        body = gzip.compress(b"x" * 2_000_000)
        return web.Response(body=body, headers={"Content-Encoding": "gzip"})

    amazon.answerers = [packed, packed]
    request = Request(operation="o", seller_id=None, method="GET", url=f"{amazon.url}/x")

    assert (await transport().send(request)).body == b"x" * 2_000_000
    with pytest.raises(SpApiRequestError, match="larger than 1000000 bytes"):
        await transport(max_body_bytes=1_000_000).send(request)
