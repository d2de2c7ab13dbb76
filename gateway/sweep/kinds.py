"""What a sweep lists for each notification type, and the notification that it makes of a gap.

Orders are told by searchOrders, reports by getReports, feeds by getFeeds. What is found carries the
time of the change where SP-API tells one. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import orjson

from gateway.clock import parse_rfc3339_ms, rfc3339
from gateway.envelope import payload_of, read_envelope
from gateway.errors import EnvelopeError
from gateway.model import Envelope
from gateway.notifications import (
    FeedProcessingFinished,
    OrderChange,
    ReportProcessingFinished,
)
from gateway.spapi.apis.feeds import Feed
from gateway.spapi.apis.orders import Order
from gateway.spapi.apis.reports import Report
from gateway.spapi.apis.views import Listed
from gateway.spapi.calls import SellerCalls

_FINISHED: Final = ("DONE", "CANCELLED", "FATAL")


class SweptType(StrEnum):
    """Notification types that can be swept."""

    ORDER_CHANGE = "ORDER_CHANGE"
    REPORT_PROCESSING_FINISHED = "REPORT_PROCESSING_FINISHED"
    FEED_PROCESSING_FINISHED = "FEED_PROCESSING_FINISHED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What one page of a sweep asks for.

    Attributes:
        kinds: Report or feed types to list.
        token: Of the page, or None for the first.
    """

    since: datetime
    until: datetime
    kinds: Sequence[str] = ()
    token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Something that SP-API tells of.

    Attributes:
        subject: Its id.
        at_ms: When it last changed; None where having been told of once is enough.
        payload: What Amazon's notification of it would hold.
    """

    subject: str
    at_ms: int | None
    marketplace_id: str | None
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of what SP-API tells of."""

    found: Sequence[Found]
    next_token: str | None


async def page_of(swept: SweptType, calls: SellerCalls, window: Window) -> Page:
    """Return one page of what changed in a window.

    Raises:
        SpApiError: The call failed; the subclass says what to do.
        CallDeferred: It waits for its usage plan.
    """
    match swept:
        case SweptType.ORDER_CHANGE:
            orders = await anext(
                calls.orders.search_orders(
                    last_updated_after=window.since,
                    last_updated_before=window.until,
                    start=window.token,
                ),
                None,
            )
            return _page(orders, lambda one: _order(one, calls.seller_id))
        case SweptType.REPORT_PROCESSING_FINISHED:
            reports = await _first(calls.reports.get_reports, window)
            return _page(reports, lambda one: _report(one, calls.seller_id))
        case SweptType.FEED_PROCESSING_FINISHED:
            feeds = await _first(calls.feeds.get_feeds, window)
            return _page(feeds, lambda one: _feed(one, calls.seller_id))


def envelope_of(swept: SweptType, seller_id: str, found: Found, now_ms: int) -> Envelope:
    """Return the notification that a gap becomes: the same for the same gap, whoever finds it."""
    at_ms = now_ms if found.at_ms is None else found.at_ms
    identity = f"sweep:{swept}:{seller_id}:{found.subject}:{found.at_ms or 0}"
    body = {
        "NotificationType": swept.value,
        "PayloadVersion": "1.0",
        "EventTime": rfc3339(at_ms),
        "Payload": found.payload,
        "NotificationMetadata": {"NotificationId": identity},
    }
    return read_envelope(orjson.dumps(body))


def subject_of(envelope: Envelope) -> str | None:
    """Return what a notification of a swept type is about, or None for another one."""
    read = _SUBJECTS.get(envelope.type)
    if read is None:
        return None
    try:
        return read(payload_of(envelope.body))
    except EnvelopeError:
        return None


_SUBJECTS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    SweptType.ORDER_CHANGE: lambda p: OrderChange.from_payload(p).amazon_order_id,
    SweptType.REPORT_PROCESSING_FINISHED: (
        lambda p: ReportProcessingFinished.from_payload(p).report_id
    ),
    SweptType.FEED_PROCESSING_FINISHED: lambda p: FeedProcessingFinished.from_payload(p).feed_id,
}


async def _first(
    listing: Callable[..., AsyncIterator[Listed[Any]]], window: Window
) -> Listed[Any] | None:
    if window.token is not None:
        return await anext(listing(start=window.token), None)
    pages = listing(
        window.kinds,
        processing_statuses=_FINISHED,
        created_since=window.since,
        created_until=window.until,
    )
    return await anext(pages, None)


def _page(listed: Listed[Any] | None, read: Callable[[Any], Found]) -> Page:
    if listed is None:
        return Page(found=(), next_token=None)
    return Page(found=[read(one) for one in listed.items], next_token=listed.next_token)


def _order(order: Order, seller_id: str) -> Found:
    return Found(
        subject=order.order_id,
        at_ms=None if order.last_updated_at is None else parse_rfc3339_ms(order.last_updated_at),
        marketplace_id=order.marketplace_id,
        payload={
            "OrderChangeNotification": {
                "NotificationLevel": "OrderLevel",
                "SellerId": seller_id,
                "AmazonOrderId": order.order_id,
                "OrderChangeType": "OrderStatusChange",
                "Summary": {"MarketplaceId": order.marketplace_id, "OrderStatus": order.status},
            }
        },
    )


def _report(report: Report, seller_id: str) -> Found:
    return Found(
        subject=report.report_id,
        at_ms=None,
        marketplace_id=None,
        payload={
            "reportProcessingFinishedNotification": {
                "sellerId": seller_id,
                "reportId": report.report_id,
                "reportType": report.report_type,
                "processingStatus": report.processing_status,
                "reportDocumentId": report.report_document_id,
            }
        },
    )


def _feed(feed: Feed, seller_id: str) -> Found:
    return Found(
        subject=feed.feed_id,
        at_ms=None,
        marketplace_id=None,
        payload={
            "feedProcessingFinishedNotification": {
                "sellerId": seller_id,
                "feedId": feed.feed_id,
                "feedType": feed.feed_type,
                "processingStatus": feed.processing_status,
                "resultFeedDocumentId": feed.result_feed_document_id,
            }
        },
    )
