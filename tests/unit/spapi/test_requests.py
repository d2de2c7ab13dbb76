from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from gateway.errors import InvalidInputError
from gateway.spapi.catalog import Catalog
from gateway.spapi.requests import Repeated, prepare

CATALOG = Catalog.load()
GET_ORDER = CATALOG.find("orders.2026-01-01.getOrder")
SEARCH = CATALOG.find("searchOrders")
CREATE_REPORT = CATALOG.find("reports.2021-06-30.createReport")


def test_path_and_query_parameters_go_where_they_belong():
    call = prepare(GET_ORDER, {"orderId": "902-1", "includedData": ["BUYER", "TAX"], "x": None})

    assert call.target == "/orders/2026-01-01/orders/902-1?includedData=BUYER,TAX"
    assert call.body is None
    assert "content-type" not in call.headers


def test_values_are_written_as_amazon_reads_them():
    call = prepare(
        SEARCH,
        {
            "createdAfter": datetime(2026, 1, 31, 9, tzinfo=UTC),
            "day": date(2026, 1, 31),
            "flag": True,
            "pageSize": 50,
            "paginationToken": "a+b/c=&d",
        },
    )

    assert dict(URL(call.target, encoded=True).query) == {
        "createdAfter": "2026-01-31T09:00:00Z",
        "day": "2026-01-31",
        "flag": "true",
        "pageSize": "50",
        "paginationToken": "a+b/c=&d",
    }


@given(st.text(min_size=1).filter(lambda text: text not in {".", ".."} and text.isprintable()))
def test_no_path_value_leaves_its_segment(order_id):
    call = prepare(GET_ORDER, {"orderId": order_id})
    url = URL("https://amazon.example" + call.target, encoded=True)

    assert call.target.count("/") == 4
    assert not url.query_string
    assert not url.fragment


@pytest.mark.parametrize("value", [None, "", ".", ".."])
def test_a_path_value_that_changes_the_operation_is_refused(value):
    with pytest.raises(InvalidInputError, match="orderId"):
        prepare(GET_ORDER, {"orderId": value})


def test_a_body_is_json_and_said_to_be():
    call = prepare(CREATE_REPORT, {}, body={"reportType": "GET_X"})

    assert call.body == b'{"reportType":"GET_X"}'
    assert call.headers["content-type"] == "application/json"


def test_a_list_is_joined_unless_amazon_or_the_caller_wants_it_repeated():
    listed = CATALOG.find("listPrepDetails")

    assert prepare(listed, {"mskus": ["A", "B,C"]}).target.endswith("?mskus=A&mskus=B%2CC")
    assert prepare(listed, {"mskus": "A"}).target.endswith("?mskus=A")
    assert prepare(SEARCH, {"x": ["A", "B"], "y": []}).target.endswith("/orders?x=A,B")
    assert prepare(SEARCH, {"x": Repeated(("A", 2))}).target.endswith("/orders?x=A&x=2")


def test_header_parameters_become_headers_by_their_names():
    call = prepare(
        CATALOG.find("shipping.v2.directPurchaseShipment"),
        {"X-Amzn-Shipping-Business-Id": "AmazonShipping_US", "locale": "en_US", "q": 1},
        body={},
        headers={"Content-Type": "application/json; charset=UTF-8"},
    )

    assert call.target == "/shipping/v2/shipments/directPurchase?q=1"
    assert call.headers == {
        "x-amzn-shipping-business-id": "AmazonShipping_US",
        "locale": "en_US",
        "Content-Type": "application/json; charset=UTF-8",
    }
    assert prepare(SEARCH, {"locale": "x"}).target.endswith("?locale=x")


def test_times_in_a_body_are_written_as_in_a_query():
    body = {"at": datetime(2026, 1, 31, 9, tzinfo=UTC), "day": date(2026, 1, 31)}

    assert prepare(CREATE_REPORT, {}, body=body).body == (
        b'{"at":"2026-01-31T09:00:00Z","day":"2026-01-31"}'
    )


@pytest.mark.parametrize(
    ("parameters", "more", "named"),
    [
        ({"since": datetime(2026, 1, 1)}, {}, "since"),  # noqa: DTZ001 the fault under test
        ({"filter": {"a": 1}}, {}, "filter"),
        ({}, {"body": {"a": object()}}, "body"),
        ({}, {"body": {"at": datetime(2026, 1, 1)}}, "time zone"),  # noqa: DTZ001 the same
        ({}, {"headers": {"X-Amz-Access-Token": "mine"}}, "X-Amz-Access-Token"),
        ({}, {"headers": {"x-split": "a\r\nb: c"}}, "x-split"),
    ],
)
def test_what_cant_be_sent_is_named(parameters, more, named):
    with pytest.raises(InvalidInputError, match=named):
        prepare(CREATE_REPORT, parameters, **more)
