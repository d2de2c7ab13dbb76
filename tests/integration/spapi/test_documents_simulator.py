"""Documents from the local SP-API: announced, packed and labelled in each of Amazon's ways."""

import zlib
from collections.abc import AsyncIterator

import aiohttp
import pytest

from gateway.clock import SystemClock
from gateway.errors import SpApiAuthorizationError, SpApiRetryableError
from gateway.model import Application, Seller, UsagePlan
from gateway.simulator.server import Simulator
from gateway.simulator.work import Recipe
from gateway.spapi.assembly import ClientNeeds, ClientOptions, make_client
from gateway.spapi.catalog import Catalog
from tests.support.buckets import MemoryBuckets
from tests.support.spapi import CountedCalls, FakeDirectory

UNTHROTTLED = UsagePlan(rate_per_s=1_000, burst=1_000)
PLANS = {operation.name: UNTHROTTLED for operation in Catalog.load().operations}
SELLER, MARKETPLACE = "A1SIMULATORNA1", "ATVPDKIKX0DER"
ORDERS = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"
RESTRICTED = "GET_FLAT_FILE_ORDER_REPORT_DATA_SHIPPING"


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(usage_plans=PLANS, strict=True, queue_s=0, work_s=0) as running:
        yield running


@pytest.fixture
async def calls(simulator):
    """The calls of one seller."""
    (application,) = simulator.applications
    listed = simulator.accounts.named(SELLER)
    seller = Seller(
        id=listed.id,
        application_id=application.id,
        region=listed.region,
        refresh_token=listed.refresh_token,
    )
    known = Application(
        id=application.id,
        client_id=application.client_id,
        client_secret=application.client_secret,
    )
    clock = SystemClock()
    async with aiohttp.ClientSession() as session:
        client = make_client(
            ClientNeeds(
                session=session,
                directory=FakeDirectory(
                    sellers={seller.id: seller}, applications={known.id: known}
                ),
                buckets=MemoryBuckets(clock),
                clock=clock,
                metrics=CountedCalls(),
            ),
            ClientOptions(
                endpoint=simulator.spapi_url, lwa_endpoint=simulator.lwa_url, usage_plans=PLANS
            ),
        )
        yield client.for_seller(SELLER)


async def report_id(calls, report_type=ORDERS):
    made = await calls.call(
        "createReport", body={"reportType": report_type, "marketplaceIds": [MARKETPLACE]}
    )
    done = await calls.reports.get_report(made["reportId"])
    assert done.processing_status == "DONE"
    return done.report_document_id


@pytest.mark.parametrize("gzip", [True, False])
@pytest.mark.parametrize("charset", ["ISO-8859-1", "Shift_JIS", "UTF-8-SIG"])
async def test_a_report_comes_out_in_utf_8_whatever_it_travelled_in(
    simulator, calls, gzip, charset
):
    simulator.work.add(Recipe(gzip=gzip, charset=charset, rows=20))
    document_id = await report_id(calls)
    async with calls.documents.report(document_id) as document:
        content = await document.read()

    kept = simulator._documents.get(SELLER, document_id).body
    assert kept.startswith(b"\x1f\x8b") is gzip
    plain = zlib.decompress(kept, 31) if gzip else kept
    assert content.decode() == plain.decode(charset.lower())
    assert document.received_bytes == len(kept)
    assert len(content.splitlines()) > 1


async def test_a_restricted_report_needs_its_own_token(calls):
    document_id = await report_id(calls, RESTRICTED)
    with pytest.raises(SpApiAuthorizationError):
        async with calls.documents.report(document_id):
            raise AssertionError
    async with calls.documents.report(document_id, restricted=True) as document:
        assert await document.read()


@pytest.mark.parametrize(
    ("fault", "times"), [("status=403", 1), ("status=503", 2), ("dropped", 2), ("empty", 1)]
)
async def test_a_document_that_is_refused_or_cut_is_got_nevertheless(
    simulator, calls, fault, times
):
    document_id = await report_id(calls)
    simulator.faults.add(fault, operation="documents.get", times=times)
    async with calls.documents.report(document_id) as document:
        assert await document.read()


@pytest.mark.parametrize("gzip", [True, False])
async def test_a_document_cut_in_the_middle_is_never_whole(simulator, calls, gzip):
    simulator.work.add(Recipe(gzip=gzip, rows=500))
    document_id = await report_id(calls)
    simulator.faults.add("truncated", operation="documents.get", times=1)
    async with calls.documents.report(document_id) as document:
        with pytest.raises(SpApiRetryableError):
            await document.read()
    assert not document.whole


@pytest.mark.parametrize("gzip", [True, False])
async def test_a_query_of_data_kiosk_comes_as_json_lines(simulator, calls, gzip):
    simulator.work.add(Recipe(gzip=gzip, rows=5))
    query_id = await calls.data_kiosk.create_query(
        "query { analytics_salesAndTraffic_2024_04_24 { salesAndTrafficByDate { startDate } } }"
    )
    query = await calls.data_kiosk.get_query(query_id)
    async with calls.documents.data_kiosk(query.data_document_id) as document:
        lines = [line async for line in document.lines()]
    assert len(lines) == 5
    assert all(line.startswith("{") and line.endswith("}") for line in lines)


async def test_invoices_come_as_files_of_an_archive(calls):
    made = await calls.call("createInvoicesExport", body={"marketplaceId": "A2Q3Y263D00KWC"})
    export = await calls.invoices.get_invoices_export(made["exportId"])
    files = {}
    for document_id in export.invoices_document_ids:
        async with calls.documents.invoices(document_id) as archive:
            async for file in archive:
                files[file.name] = await file.read()
    assert files
    assert all(name.endswith(".xml") for name in files)
    assert all(content.startswith(b"<?xml") for content in files.values())


async def test_a_feed_goes_up_and_its_result_comes_down(calls):
    async def content():
        yield b'{"header": {"sellerId": "%s", "version": "2.0"}, ' % SELLER.encode()
        yield b'"messages": []}'

    feed_id = await calls.documents.submit_feed(
        "JSON_LISTINGS_FEED",
        content(),
        content_type="application/json; charset=UTF-8",
        marketplace_ids=[MARKETPLACE],
    )
    feed = await calls.feeds.get_feed(feed_id)
    assert feed.processing_status == "DONE"
    async with calls.documents.feed_result(feed.result_feed_document_id) as document:
        assert await document.read()


async def test_an_expired_secret_is_named_as_such(simulator, calls):
    (application,) = simulator.applications
    simulator.accounts.rotate(application.id)
    simulator.accounts.expire_secrets(application.client_id)
    with pytest.raises(SpApiAuthorizationError, match="client secret has expired: rotate it"):
        await calls.reports.get_report("1")
