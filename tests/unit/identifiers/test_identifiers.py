"""One way to read ids; the spellings of each type are in tests/unit/notifications."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.identifiers import (
    MAX_REFERENCES,
    identifiers_of,
    owner_of,
    read_payload,
    usable_id,
)
from tests.support.bodies import ORDER_PAYLOAD, REPORT_PAYLOAD


def related(*pairs: tuple[Any, Any]) -> dict[str, Any]:
    rows = [{"RelatedIdentifierName": n, "RelatedIdentifierValue": v} for n, v in pairs]
    return {"TNotification": {"RelatedIdentifiers": rows}}


@pytest.mark.parametrize(
    ("payload", "order_id"),
    [
        ({"AmazonOrderId": "1-2-3"}, "1-2-3"),
        ({"n": {"amazon_order_id": " 1-2-3 "}}, "1-2-3"),
        ({"orderId": "1-2-3", "invoiceId": "i"}, "1-2-3"),
        (related(("OrderId", "1-2-3")), "1-2-3"),
        (related(("GroupId", "g"), ("ORDER_ID", "1-2-3")), "1-2-3"),
        (related(("OrderId", "1-2-3"), ("OrderId", "4-5-6")), None),
        (related(("GroupId", "g"), ("OrderId", 7)), None),
        ({"TNotification": {"RelatedIdentifiers": {"OrderId": "1-2-3"}}}, None),
        ({"FulfillmentOrderStatusNotification": {"SellerFulfillmentOrderId": "WEB-1"}}, None),
    ],
)
def test_order(payload: dict[str, Any], order_id: str | None) -> None:
    assert identifiers_of(payload).order_id == order_id


def test_several_are_all_there_and_none_of_them_is_the_one() -> None:
    items = [{"SellerSKU": "A"}, {"SellerSKU": "B"}, {"SellerSKU": "A"}, {"SellerSKU": " "}, 3]
    found = identifiers_of({"OrderChangeNotification": {"Summary": {"OrderItems": items}}})
    assert (found.skus, found.sku) == (("A", "B"), None)
    rows = identifiers_of({"rows": [{"asin": "A1"}, {"asin": "A2"}, {}, {"ASIN": "A1"}]})
    assert (rows.asins, rows.asin) == (("A1", "A2"), None)


def test_competitors_are_nobody() -> None:
    found = identifiers_of(
        {
            "AnyOfferChangedNotification": {
                "Offers": [{"SellerId": "RIVAL", "SKU": "X", "ASIN": "Y"}]
            }
        }
    )
    assert (found.seller_id, found.sku, found.asin) == (None, None, None)


@pytest.mark.parametrize("value", [None, 17, "", "  ", "a\x00b", "x" * 257, ["A1"]])
def test_what_is_no_id(value: Any) -> None:
    assert usable_id(value) is None


names = st.sampled_from(
    ["SellerId", "ASIN", "asin", "Sku", "Summary", "OrderItems", "RelatedIdentifiers", "x", "_"]
)
values = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(names, values, max_size=4))
def test_any_payload_is_read_and_the_inbox_agrees(payload: dict[str, Any]) -> None:
    found = identifiers_of(payload)
    assert (found.seller_id, found.marketplace_id) == owner_of(payload)
    for id_ in (*found.asins, *found.skus, found.order_id, found.seller_id):
        assert id_ is None or usable_id(id_) == id_


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        (ORDER_PAYLOAD, {("order", "123-1234567-1234567"), ("sku", "MUG-BLUE")}),
        (REPORT_PAYLOAD, {("report", "700001"), ("report", "amzn1.spdoc.1.test")}),
        (
            {"feedProcessingFinishedNotification": {"feedId": "50", "resultFeedDocumentId": "d"}},
            {("report", "50"), ("report", "d")},
        ),
        (
            {"queryId": "7", "dataDocumentId": "d", "errorDocumentId": None},
            {("report", "7"), ("report", "d")},
        ),
        ({"rows": [{"sku": "S1"}, {"SKU": "S2"}, {"sku": "S1"}]}, {("sku", "S1"), ("sku", "S2")}),
        ({"offers": [{"deep": {"sku": "SOMEBODY-ELSES"}}]}, set()),
        ({"orderId": 5, "sku": " ", "reportId": "\x00"}, set()),
    ],
)
def test_references_are_what_a_notification_can_be_found_by(
    payload: dict[str, Any], found: set[tuple[str, str]]
) -> None:
    seller_id, marketplace_id, references = read_payload(payload)
    assert (seller_id, marketplace_id) == owner_of(payload)
    assert set(references) == found
    assert len(references) == len(found)


def test_references_of_a_huge_batch_are_bounded() -> None:
    rows = [{"sku": f"S{number}"} for number in range(1_000)]
    assert len(read_payload({"rows": rows})[2]) == MAX_REFERENCES
