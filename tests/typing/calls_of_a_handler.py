"""What a handler's calls give, as its author's type checker sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, assert_type

from gateway import Context, Event, Later, Notification, Router
from gateway.notifications import ReportProcessingFinished

router = Router()


@router.on(ReportProcessingFinished, key=lambda n: n.payload.report_id)
async def acme_report(
    notification: Notification[ReportProcessingFinished], ctx: Context
) -> Event | Later:
    """Call what is typed, and what is not."""
    report = await ctx.spapi.reports.get_report(notification.payload.report_id)
    assert_type(report.report_id, str)
    assert_type(report.processing_status, str | None)
    assert_type(report.raw, Mapping[str, Any])
    if report.processing_status != "DONE":
        return Later(60, {"since": ctx.now.isoformat()})
    async for page in ctx.spapi.reports.get_reports([report.report_type or "X"], page_size=10):
        assert_type(page.next_token, str | None)
        for listed in page.items:
            assert_type(listed.marketplace_ids, tuple[str, ...])
    async for plain in ctx.spapi.paginate("getFeeds", feedTypes=["A", "B"], pageSize=1):
        assert_type(plain.answer, dict[str, Any])
    return Event(type="acme.report", data={"report": report.data()})


@router.on("ORDER_CHANGE")
async def acme_order(notification: Notification[Any], ctx: Context) -> Sequence[Event]:
    """Call each of the others."""
    spapi = ctx.spapi
    order = await spapi.orders.get_order("902-1", included_data=["BUYER"])
    assert_type(order.without_personal_data(), dict[str, Any])
    old = await spapi.orders_v0.get_order("902-1", restricted=["buyerInfo"])
    assert_type(old.status, str | None)
    async for page in spapi.orders.search_orders(
        last_updated_after=datetime(2026, 1, 1, tzinfo=UTC)
    ):
        assert_type(page.items[0].order_id, str)
    export = await spapi.invoices.get_invoices_export(
        await spapi.invoices.create_invoices_export("A2Q3Y263D00KWC", fileFormat="XML")
    )
    assert_type(export.invoices_document_ids, tuple[str, ...])
    query = await spapi.data_kiosk.get_query(await spapi.data_kiosk.create_query("query {}"))
    assert_type(query.next_token, str | None)
    listing = await spapi.listings_items.get_listings_item("SKU", ctx.marketplace_ids)
    assert_type(listing.summaries[0].asin, str | None)
    answers = await spapi.pricing.get_item_offers_batch(["B01"], "ATVPDKIKX0DER")
    assert_type(answers[0].ok, bool)
    destinations = await spapi.notifications.get_destinations()
    assert_type(destinations[0].sqs_arn, str | None)
    await spapi.feeds.cancel_feed("1")
    answer = await spapi.call("catalogItems.2022-04-01.searchCatalogItems", keywords=["a", "b"])
    assert_type(answer, dict[str, Any])
    return [Event(type="acme.order", data={"order": order.without_personal_data()})]
