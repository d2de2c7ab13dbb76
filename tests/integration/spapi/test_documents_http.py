"""Documents over HTTP, from a host that answers well and badly."""

import asyncio
import gzip

import pytest
from aiohttp import web

from gateway.errors import SpApiRequestError, SpApiRetryableError
from gateway.spapi.documents.host import DeadUrlError, HttpDocumentHost, Link

CONTENT = b"sku\tname\r\n" * 50_000


def asked(amazon, path="/bucket/one?X-Amz-Signature=secret", **more):
    """Let SP-API name a document on this server, then let `more` answerers serve it."""

    async def named(request):
        return web.json_response(
            {
                "reportDocumentId": "D1",
                "feedDocumentId": "F1",
                "url": amazon.url + path,
                **more,
            }
        )

    return named


async def packed(request):
    return web.Response(
        body=gzip.compress(CONTENT),
        headers={"Content-Encoding": "gzip", "Content-Type": "text/plain;charset=UTF-8"},
    )


async def expired(request):
    return web.Response(status=403, text="<Error><Message>Request has expired</Message></Error>")


async def busy(request):
    return web.Response(status=503, text="<Error><Code>SlowDown</Code></Error>")


async def cut_short(request):
    response = web.StreamResponse(headers={"Content-Length": "100000"})
    await response.prepare(request)
    await response.write(b"x" * 1000)
    request.transport.close()
    return response


async def stalled(request):
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"x" * 1000)
    await asyncio.sleep(5)
    return response


async def moved(request):
    return web.Response(status=302, headers={"Location": "/elsewhere"})


async def read(client):
    async with client.for_seller("S1").documents.report("D1") as document:
        return b"".join([piece async for piece in document]), document


async def test_a_packed_document_is_streamed_and_no_token_goes_to_its_host(amazon, client):
    amazon.answerers = [asked(amazon, compressionAlgorithm="GZIP"), packed]
    content, document = await read(client)

    assert content == CONTENT
    assert document.received_bytes == len(gzip.compress(CONTENT))
    call, download = amazon.requests
    assert call.headers["x-amz-access-token"] == "token-1"
    assert download.raw_path == "/bucket/one?X-Amz-Signature=secret"
    assert not {"x-amz-access-token", "authorization", "cookie"} & {
        name.lower() for name in download.headers
    }
    assert "token-1" not in str(download.headers)
    assert download.headers["user-agent"].startswith("spapi-event-gateway/")


async def test_a_url_that_died_is_asked_for_again_and_a_busy_host_is_not(amazon, client):
    amazon.answerers = [asked(amazon), expired, asked(amazon), busy, packed]
    content, _ = await read(client)

    assert content == CONTENT
    assert [request.path[:8] for request in amazon.requests] == [
        "/reports",
        "/bucket/",
        "/reports",
        "/bucket/",
        "/bucket/",
    ]


@pytest.mark.parametrize("answerer", [cut_short, stalled])
async def test_a_document_that_breaks_off_or_falls_silent_is_for_later(amazon, client, answerer):
    amazon.answerers = [asked(amazon), answerer]
    with pytest.raises(SpApiRetryableError, match="broke off") as caught:
        await read(client)
    assert "secret" not in str(caught.value)


async def test_no_redirect_is_followed(amazon, client):
    amazon.answerers = [asked(amazon), moved]
    with pytest.raises(SpApiRequestError, match="redirect"):
        await read(client)
    assert len(amazon.requests) == 2


async def test_a_host_that_is_not_there_is_for_later(amazon, client, unused_tcp_port):
    amazon.answerers = [asked(amazon, url=f"http://127.0.0.1:{unused_tcp_port}/x?secret")]
    with pytest.raises(SpApiRetryableError, match="gives no answer") as caught:
        await read(client)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1/x", "ftp://h/x", "file:///etc/passwd", "", "x"])
async def test_only_addresses_with_tls_are_taken_from_amazon(session, url):
    host = HttpDocumentHost(session, agent="x")
    link = Link(operation="o", seller_id="S1", document_id="D1", url=url)
    with pytest.raises(SpApiRequestError, match="no usable address"):
        async with host.get(link):
            raise AssertionError


async def parts():
    yield b"<xml>"
    yield b"</xml>"


@pytest.mark.parametrize("whole", [True, False])
async def test_a_feed_is_written_with_its_length_and_announced_type(amazon, client, whole):
    written = []

    async def taken(request):
        written.append(await request.read())
        return web.Response()

    amazon.answerers = [asked(amazon), taken]
    content = b"<xml></xml>" if whole else parts()
    document_id = await client.for_seller("S1").documents.upload_feed(
        content, content_type="text/xml; charset=UTF-8"
    )

    assert document_id == "F1"
    assert written == [b"<xml></xml>"]
    upload = amazon.requests[1]
    assert upload.method == "PUT"
    assert upload.headers["Content-Type"] == "text/xml; charset=UTF-8"
    assert upload.headers["Content-Length"] == "11"
    assert "Transfer-Encoding" not in upload.headers
    assert "x-amz-access-token" not in upload.headers


async def test_an_upload_whose_url_died_says_so(amazon, session):
    amazon.answerers = [expired]
    host = HttpDocumentHost(session, agent="x", plain_http=True)
    link = Link(operation="o", seller_id="S1", document_id="D1", url=f"{amazon.url}/x")
    with pytest.raises(DeadUrlError):
        await host.put(link, b"x", size=1, content_type="text/plain")
