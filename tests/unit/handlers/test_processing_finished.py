"""report_ready, feed_ready and data_kiosk_ready: fetched, stored, linked, told apart."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from gateway import Retry, Skip
from gateway.testing import FakeSpApi, a_notification, run_handler
from handlers import data_kiosk_ready, feed_ready, report_ready
from tests.support.events import assert_fits

ROWS = "sku\tpreço\n1\t2\n".encode()


def report(**more: Any) -> dict[str, Any]:
    return {
        "reportId": "100",
        "reportType": "GET_FLAT",
        "createdTime": "2026-11-24T11:00:00Z",
        "processingStatus": "DONE",
        "reportDocumentId": "doc-1",
        **more,
    }


def finished(**about: Any) -> Any:
    return a_notification(
        "REPORT_PROCESSING_FINISHED", report_id="100", report_type="GET_FLAT", **about
    )


async def test_a_report_is_stored_and_linked() -> None:
    api = FakeSpApi().answers("getReport", report()).document("doc-1", ROWS)
    ran = await run_handler(report_ready.router, finished(), spapi=api)
    assert ran.event.type == "report.completed"
    assert ran.documents == {"GET_FLAT-100": ROWS}
    document = ran.event.data["document"]
    assert document["size_bytes"] == len(ROWS)
    assert document["content_type"] == "text/plain; charset=utf-8"
    assert_fits(report_ready.router, ran.event)


async def test_packed_reports_come_out_unpacked() -> None:
    api = FakeSpApi().answers("getReport", report())
    api.document(
        "doc-1",
        gzip.compress(ROWS.decode().encode("latin-1")),
        content_type="text/plain; charset=ISO-8859-1",
    )
    api.answers(
        "getReportDocument",
        {
            "reportDocumentId": "doc-1",
            "url": "https://documents.example/doc-1",
            "compressionAlgorithm": "GZIP",
        },
    )
    ran = await run_handler(report_ready.router, finished(), spapi=api)
    assert list(ran.documents.values()) == [ROWS]


@pytest.mark.parametrize(
    ("status", "document", "event"),
    [
        ("CANCELLED", None, "report.cancelled"),
        ("FATAL", None, "report.failed"),
        ("FATAL", "doc-1", "report.failed"),
    ],
)
async def test_ends_are_told_apart(status: str, document: str | None, event: str) -> None:
    answer = report(processingStatus=status, reportDocumentId=document)
    api = FakeSpApi().answers("getReport", answer).document("doc-1", b"why")
    ran = await run_handler(report_ready.router, finished(processing_status=status), spapi=api)
    assert ran.event.type == event
    assert (ran.event.data["document"] is None) == (document is None)
    assert_fits(report_ready.router, ran.event)


async def test_a_report_that_amazon_is_not_done_with_is_asked_for_again() -> None:
    api = FakeSpApi().answers("getReport", report(processingStatus="IN_PROGRESS"))
    ran = await run_handler(report_ready.router, finished(), spapi=api)
    assert isinstance(ran.outcome, Retry)


async def test_reports_that_nobody_wants_cost_no_call() -> None:
    ran = await run_handler(
        report_ready.router, finished(), spapi=FakeSpApi(), settings={"types": ["GET_OTHER"]}
    )
    assert isinstance(ran.outcome, Skip)


@pytest.mark.parametrize(
    ("router", "type_", "about", "once"),
    [
        (report_ready.router, "REPORT_PROCESSING_FINISHED", {"report_id": "1"}, "1"),
        (feed_ready.router, "FEED_PROCESSING_FINISHED", {"feed_id": "2"}, "2"),
        (data_kiosk_ready.router, "DATA_KIOSK_QUERY_PROCESSING_FINISHED", {"query_id": "3"}, "3"),
    ],
)
def test_each_thing_is_handled_once(router: Any, type_: str, about: Any, once: str) -> None:
    (handler,) = router.handlers
    assert handler.once is not None
    assert handler.once(handler.view(a_notification(type_, **about))) == once


@pytest.mark.parametrize(
    ("status", "event"),
    [("DONE", "feed.completed"), ("CANCELLED", "feed.cancelled"), ("FATAL", "feed.failed")],
)
async def test_a_feeds_result(status: str, event: str) -> None:
    feed = {
        "feedId": "200",
        "feedType": "JSON_LISTINGS_FEED",
        "createdTime": "2026-11-24T11:00:00Z",
        "processingStatus": status,
    }
    if status == "DONE":
        feed["resultFeedDocumentId"] = "doc-2"
    api = FakeSpApi().answers("getFeed", feed).document("doc-2", b'{"issues":[]}')
    notification = a_notification("FEED_PROCESSING_FINISHED", feed_id="200")
    ran = await run_handler(feed_ready.router, notification, spapi=api)
    assert ran.event.type == event
    assert list(ran.documents) == (["JSON_LISTINGS_FEED-200"] if status == "DONE" else [])
    assert_fits(feed_ready.router, ran.event)


async def test_feeds_that_nobody_wants_cost_no_call() -> None:
    notification = a_notification("FEED_PROCESSING_FINISHED", feed_id="200")
    ran = await run_handler(
        feed_ready.router, notification, spapi=FakeSpApi(), settings={"types": ["OTHER"]}
    )
    assert isinstance(ran.outcome, Skip)


def kiosk(**about: Any) -> Any:
    return a_notification(
        "DATA_KIOSK_QUERY_PROCESSING_FINISHED", query_id="300", query="query { a }", **about
    )


async def test_a_querys_data_and_its_next_page() -> None:
    api = FakeSpApi().document("doc-3", b'{"a":1}\n', content_type="application/jsonl")
    api.answers("createQuery", {"queryId": "301"})
    ran = await run_handler(
        data_kiosk_ready.router, kiosk(document_id="doc-3", next_token="t"), spapi=api
    )
    assert ran.event.type == "data_kiosk.completed"
    assert ran.event.data["query"]["next_query_id"] == "301"
    assert ran.documents == {"300": b'{"a":1}\n'}
    (asked,) = api.made("createQuery")
    assert asked.body == {"query": "query { a }", "paginationToken": "t"}
    assert_fits(data_kiosk_ready.router, ran.event)


async def test_next_pages_may_be_left_alone() -> None:
    api = FakeSpApi().document("doc-3", b"{}")
    ran = await run_handler(
        data_kiosk_ready.router,
        kiosk(document_id="doc-3", next_token="t"),
        spapi=api,
        settings={"follow_pages": False},
    )
    assert ran.event.data["query"]["next_query_id"] is None


@pytest.mark.parametrize(
    ("about", "event", "stored"),
    [
        ({"document_id": None}, "data_kiosk.completed", False),
        ({"document_id": None, "processing_status": "CANCELLED"}, "data_kiosk.cancelled", False),
        (
            {"document_id": None, "error_document_id": "doc-4", "processing_status": "FATAL"},
            "data_kiosk.failed",
            True,
        ),
    ],
)
async def test_queries_without_data(about: Any, event: str, stored: bool) -> None:
    api = FakeSpApi().document("doc-4", b"why")
    ran = await run_handler(data_kiosk_ready.router, kiosk(**about), spapi=api)
    assert ran.event.type == event
    assert bool(ran.documents) is stored
    assert_fits(data_kiosk_ready.router, ran.event)
