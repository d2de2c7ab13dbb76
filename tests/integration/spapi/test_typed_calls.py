"""Typed calls against the local SP-API, which is written from Amazon's models by other hands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import aiohttp
import pytest

from gateway.clock import SystemClock
from gateway.errors import SpApiRequestError
from gateway.model import Application, Seller, UsagePlan
from gateway.simulator.server import Simulator
from gateway.spapi.assembly import ClientNeeds, ClientOptions, make_client
from gateway.spapi.calls import SellerCalls
from gateway.spapi.catalog import Catalog
from gateway.spapi.client import SpApiClient
from tests.support.buckets import MemoryBuckets
from tests.support.spapi import CountedCalls, FakeDirectory

EU, NA = "A1SIMULATOREU1", "A1SIMULATORNA1"
GERMANY, BRAZIL = "A1PA6795UKMFR9", "A2Q3Y263D00KWC"
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
TYPE = "GET_MERCHANT_LISTINGS_ALL_DATA"
QUEUE = {"sqs": {"arn": "arn:aws:sqs:us-east-1:000000000000:q"}}

# Nothing here is about waiting: every plan is wide, and work takes no time.
WIDE = {
    operation.id: UsagePlan(rate_per_s=1_000, burst=1_000)
    for operation in Catalog.load().operations
}


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(queues=["q"], usage_plans=WIDE, queue_s=0, work_s=0) as running:
        yield running


@pytest.fixture
async def client(simulator: Simulator) -> AsyncIterator[SpApiClient]:
    application = simulator.applications[0]
    directory = FakeDirectory(
        sellers={
            one.id: Seller(
                id=one.id,
                application_id=application.id,
                region=one.region,
                refresh_token=one.refresh_token,
            )
            for one in simulator.sellers
        },
        applications={
            application.id: Application(
                id=application.id,
                client_id=application.client_id,
                client_secret=application.client_secret,
            )
        },
    )
    async with aiohttp.ClientSession() as session:
        yield make_client(
            ClientNeeds(
                session=session,
                directory=directory,
                buckets=MemoryBuckets(SystemClock()),
                clock=SystemClock(),
                metrics=CountedCalls(),
            ),
            ClientOptions(
                endpoints={name: f"{simulator.spapi_url}/{name}" for name in ("na", "eu", "fe")},
                lwa_endpoint=simulator.lwa_url,
                usage_plans=WIDE,
            ),
        )


@pytest.fixture
def calls(client: SpApiClient) -> SellerCalls:
    return client.for_seller(EU)


async def everything(pages):
    """Return the items of all pages, and how many pages there were."""
    listed = [page async for page in pages]
    return [item for page in listed for item in page.items], len(listed)


async def test_orders_of_both_versions_are_the_same(calls: SellerCalls) -> None:
    new, pages = await everything(
        calls.orders.search_orders(created_after=SINCE, max_results_per_page=3)
    )
    old, _ = await everything(
        calls.orders_v0.get_orders([GERMANY], created_after=SINCE, max_results_per_page=7)
    )
    whole, _ = await everything(calls.orders.search_orders(created_after=SINCE))

    assert pages > 3
    ids = [order.order_id for order in new]
    assert len(set(ids)) == len(ids)
    assert sorted(ids) == sorted(order.order_id for order in whole)
    assert sorted(ids) == sorted(order.order_id for order in old)
    statuses = {order.order_id: order.status for order in new}
    assert all(statuses[order.order_id] == order.status for order in old)
    one = await calls.orders.get_order(ids[0])
    items, _ = await everything(calls.orders_v0.get_order_items(ids[0]))
    assert [(item.order_item_id, item.quantity_ordered) for item in one.items] == [
        (item.order_item_id, item.quantity_ordered) for item in items
    ]


async def test_a_destination_and_a_subscription_live_and_end(
    client: SpApiClient, calls: SellerCalls, simulator: Simulator
) -> None:
    application = client.for_application(simulator.applications[0].id, "eu").notifications
    made = await application.create_destination("n", QUEUE)
    with pytest.raises(SpApiRequestError) as again:
        await application.create_destination("n", QUEUE)
    assert again.value.status == 409
    (listed,) = await calls.notifications.get_destinations()
    assert listed == made == await application.get_destination(made.destination_id)
    assert made.sqs_arn == QUEUE["sqs"]["arn"]

    subscription = await calls.notifications.create_subscription(
        "ORDER_CHANGE",
        made.destination_id,
        processing_directive={
            "eventFilter": {
                "eventFilterType": "ORDER_CHANGE",
                "orderChangeTypes": ["OrderStatusChange"],
            }
        },
    )
    assert subscription == await calls.notifications.get_subscription("ORDER_CHANGE")
    assert subscription.processing_directive is not None
    (found,), _ = await everything(calls.notifications.get_subscriptions("ORDER_CHANGE"))
    assert found == subscription
    by_id = ("ORDER_CHANGE", subscription.subscription_id)
    assert await application.get_subscription_by_id(*by_id) == subscription
    await application.delete_subscription_by_id(*by_id)
    with pytest.raises(SpApiRequestError) as gone:
        await calls.notifications.get_subscription("ORDER_CHANGE")
    assert gone.value.status == 404
    await application.delete_destination(made.destination_id)
    assert await calls.notifications.get_destinations() == ()


async def test_reports_come_to_their_documents(calls: SellerCalls) -> None:
    made = [await calls.reports.create_report(TYPE, [GERMANY]) for _ in range(5)]
    report = await calls.reports.get_report(made[0])
    assert (report.report_type, report.processing_status) == (TYPE, "DONE")
    assert report.marketplace_ids == (GERMANY,)
    assert report.report_document_id is not None
    document = await calls.reports.get_report_document(report.report_document_id)
    assert document.report_document_id == report.report_document_id
    assert document.url.startswith("http")
    listed, pages = await everything(calls.reports.get_reports([TYPE], page_size=2))
    assert sorted(each.report_id for each in listed) == sorted(made)
    assert pages == 3  # the token alone, or the simulator refuses as Amazon does


async def test_a_query_comes_to_its_document(calls: SellerCalls) -> None:
    query_id = await calls.data_kiosk.create_query(
        "query { analytics_salesAndTraffic_2024_04_24 { salesAndTrafficByDate("
        'startDate: "2026-01-01", endDate: "2026-01-02", aggregateBy: DAY) { startDate } } }'
    )
    query = await calls.data_kiosk.get_query(query_id)
    assert (query.query_id, query.processing_status) == (query_id, "DONE")
    assert query.data_document_id is not None
    document = await calls.data_kiosk.get_document(query.data_document_id)
    assert document.document_url.startswith("http")
    ((found,), _) = await everything(calls.data_kiosk.get_queries(["DONE"]))
    assert found == query


async def test_an_export_of_invoices_comes_to_its_documents(client: SpApiClient) -> None:
    invoices = client.for_seller(NA).invoices
    attributes = await invoices.get_invoices_attributes(BRAZIL)
    assert attributes.invoice_type_options
    export_id = await invoices.create_invoices_export(
        BRAZIL, date_start=date(2026, 1, 1), fileFormat="XML"
    )
    export = await invoices.get_invoices_export(export_id)
    assert export.status == "DONE"
    assert export.invoices_document_ids
    document = await invoices.get_invoices_document(export.invoices_document_ids[0])
    assert document.invoices_document_url.startswith("http")
    ((found,), _) = await everything(invoices.get_invoices_exports(BRAZIL))
    assert found == export
    listed, pages = await everything(invoices.get_invoices(BRAZIL, date_start=SINCE, page_size=5))
    assert len({each.id for each in listed}) == len(listed) > 5
    assert pages > 1
    assert (await invoices.get_invoice(BRAZIL, listed[0].id)).series == listed[0].series


async def test_the_other_reads_name_what_was_asked_for(calls: SellerCalls) -> None:
    (here,) = [
        one
        for one in await calls.sellers.get_marketplace_participations()
        if one.marketplace.id == GERMANY
    ]
    assert here.participation.is_participating
    assert (await calls.sellers.get_account()).marketplace_participation_list
    stock, pages = await everything(calls.fba_inventory.get_inventory_summaries(GERMANY))
    assert pages > 1
    sku = stock[0].seller_sku
    assert sku is not None
    assert stock[0].inventory_details is not None
    listing = await calls.listings_items.get_listings_item(sku, [GERMANY])
    assert listing.sku == sku
    assert listing.summaries[0].asin == stock[0].asin
    order = await calls.fulfillment_outbound.get_fulfillment_order("F-1")
    assert order.fulfillment_order.seller_fulfillment_order_id == "F-1"
    assert order.fulfillment_order_items
    assert listing.summaries[0].asin is not None
    item = await calls.catalog_items.get_catalog_item(listing.summaries[0].asin, [GERMANY])
    assert item.summaries[0].marketplace_id == GERMANY
    transactions, _ = await everything(calls.finances.list_transactions(posted_after=SINCE))
    assert transactions[0].total_amount is not None
    assert transactions[0].total_amount.currency_code == "EUR"


async def test_each_answer_of_a_batch_is_there(calls: SellerCalls) -> None:
    for batch in (
        calls.pricing.get_item_offers_batch(["B0AW49D2VU", "B0C0FJUGFC"], GERMANY),
        calls.pricing.get_listing_offers_batch(["FBA-0000", "A/B"], GERMANY),
        calls.pricing.get_competitive_summary(["B0AW49D2VU", "B0C0FJUGFC"], GERMANY),
        calls.pricing.get_featured_offer_expected_price_batch(["FBA-0000", "A/B"], GERMANY),
    ):
        answers = await batch
        assert len(answers) == 2
        assert answers[0].ok
        assert answers[0].body
