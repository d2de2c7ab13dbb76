"""Each typed call: what goes over the wire, and what is read from an answer of Amazon's shape."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import orjson
import pytest

from gateway.errors import SpApiRetryableError
from tests.support.clock import FakeClock
from tests.support.spapi import FakeAmazon, Rig, answer

SINCE = datetime(2026, 1, 31, 9, tzinfo=UTC)
US = "ATVPDKIKX0DER"

# What is called, what goes out (method, target, body), what comes, and what is read of it.
CALLS = {
    "get_report": (
        lambda calls: calls.reports.get_report("7"),
        ("GET", "/reports/2021-06-30/reports/7", None),
        {
            "reportId": "7",
            "processingStatus": "DONE",
            "reportDocumentId": "d",
            "marketplaceIds": [US],
        },
        {
            "report_id": "7",
            "processing_status": "DONE",
            "report_document_id": "d",
            "marketplace_ids": [US],
        },
    ),
    "create_report": (
        lambda calls: calls.reports.create_report("GET_X", [US], data_start_time=SINCE),
        (
            "POST",
            "/reports/2021-06-30/reports",
            {
                "reportType": "GET_X",
                "marketplaceIds": [US],
                "dataStartTime": "2026-01-31T09:00:00Z",
            },
        ),
        {"reportId": "7"},
        "7",
    ),
    "get_reports": (
        lambda calls: calls.reports.get_reports(["A", "B"], created_since=SINCE),
        (
            "GET",
            "/reports/2021-06-30/reports?reportTypes=A,B&createdSince=2026-01-31T09%3A00%3A00Z&pageSize=100",
            None,
        ),
        {"reports": [{"reportId": "7"}, {"noId": 1}, None]},
        [{"report_id": "7"}],
    ),
    "cancel_report": (
        lambda calls: calls.reports.cancel_report("7"),
        ("DELETE", "/reports/2021-06-30/reports/7", None),
        {},
        None,
    ),
    "get_report_document": (
        lambda calls: calls.reports.get_report_document("d/1"),
        ("GET", "/reports/2021-06-30/documents/d%2F1", None),
        {"reportDocumentId": "d/1", "url": "https://signed", "compressionAlgorithm": "GZIP"},
        {"report_document_id": "d/1", "compression_algorithm": "GZIP"},
    ),
    "create_feed_document": (
        lambda calls: calls.feeds.create_feed_document("text/xml; charset=UTF-8"),
        ("POST", "/feeds/2021-06-30/documents", {"contentType": "text/xml; charset=UTF-8"}),
        {"feedDocumentId": "d", "url": "https://signed"},
        {"feed_document_id": "d"},
    ),
    "create_feed": (
        lambda calls: calls.feeds.create_feed("F", [US], "d", feed_options={"a": "b"}),
        (
            "POST",
            "/feeds/2021-06-30/feeds",
            {
                "feedType": "F",
                "marketplaceIds": [US],
                "inputFeedDocumentId": "d",
                "feedOptions": {"a": "b"},
            },
        ),
        {"feedId": "9"},
        "9",
    ),
    "get_feed": (
        lambda calls: calls.feeds.get_feed("9"),
        ("GET", "/feeds/2021-06-30/feeds/9", None),
        {"feedId": "9", "resultFeedDocumentId": "r"},
        {"feed_id": "9", "result_feed_document_id": "r"},
    ),
    "get_feeds": (
        lambda calls: calls.feeds.get_feeds(["F"], page_size=10),
        ("GET", "/feeds/2021-06-30/feeds?feedTypes=F&pageSize=10", None),
        {"feeds": [{"feedId": "9"}]},
        [{"feed_id": "9"}],
    ),
    "cancel_feed": (
        lambda calls: calls.feeds.cancel_feed("9"),
        ("DELETE", "/feeds/2021-06-30/feeds/9", None),
        {},
        None,
    ),
    "get_feed_document": (
        lambda calls: calls.feeds.get_feed_document("d"),
        ("GET", "/feeds/2021-06-30/documents/d", None),
        {"feedDocumentId": "d", "url": "https://signed", "compressionAlgorithm": "GZIP"},
        {"feed_document_id": "d", "compression_algorithm": "GZIP"},
    ),
    "create_query": (
        lambda calls: calls.data_kiosk.create_query("query{}", pagination_token="t"),
        ("POST", "/dataKiosk/2023-11-15/queries", {"query": "query{}", "paginationToken": "t"}),
        {"queryId": "q"},
        "q",
    ),
    "get_query": (
        lambda calls: calls.data_kiosk.get_query("q"),
        ("GET", "/dataKiosk/2023-11-15/queries/q", None),
        {"queryId": "q", "processingStatus": "FATAL", "errorDocumentId": "e"},
        {"query_id": "q", "processing_status": "FATAL", "error_document_id": "e"},
    ),
    "get_queries": (
        lambda calls: calls.data_kiosk.get_queries(["DONE"]),
        ("GET", "/dataKiosk/2023-11-15/queries?processingStatuses=DONE&pageSize=100", None),
        {"queries": [{"queryId": "q"}]},
        [{"query_id": "q"}],
    ),
    "cancel_query": (
        lambda calls: calls.data_kiosk.cancel_query("q"),
        ("DELETE", "/dataKiosk/2023-11-15/queries/q", None),
        None,
        None,
    ),
    "get_document": (
        lambda calls: calls.data_kiosk.get_document("d"),
        ("GET", "/dataKiosk/2023-11-15/documents/d", None),
        {"documentId": "d", "documentUrl": "https://signed"},
        {"document_id": "d"},
    ),
    "get_invoices_attributes": (
        lambda calls: calls.invoices.get_invoices_attributes("BR"),
        ("GET", "/tax/invoices/2024-06-19/attributes?marketplaceId=BR", None),
        {"invoicesAttributes": {"invoiceTypeOptions": [{"value": "SALE", "description": "x"}]}},
        {"invoice_type_options": [{"value": "SALE", "description": "x"}]},
    ),
    "create_invoices_export": (
        lambda calls: calls.invoices.create_invoices_export(
            "BR", date_start=date(2026, 1, 1), statuses=["AUTHORIZED"]
        ),
        (
            "POST",
            "/tax/invoices/2024-06-19/exports",
            {"marketplaceId": "BR", "dateStart": "2026-01-01", "statuses": ["AUTHORIZED"]},
        ),
        {"exportId": "e"},
        "e",
    ),
    "get_invoices_export": (
        lambda calls: calls.invoices.get_invoices_export("e"),
        ("GET", "/tax/invoices/2024-06-19/exports/e", None),
        {"export": {"exportId": "e", "status": "DONE", "invoicesDocumentIds": ["a", "b"]}},
        {"export_id": "e", "status": "DONE", "invoices_document_ids": ["a", "b"]},
    ),
    "get_invoices_exports": (
        lambda calls: calls.invoices.get_invoices_exports("BR", status="DONE"),
        ("GET", "/tax/invoices/2024-06-19/exports?marketplaceId=BR&status=DONE", None),
        {"exports": [{"exportId": "e"}]},
        [{"export_id": "e"}],
    ),
    "get_invoices_document": (
        lambda calls: calls.invoices.get_invoices_document("a"),
        ("GET", "/tax/invoices/2024-06-19/documents/a", None),
        {"invoicesDocument": {"invoicesDocumentId": "a", "invoicesDocumentUrl": "https://signed"}},
        {"invoices_document_id": "a"},
    ),
    "get_invoice": (
        lambda calls: calls.invoices.get_invoice("BR", "i"),
        ("GET", "/tax/invoices/2024-06-19/invoices/i?marketplaceId=BR", None),
        {
            "invoice": {
                "id": "i",
                "date": "2026-01-01",
                "transactionIds": [{"name": "ORDER", "id": "1"}],
            }
        },
        {"id": "i", "date": "2026-01-01", "transaction_ids": [{"name": "ORDER", "id": "1"}]},
    ),
    "get_invoices": (
        lambda calls: calls.invoices.get_invoices(
            "BR", statuses=["A", "B"], filters={"series": "1"}
        ),
        ("GET", "/tax/invoices/2024-06-19/invoices?marketplaceId=BR&statuses=A,B&series=1", None),
        {"invoices": [{"id": "i"}]},
        [{"id": "i"}],
    ),
    "get_destinations": (
        lambda calls: calls.notifications.get_destinations(),
        ("GET", "/notifications/v1/destinations", None),
        {
            "payload": [
                {"destinationId": "d", "name": "n", "resource": {"privateSqs": {"x": 1}}},
                {},
            ]
        },
        [{"destination_id": "d", "name": "n", "resource": {"privateSqs": {"x": 1}}}],
    ),
    "get_destination": (
        lambda calls: calls.notifications.get_destination("d"),
        ("GET", "/notifications/v1/destinations/d", None),
        {"payload": {"destinationId": "d"}},
        {"destination_id": "d"},
    ),
    "create_destination": (
        lambda calls: calls.notifications.create_destination(
            "n", {"sqs": {"arn": "arn:aws:sqs:x:1:q"}}
        ),
        (
            "POST",
            "/notifications/v1/destinations",
            {"name": "n", "resourceSpecification": {"sqs": {"arn": "arn:aws:sqs:x:1:q"}}},
        ),
        {"payload": {"destinationId": "d"}},
        {"destination_id": "d"},
    ),
    "delete_destination": (
        lambda calls: calls.notifications.delete_destination("d"),
        ("DELETE", "/notifications/v1/destinations/d", None),
        {},
        None,
    ),
    "get_subscription": (
        lambda calls: calls.notifications.get_subscription("ORDER_CHANGE", payload_version="1.0"),
        ("GET", "/notifications/v1/subscriptions/ORDER_CHANGE?payloadVersion=1.0", None),
        {"payload": {"subscriptionId": "s", "payloadVersion": "1.0"}},
        {"subscription_id": "s", "payload_version": "1.0"},
    ),
    "get_subscriptions": (
        lambda calls: calls.notifications.get_subscriptions("ORDER_CHANGE"),
        ("GET", "/notifications/v1/subscriptions?notificationTypes=ORDER_CHANGE", None),
        {"payload": {"subscriptions": [{"subscriptionId": "s"}]}},
        [{"subscription_id": "s"}],
    ),
    "create_subscription": (
        lambda calls: calls.notifications.create_subscription(
            "ORDER_CHANGE",
            "d",
            processing_directive={"eventFilter": {"eventFilterType": "ORDER_CHANGE"}},
        ),
        (
            "POST",
            "/notifications/v1/subscriptions/ORDER_CHANGE",
            {
                "payloadVersion": "1.0",
                "destinationId": "d",
                "processingDirective": {"eventFilter": {"eventFilterType": "ORDER_CHANGE"}},
            },
        ),
        {"payload": {"subscriptionId": "s"}},
        {"subscription_id": "s"},
    ),
    "get_subscription_by_id": (
        lambda calls: calls.notifications.get_subscription_by_id("T", "s"),
        ("GET", "/notifications/v1/subscriptions/T/s", None),
        {"payload": {"subscriptionId": "s"}},
        {"subscription_id": "s"},
    ),
    "delete_subscription_by_id": (
        lambda calls: calls.notifications.delete_subscription_by_id("T", "s"),
        ("DELETE", "/notifications/v1/subscriptions/T/s", None),
        {},
        None,
    ),
    "send_test_notification": (
        lambda calls: calls.notifications.send_test_notification("T", "d", test_scenario="x"),
        (
            "POST",
            "/notifications/v1/subscriptions/T/testNotification",
            {
                "destinationId": "d",
                "testNotification": {"payloadVersion": "1.0", "testScenario": "x"},
            },
        ),
        {},
        None,
    ),
    "create_restricted_data_token": (
        lambda calls: calls.tokens.create_restricted_data_token([{"method": "GET", "path": "/x"}]),
        (
            "POST",
            "/tokens/2021-03-01/restrictedDataToken",
            {"restrictedResources": [{"method": "GET", "path": "/x"}]},
        ),
        {"restrictedDataToken": "Atz.secret", "expiresIn": 3600},
        {"expires_in": 3600},
    ),
    "get_marketplace_participations": (
        lambda calls: calls.sellers.get_marketplace_participations(),
        ("GET", "/sellers/v1/marketplaceParticipations", None),
        {"payload": [{"marketplace": {"id": US}, "participation": {"isParticipating": True}}]},
        [{"marketplace": {"id": US}, "participation": {"is_participating": True}}],
    ),
    "get_account": (
        lambda calls: calls.sellers.get_account(),
        ("GET", "/sellers/v1/account", None),
        {"payload": {"businessType": "CHARITY", "business": {"name": "PERSONAL"}}},
        {"business_type": "CHARITY"},
    ),
    "rotate_application_client_secret": (
        lambda calls: calls.application_management.rotate_application_client_secret(),
        ("POST", "/applications/2023-11-30/clientSecret", None),
        None,
        None,
    ),
    "list_transactions": (
        lambda calls: calls.finances.list_transactions(related_identifier=("ORDER_ID", "1")),
        (
            "GET",
            "/finances/2024-06-19/transactions?relatedIdentifierName=ORDER_ID&relatedIdentifierValue=1",
            None,
        ),
        {
            "payload": {
                "transactions": [
                    {
                        "transactionId": "t",
                        "totalAmount": {"currencyCode": "EUR", "currencyAmount": 1.5},
                    }
                ]
            }
        },
        [
            {
                "transaction_id": "t",
                "total_amount": {"currency_code": "EUR", "currency_amount": "1.5"},
            }
        ],
    ),
    "get_listings_item": (
        lambda calls: calls.listings_items.get_listings_item("A/B ü", [US], ["issues"]),
        (
            "GET",
            f"/listings/2021-08-01/items/S1/A%2FB%20%C3%BC?marketplaceIds={US}&includedData=issues",
            None,
        ),
        {"sku": "A/B ü", "issues": [{"code": "1", "severity": "ERROR"}], "attributes": {"a": [1]}},
        {"sku": "A/B ü", "issues": [{"code": "1", "severity": "ERROR"}]},
    ),
    "get_fulfillment_order": (
        lambda calls: calls.fulfillment_outbound.get_fulfillment_order("f"),
        ("GET", "/fba/outbound/2020-07-01/fulfillmentOrders/f", None),
        {
            "payload": {
                "fulfillmentOrder": {
                    "sellerFulfillmentOrderId": "f",
                    "fulfillmentOrderStatus": "Complete",
                    "destinationAddress": {"name": "PERSONAL"},
                },
                "fulfillmentOrderItems": [
                    {"sellerFulfillmentOrderItemId": "1", "quantity": 2, "giftMessage": "PERSONAL"}
                ],
                "fulfillmentShipments": [
                    {
                        "amazonShipmentId": "s",
                        "fulfillmentShipmentPackage": [
                            {"packageNumber": 1, "trackingNumber": "PERSONAL"}
                        ],
                    }
                ],
            }
        },
        {
            "fulfillment_order": {
                "seller_fulfillment_order_id": "f",
                "fulfillment_order_status": "Complete",
            },
            "fulfillment_order_items": [{"seller_fulfillment_order_item_id": "1", "quantity": 2}],
            "fulfillment_shipments": [
                {"amazon_shipment_id": "s", "fulfillment_shipment_package": [{"package_number": 1}]}
            ],
        },
    ),
    "get_inventory_summaries": (
        lambda calls: calls.fba_inventory.get_inventory_summaries(US, seller_skus=["A", "B,C"]),
        (
            "GET",
            (
                f"/fba/inventory/v1/summaries?granularityType=Marketplace&granularityId={US}"
                f"&marketplaceIds={US}&sellerSkus=A,B%2CC&details=true"
            ),
            None,
        ),
        {
            "payload": {
                "inventorySummaries": [
                    {
                        "sellerSku": "A",
                        "inventoryDetails": {"fulfillableQuantity": 3, "reservedQuantity": 7},
                    }
                ]
            }
        },
        [{"seller_sku": "A", "inventory_details": {"fulfillable_quantity": 3}}],
    ),
    "get_catalog_item": (
        lambda calls: calls.catalog_items.get_catalog_item("B01", [US], locale="en_US"),
        (
            "GET",
            f"/catalog/2022-04-01/items/B01?marketplaceIds={US}&includedData=summaries&locale=en_US",
            None,
        ),
        {"asin": "B01", "summaries": [{"marketplaceId": US, "itemName": "Kettle"}]},
        {"asin": "B01", "summaries": [{"marketplace_id": US, "item_name": "Kettle"}]},
    ),
    "get_item_offers_batch": (
        lambda calls: calls.pricing.get_item_offers_batch(["B01"], US),
        (
            "POST",
            "/batches/products/pricing/v0/itemOffers",
            {
                "requests": [
                    {
                        "uri": "/products/pricing/v0/items/B01/offers",
                        "method": "GET",
                        "MarketplaceId": US,
                        "ItemCondition": "New",
                    }
                ]
            },
        ),
        {"responses": [{"status": {"statusCode": 200}, "body": {"payload": {"ASIN": "B01"}}}]},
        [{"status": {"status_code": 200}, "body": {"payload": {"ASIN": "B01"}}}],
    ),
    "get_listing_offers_batch": (
        lambda calls: calls.pricing.get_listing_offers_batch(["A/B"], US, "Used"),
        (
            "POST",
            "/batches/products/pricing/v0/listingOffers",
            {
                "requests": [
                    {
                        "uri": "/products/pricing/v0/listings/A%2FB/offers",
                        "method": "GET",
                        "MarketplaceId": US,
                        "ItemCondition": "Used",
                    }
                ]
            },
        ),
        {"responses": []},
        [],
    ),
    "get_competitive_summary": (
        lambda calls: calls.pricing.get_competitive_summary(["B01"], US, ["referencePrices"]),
        (
            "POST",
            "/batches/products/pricing/2022-05-01/items/competitiveSummary",
            {
                "requests": [
                    {
                        "uri": "/products/pricing/2022-05-01/items/competitiveSummary",
                        "method": "GET",
                        "asin": "B01",
                        "marketplaceId": US,
                        "includedData": ["referencePrices"],
                    }
                ]
            },
        ),
        {
            "responses": [
                {"status": {"statusCode": 400}, "body": {"errors": [{"code": "InvalidInput"}]}}
            ]
        },
        [{"status": {"status_code": 400}, "body": {"errors": [{"code": "InvalidInput"}]}}],
    ),
    "get_featured_offer_expected_price_batch": (
        lambda calls: calls.pricing.get_featured_offer_expected_price_batch(["A"], US),
        (
            "POST",
            "/batches/products/pricing/2022-05-01/offer/featuredOfferExpectedPrice",
            {
                "requests": [
                    {
                        "uri": "/products/pricing/2022-05-01/offer/featuredOfferExpectedPrice",
                        "method": "GET",
                        "marketplaceId": US,
                        "sku": "A",
                    }
                ]
            },
        ),
        {"responses": [{"status": {"statusCode": 200}, "request": {"sku": "A"}}]},
        [{"status": {"status_code": 200}, "request": {"sku": "A"}}],
    ),
    "search_orders": (
        lambda calls: calls.orders.search_orders(
            last_updated_after=SINCE, fulfillmentStatuses=["SHIPPED"]
        ),
        (
            "GET",
            (
                "/orders/2026-01-01/orders?lastUpdatedAfter=2026-01-31T09%3A00%3A00Z"
                "&includedData=FULFILLMENT,PROCEEDS&maxResultsPerPage=100&fulfillmentStatuses=SHIPPED"
            ),
            None,
        ),
        {"orders": [{"orderId": "1"}, {"createdTime": "x"}]},
        [{"order_id": "1"}],
    ),
    "get_orders": (
        lambda calls: calls.orders_v0.get_orders([US], created_after=SINCE),
        (
            "GET",
            f"/orders/v0/orders?MarketplaceIds={US}&CreatedAfter=2026-01-31T09%3A00%3A00Z&MaxResultsPerPage=100",
            None,
        ),
        {"payload": {"Orders": [{"AmazonOrderId": "1", "OrderStatus": "Canceled"}]}},
        [{"order_id": "1", "status": "CANCELLED"}],
    ),
    "get_order_items": (
        lambda calls: calls.orders_v0.get_order_items("1"),
        ("GET", "/orders/v0/orders/1/orderItems", None),
        {
            "payload": {
                "OrderItems": [
                    {
                        "OrderItemId": "7",
                        "SellerSKU": "A",
                        "QuantityOrdered": 3,
                        "QuantityShipped": 1,
                        "ItemPrice": {"CurrencyCode": "EUR", "Amount": "3.00"},
                        "BuyerInfo": {"GiftMessageText": "PERSONAL"},
                    },
                    {},
                ]
            }
        },
        [
            {
                "order_item_id": "7",
                "seller_sku": "A",
                "quantity_ordered": 3,
                "quantity_shipped": 1,
                "quantity_unshipped": 2,
                "total": {"amount": "3.00", "currency": "EUR"},
            }
        ],
    ),
}


def rig(*script):
    return Rig(clock=FakeClock(), amazon=FakeAmazon(script=list(script)))


async def result_of(made):
    """Return what a typed call gives: objects of a list's one page, or the one value."""
    if isinstance(made, AsyncIterator):
        (page,) = [page async for page in made]
        return page.items
    return await made


def plain(value):
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    return (
        value.model_dump(mode="json", exclude_unset=True) if hasattr(value, "model_dump") else value
    )


def agrees(value, expected):
    """Tell whether `value` holds what is expected of it; fields that nobody expects are empty."""
    if isinstance(expected, dict):
        return all(agrees(value.get(key), item) for key, item in expected.items()) and not any(
            item for key, item in value.items() if key not in expected
        )
    if isinstance(expected, list):
        return len(value) == len(expected) and all(map(agrees, value, expected))
    return value == expected


@pytest.mark.parametrize("name", CALLS)
async def test_it_asks_and_reads(name):
    call, (method, target, body), amazons, expected = CALLS[name]
    made = rig(answer(200 if amazons is not None else 204, amazons))
    value = await result_of(call(made.client.for_seller("S1")))

    (request,) = made.amazon.requests
    assert (request.method, request.url) == (
        method,
        "https://sellingpartnerapi-eu.amazon.com" + target,
    )
    assert (orjson.loads(request.body) if request.body else None) == body
    assert agrees(plain(value), expected), plain(value)
    assert "PERSONAL" not in repr(value)
    assert "https://signed" not in repr(value) + str(plain(value))
    assert "Atz.secret" not in repr(value) + str(plain(value))


OBJECTS = [name for name, (*_, expected) in CALLS.items() if isinstance(expected, dict | str)]


@pytest.mark.parametrize("name", OBJECTS)
@pytest.mark.parametrize("amazons", [{}, {"payload": None}, {"export": []}, {"x": {"y": 1}}])
async def test_a_success_without_its_object_may_be_asked_again(name, amazons):
    made = rig(answer(200, amazons))

    with pytest.raises(SpApiRetryableError, match="holds no"):
        await result_of(CALLS[name][0](made.client.for_seller("S1")))


async def test_a_list_goes_on_where_it_was_left():
    pages = [
        answer(200, {"orders": [{"orderId": "1"}], "pagination": {"nextToken": "t2"}}),
        answer(200, {"orders": [], "pagination": {"nextToken": "t3"}}),
        answer(200, {"orders": [{"orderId": "3"}]}),
    ]
    made = rig(*pages)
    calls = made.client.for_seller("S1")
    got = [page async for page in calls.orders.search_orders(created_after=SINCE)]
    rest = [page async for page in calls.orders.search_orders(created_after=SINCE, start="t2")]

    assert [[order.order_id for order in page.items] for page in got] == [["1"], [], ["3"]]
    assert [page.next_token for page in got] == ["t2", "t3", None]
    assert len(rest) == 1
    assert [request.url.partition("paginationToken=")[2] for request in made.amazon.requests] == [
        "",
        "t2",
        "t3",
        "t2",
    ]


async def test_what_amazon_adds_or_breaks_stays_readable():
    odd = {
        "sku": 42,
        "summaries": [{"marketplaceId": US, "status": "BUYABLE"}, "x", {"asin": "no marketplace"}],
        "issues": "none",
        "offers": [{"marketplaceId": US, "price": {"amount": 3.5, "currencyCode": "EUR"}}],
        "addedTomorrow": {"a": 1},
    }
    made = rig(answer(200, odd))
    item = await made.client.for_seller("S1").listings_items.get_listings_item("42", [US])

    assert item.sku == "42"
    assert [summary.marketplace_id for summary in item.summaries] == [US]
    assert item.summaries[0].status == ()
    assert item.issues == ()
    assert item.offers[0].price.amount == "3.5"
    assert item.raw["addedTomorrow"] == {"a": 1}
    assert item.attributes == {}
    assert set(item.data()) == {"sku", "summaries", "issues", "offers", "fulfillment_availability"}


async def test_a_query_names_its_next_page_and_a_destination_its_queue():
    made = rig(
        answer(200, {"queryId": "q", "pagination": {"nextToken": "t"}}),
        answer(200, {"payload": {"destinationId": "d", "resource": {"sqs": {"arn": "arn:x"}}}}),
        answer(200, {"payload": {"destinationId": "d", "resource": {"eventBridge": {}}}}),
    )
    calls = made.client.for_seller("S1")

    assert (await calls.data_kiosk.get_query("q")).next_token == "t"
    assert (await calls.notifications.get_destination("d")).sqs_arn == "arn:x"
    assert (await calls.notifications.get_destination("d")).sqs_arn is None


async def test_one_answer_of_a_batch_may_fail_alone():
    made = rig(
        answer(
            200,
            {
                "responses": [
                    {"status": {"statusCode": 200}, "body": {"payload": {}}},
                    {"status": {"statusCode": 400}, "body": {"errors": [{"code": "X"}, 1]}},
                    {"status": {"statusCode": 400}, "body": {"errors": "?"}},
                ]
            },
        )
    )
    calls = made.client.for_seller("S1")
    good, bad, odd = await calls.pricing.get_item_offers_batch(["A", "B", "C"], US)

    assert (good.ok, bad.ok, odd.ok) == (True, False, False)
    assert (good.errors, bad.errors, odd.errors) == ([], [{"code": "X"}], [])


async def test_an_application_calls_what_is_grantless_and_nothing_else():
    made = rig(answer(204))
    calls = made.client.for_application("app", "na")
    await calls.application_management.rotate_application_client_secret()

    (request,) = made.amazon.requests
    assert (
        request.url
        == "https://sellingpartnerapi-na.amazon.com/applications/2023-11-30/clientSecret"
    )
    assert made.directory.looks == 0
    for refused in (
        calls.notifications.get_subscription("ORDER_CHANGE"),
        anext(calls.notifications.get_subscriptions("ORDER_CHANGE")),
    ):
        with pytest.raises(Exception, match="not grantless"):
            await refused
    assert len(made.amazon.requests) == 1


async def test_personal_data_of_v0_is_asked_for_by_its_elements():
    made = rig(
        answer(200, {"restrictedDataToken": "Atz.secret", "expiresIn": 3600}),
        answer(200, {"payload": {"AmazonOrderId": "1", "BuyerInfo": {"BuyerEmail": "PERSONAL"}}}),
        answer(200, {"restrictedDataToken": "Atz.other", "expiresIn": 3600}),
        answer(200, {"reportDocumentId": "d", "url": "https://signed"}),
    )
    calls = made.client.for_seller("S1")
    order = await calls.orders_v0.get_order("1", ["buyerInfo"])
    await calls.reports.get_report_document("d", restricted=True)

    assert order.raw["BuyerInfo"] == {"BuyerEmail": "PERSONAL"}
    assert made.amazon.tokens[1] == "Atz.secret"
    assert made.amazon.tokens[3] == "Atz.other"
