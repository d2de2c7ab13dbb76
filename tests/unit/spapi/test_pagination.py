import json
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidInputError, SpApiRequestError, SpApiRetryableError
from gateway.spapi.catalog import Catalog
from gateway.spapi.pagination import Ask, Pages, ask_from, next_token
from gateway.spapi.throttle import CallDeferred
from tests.support.clock import FakeClock
from tests.support.spapi import FakeAmazon, Rig, answer, errors

CATALOG = Catalog.load()
PAGED = [operation for operation in CATALOG.operations if operation.page_parameter]
TOKENS = [operation for operation in PAGED if operation.next_token]

# Each dialect: who speaks it, and how many operations do.
DIALECTS = {
    ("nextToken", "nextToken"): 14,
    ("nextToken", "pagination.nextToken"): 5,
    ("nextToken", "payload.nextToken"): 4,
    ("nextToken", "payload.pagination.nextToken"): 8,
    ("nextTokenForLineItems", "nextTokenForLineItems"): 1,
    ("NextToken", "payload.NextToken"): 9,
    ("paginationToken", "pagination.nextToken"): 18,
    ("pageToken", "pagination.nextToken"): 5,
    ("pageToken", "nextPageToken"): 3,
    ("pageToken", "payload.nextPageToken"): 1,
    ("nextPageToken", "nextPageToken"): 5,
    ("PageStartIndex", None): 1,
    ("body:pagination.{limit,offset}", None): 2,
    ("body:paginationToken", None): 1,
}


def holding(path, token):
    """Return an answer that holds `token` at a dotted path."""
    for key in reversed(path.split(".")):
        token = {key: token}
    return token


class Server:
    """Answers calls from a script, and keeps what was asked."""

    def __init__(self, *script):
        self.script = list(script)
        self.asked = []

    async def __call__(self, name, ask):
        self.asked.append((name, dict(ask.parameters), ask.body))
        step = self.script.pop(0)
        if isinstance(step, BaseException):
            raise step
        return step


async def walked(operation, server, first=None, **options):
    return [page async for page in Pages(operation, server, first or Ask(), **options)]


def test_every_dialect_is_known():
    counted = {}
    for operation in PAGED:
        dialect = (operation.page_parameter, operation.next_token)
        counted[dialect] = counted.get(dialect, 0) + 1

    assert counted == DIALECTS


@pytest.mark.parametrize("operation", TOKENS, ids=lambda operation: operation.name)
async def test_a_token_asks_for_the_next_page(operation):
    server = Server(
        holding(operation.next_token, "t 2"), holding(operation.next_token, "t3"), {"last": True}
    )
    pages = await walked(operation, server, Ask(parameters={"a": 1, "QueryType": "DATE_RANGE"}))

    assert [page.next_token for page in pages] == ["t 2", "t3", None]
    more = {
        None: {"a": 1, "QueryType": "DATE_RANGE"},
        "either": {"a": 1, "QueryType": "DATE_RANGE"},
        "alone": {},
        "query-type": {"a": 1, "QueryType": "NEXT_TOKEN"},
    }[operation.page_rule]
    assert [parameters for _, parameters, _ in server.asked] == [
        {"a": 1, "QueryType": "DATE_RANGE"},
        {**more, operation.page_parameter: "t 2"},
        {**more, operation.page_parameter: "t3"},
    ]


def test_the_token_goes_alone_where_amazon_says_so():
    assert {operation.name: operation.page_rule for operation in PAGED if operation.page_rule} == {
        "reports.2021-06-30.getReports": "alone",
        "feeds.2021-06-30.getFeeds": "alone",
        "invoices.2024-06-19.getInvoices": "either",
        "invoices.2024-06-19.getInvoicesExports": "either",
        "fulfillmentInbound.v0.getShipments": "query-type",
        "fulfillmentInbound.v0.getShipmentItems": "query-type",
    }


async def test_invoices_try_both_readings_of_amazon_s_text_once():
    refused = SpApiRequestError("alone, please", operation="x", status=400)
    server = Server({"nextToken": "t2"}, refused, {"nextToken": "t3"}, {})
    operation = CATALOG.find("getInvoicesExports")
    pages = await walked(operation, server, Ask(parameters={"marketplaceId": "BR"}))

    assert len(pages) == 3
    assert [parameters for _, parameters, _ in server.asked] == [
        {"marketplaceId": "BR"},
        {"marketplaceId": "BR", "nextToken": "t2"},
        {"nextToken": "t2"},
        {"nextToken": "t3"},
    ]


@pytest.mark.parametrize(
    ("name", "script", "status"),
    [
        ("getInvoicesExports", [400], 400),  # the first page: nothing to leave out
        ("getInvoicesExports", [{"nextToken": "t"}, 404], 404),
        ("getInvoicesExports", [{"nextToken": "t"}, 400, 400], 400),
        ("getReports", [{"nextToken": "t"}, 400], 400),
    ],
)
async def test_what_amazon_refuses_for_another_reason_stays_refused(name, script, status):
    steps = [
        step
        if isinstance(step, dict)
        else SpApiRequestError(f"refused {step}", operation=name, status=step)
        for step in script
    ]
    server = Server(*steps)

    with pytest.raises(SpApiRequestError, match=f"refused {status}"):
        await walked(CATALOG.find(name), server, Ask(parameters={"a": 1}))
    assert server.script == []


async def test_labels_go_on_where_the_last_page_ended():
    labels = {"payload": {"DownloadURL": "https://labels"}}
    server = Server(labels, labels, {"payload": {}})
    first = Ask(parameters={"shipmentId": "F", "PageSize": "50", "PageStartIndex": 0})
    pages = await walked(CATALOG.find("getLabels"), server, first)

    assert [page.next_token for page in pages] == ["50", "100", None]
    assert [parameters["PageStartIndex"] for _, parameters, _ in server.asked] == [0, 50, 100]


async def test_labels_without_a_page_size_are_one_page():
    assert (
        len(await walked(CATALOG.find("getLabels"), Server({"payload": {"DownloadURL": "x"}}))) == 1
    )


@given(total=st.integers(0, 40), limit=st.integers(1, 20), offset=st.integers(0, 45))
async def test_offsets_cover_the_list_once(total, limit, offset):
    class Offers:
        def __init__(self):
            self.given = []

        async def __call__(self, name, ask):
            page = ask.body["pagination"]
            assert ask.body["filters"] == {"marketplaceId": "A"}
            items = list(range(page["offset"], min(total, page["offset"] + page["limit"])))
            self.given += items
            return {"offers": items, "pagination": {"totalResults": total}}

    offers = Offers()
    body = {"pagination": {"limit": limit, "offset": offset}, "filters": {"marketplaceId": "A"}}
    await walked(CATALOG.find("replenishment.2022-11-07.listOffers"), offers, Ask(body=body))

    assert offers.given == list(range(offset, total))
    assert body["pagination"] == {"limit": limit, "offset": offset}


async def test_a_data_kiosk_query_goes_on_when_the_last_is_done():
    done = {"queryId": "q1", "processingStatus": "DONE", "pagination": {"nextToken": "t"}}
    server = Server(
        {"queryId": "q1"},
        {"processingStatus": "IN_PROGRESS"},
        done,
        {"queryId": "q2"},
        {"processingStatus": "DONE"},
    )
    pages = Pages(CATALOG.find("createQuery"), server, Ask(body={"query": "query{}"}))

    assert (await anext(pages)).answer == {"queryId": "q1"}
    with pytest.raises(SpApiRetryableError, match="q1 is IN_PROGRESS") as caught:
        await anext(pages)
    assert caught.value.retry_after_s == 60
    assert (await anext(pages)).answer == {"queryId": "q2"}
    with pytest.raises(StopAsyncIteration):
        await anext(pages)
    assert server.asked == [
        ("dataKiosk.2023-11-15.createQuery", {}, {"query": "query{}"}),
        ("dataKiosk.2023-11-15.getQuery", {"queryId": "q1"}, None),
        ("dataKiosk.2023-11-15.getQuery", {"queryId": "q1"}, None),
        ("dataKiosk.2023-11-15.createQuery", {}, {"query": "query{}", "paginationToken": "t"}),
        ("dataKiosk.2023-11-15.getQuery", {"queryId": "q2"}, None),
    ]


async def test_a_data_kiosk_query_that_failed_has_no_next_page():
    server = Server({"queryId": "q1"}, {"processingStatus": "FATAL"})

    with pytest.raises(SpApiRequestError, match="q1 ended FATAL"):
        await walked(CATALOG.find("createQuery"), server, Ask(body={"query": "query{}"}))


async def test_a_token_that_comes_again_ends_the_walk():
    token = {"nextToken": "t"}
    server = Server(token, token, token)
    pages = Pages(CATALOG.find("getReports"), server, Ask())

    await anext(pages)
    with pytest.raises(SpApiRetryableError, match="same page token twice"):
        await anext(pages)
    with pytest.raises(StopAsyncIteration):
        await anext(pages)
    assert len(server.asked) == 2


async def test_a_token_that_comes_again_from_the_start_ends_the_walk():
    server = Server({"nextToken": "t"})

    with pytest.raises(SpApiRetryableError, match="same page token twice"):
        await walked(CATALOG.find("getReports"), server, start="t")


async def test_a_list_that_is_too_long_is_an_error_and_not_cut():
    server = Server({"nextToken": "a"}, {"nextToken": "b"})
    pages = Pages(CATALOG.find("getReports"), server, Ask(), max_pages=2)
    await anext(pages)
    await anext(pages)

    with pytest.raises(SpApiRequestError, match="more than 2 pages"):
        await anext(pages)


@pytest.mark.parametrize("answered", [{}, {"nextToken": ""}, {"nextToken": None}, {"nextToken": 7}])
async def test_no_token_is_the_end(answered):
    assert len(await walked(CATALOG.find("getReports"), Server(answered))) == 1


async def test_an_operation_without_pages_gives_one():
    operation = CATALOG.find("orders.2026-01-01.getOrder")

    assert len(await walked(operation, Server({"order": {}}))) == 1
    with pytest.raises(InvalidInputError, match="has no pages"):
        Pages(operation, Server(), Ask(), start="t")
    with pytest.raises(InvalidInputError, match="not at 'x'"):
        Pages(CATALOG.find("getLabels"), Server(), Ask(), start="x")


@pytest.mark.parametrize("operation", PAGED, ids=lambda operation: operation.name)
def test_what_asks_for_a_page_is_not_what_asked_for_the_first(operation):
    first = Ask(parameters={"a": 1}, body={"b": 2})
    asked = ask_from(operation, first, "25")

    assert asked != first
    assert first == Ask(parameters={"a": 1}, body={"b": 2})
    assert next_token(operation, asked, {}) is None


@pytest.mark.parametrize(
    "trouble",
    [
        CallDeferred(until_ms=1, slot="bucket", operation="getReports"),
        SpApiRetryableError("throttled", operation="getReports", status=429),
    ],
)
async def test_a_walk_goes_on_where_a_call_failed_or_had_to_wait(trouble):
    server = Server({"nextToken": "t2"}, trouble, {"nextToken": "t3"}, {})
    pages = Pages(CATALOG.find("getReports"), server, Ask(parameters={"a": 1}))

    await anext(pages)
    with pytest.raises(type(trouble)):
        await anext(pages)
    assert [page.next_token async for page in pages] == ["t3", None]
    assert [parameters for _, parameters, _ in server.asked[1:3]] == [{"nextToken": "t2"}] * 2


async def test_pages_of_a_seller_s_calls_go_over_the_wire():
    made = Rig(
        clock=FakeClock(),
        amazon=FakeAmazon(
            script=[
                answer(200, {"exports": [], "nextToken": "a b"}),
                answer(400, errors("InvalidInput", "nextToken with any other parameters")),
                answer(200, {"exports": []}),
            ]
        ),
    )
    pages = made.client.for_seller("S1").paginate(
        "getInvoicesExports", headers={"x-mine": "1"}, marketplaceId="BR"
    )
    got = [page.answer async for page in pages]

    assert got == [{"exports": [], "nextToken": "a b"}, {"exports": []}]
    queries = [dict(parse_qsl(urlsplit(request.url).query)) for request in made.amazon.requests]
    assert queries == [
        {"marketplaceId": "BR"},
        {"marketplaceId": "BR", "nextToken": "a b"},
        {"nextToken": "a b"},
    ]
    assert {request.headers["x-mine"] for request in made.amazon.requests} == {"1"}


async def test_bodies_of_pages_go_over_the_wire():
    made = Rig(
        clock=FakeClock(),
        amazon=FakeAmazon(
            script=[
                answer(200, {"pagination": {"totalResults": 3}}),
                answer(200, {"pagination": {"totalResults": 3}}),
            ]
        ),
    )
    pages = made.client.for_seller("S1", patience_s=10).paginate(
        "listOfferMetrics", body={"pagination": {"limit": 2, "offset": 0}}
    )
    assert [page.next_token async for page in pages] == ["2", None]
    assert [
        json.loads(request.body)["pagination"]["offset"] for request in made.amazon.requests
    ] == [
        0,
        2,
    ]
