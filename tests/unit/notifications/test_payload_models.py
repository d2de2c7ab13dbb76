from __future__ import annotations

import copy
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from gateway.envelope import payload_of
from gateway.errors import EnvelopeError
from gateway.notifications import (
    AnyOfferChanged,
    FeedProcessingFinished,
    OrderChange,
    PayloadModel,
    PayloadPart,
    ReportProcessingFinished,
    Time,
)
from tests.support.bodies import ORDER_PAYLOAD, REPORT_PAYLOAD, camel, notification, text


def order(**members: Any) -> dict[str, Any]:
    payload = copy.deepcopy(ORDER_PAYLOAD)
    payload["OrderChangeNotification"].update(members)
    return payload


def respelled(value: Any, spell: Any) -> Any:
    if isinstance(value, dict):
        return {spell(key): respelled(inner, spell) for key, inner in value.items()}
    if isinstance(value, list):
        return [respelled(inner, spell) for inner in value]
    return value


def test_every_field_of_an_order_change() -> None:
    change = OrderChange.from_payload(payload_of(text(notification())))

    assert change.amazon_order_id == "123-1234567-1234567"
    assert change.seller_id == "ASELLER1"
    assert change.notification_level == "OrderLevel"
    assert change.order_change_type == "OrderStatusChange"
    assert change.order_change_trigger.change_reason == "Shipment"
    assert change.order_change_trigger.time_of_order_change == datetime(
        2026, 3, 1, 10, 0, 0, 500_000, UTC
    )
    summary = change.summary
    assert summary.marketplace_id == "A1PA6795UKMFR9"
    assert summary.order_status == "Shipped"
    assert summary.purchase_date == datetime(2026, 2, 27, 8, 15, tzinfo=UTC)
    assert summary.number_of_items_shipped == 3
    assert summary.order_programs == ("Business",)
    assert summary.latest_ship_date is None
    (item,) = summary.order_items
    assert (item.order_item_id, item.seller_sku) == ("60000000000001", "MUG-BLUE")
    assert item.supply_source_id is None
    assert item.is_buyer_requested_cancel is False


@pytest.mark.parametrize(
    "spell",
    [
        lambda key: key[:1].lower() + key[1:],
        str.upper,
        str.lower,
        lambda key: "".join(f"_{c.lower()}" if c.isupper() else c for c in key).lstrip("_"),
    ],
    ids=["camel", "upper", "lower", "snake"],
)
def test_spelling_of_keys_makes_no_difference(spell: Any) -> None:
    plain = OrderChange.from_payload(ORDER_PAYLOAD)
    spelled = OrderChange.from_payload(respelled(ORDER_PAYLOAD, spell))

    assert spelled.model_dump() == plain.model_dump()
    assert not spelled.model_extra
    assert not spelled.summary.order_items[0].model_extra


def test_unknown_keys_and_the_payload_itself_are_kept() -> None:
    payload = order(NewThing={"Deep": [1]})
    payload["Beside"] = True

    change = OrderChange.from_payload(payload)

    assert change.model_extra == {"NewThing": {"Deep": [1]}}
    assert change.raw == payload


def test_reading_leaves_the_payload_as_it_was() -> None:
    payload = order(Summary={"PurchaseDate": "soon", "OrderItems": [{"Quantity": "many"}, 7]})
    before = copy.deepcopy(payload)

    change = OrderChange.from_payload(payload)

    assert payload == before
    assert change.raw == before


@pytest.mark.parametrize(
    "summary",
    [
        None,
        [],
        "none",
        {"PurchaseDate": "soon", "OrderItems": None, "NumberOfItemsShipped": "many"},
        {"OrderItems": {"not": "a list"}, "OrderPrograms": 3},
        {"PurchaseDate": "soon", "PURCHASEDATE": "later", "purchase_date": "never"},
    ],
)
def test_a_value_that_cannot_be_read_counts_as_absent(summary: Any) -> None:
    change = OrderChange.from_payload(order(Summary=summary))

    assert change.amazon_order_id == "123-1234567-1234567"
    assert change.summary.purchase_date is None
    assert change.summary.number_of_items_shipped is None
    assert change.summary.order_items == ()


def test_what_is_beside_an_unreadable_value_is_still_read() -> None:
    items = [
        "no object",
        {"OrderItemId": "1", "Quantity": "many"},
        None,
        {"OrderItemId": {}, "Quantity": 2},
    ]
    summary = {"MarketplaceId": "M1", "PurchaseDate": "soon", "OrderItems": items}

    change = OrderChange.from_payload(order(Summary=summary))

    assert change.summary.marketplace_id == "M1"
    assert [(i.order_item_id, i.quantity) for i in change.summary.order_items] == [
        ("1", None),
        (None, 2),
    ]


def test_ids_that_are_numbers_are_read_as_text() -> None:
    assert OrderChange.from_payload(order(AmazonOrderId=123)).amazon_order_id == "123"


def test_time_without_offset_is_utc() -> None:
    change = OrderChange.from_payload(
        order(OrderChangeTrigger={"TimeOfOrderChange": "2026-03-01T10:00:00"})
    )

    assert change.order_change_trigger.time_of_order_change == datetime(2026, 3, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({}, "Payload.OrderChangeNotification: missing"),
        ({"OrderChangeNotification": None}, "Payload.OrderChangeNotification: missing"),
        ({"OrderChangeNotification": [1]}, "Payload.OrderChangeNotification: not an object"),
        ({"OrderChangeNotification": {}}, "Payload.OrderChangeNotification.amazon_order_id: "),
        (order(AmazonOrderId=None), "Payload.OrderChangeNotification.amazon_order_id: "),
        (order(AmazonOrderId=" "), "Payload.OrderChangeNotification.amazon_order_id: "),
        (order(AmazonOrderId=["hunter2"]), "Payload.OrderChangeNotification.amazon_order_id: "),
    ],
)
def test_what_is_needed_and_missing_is_a_named_fault(payload: dict[str, Any], reason: str) -> None:
    with pytest.raises(EnvelopeError) as caught:
        OrderChange.from_payload(payload)

    assert str(caught.value).startswith(reason)
    assert "hunter2" not in f"{caught.value} {caught.value.__cause__}"


def test_models_are_frozen() -> None:
    change = OrderChange.from_payload(ORDER_PAYLOAD)

    with pytest.raises(ValueError, match="frozen"):
        change.amazon_order_id = "other"  # type: ignore[misc]


def test_report_and_feed() -> None:
    report = ReportProcessingFinished.from_payload(REPORT_PAYLOAD)
    feed = FeedProcessingFinished.from_payload(
        {
            "FeedProcessingFinishedNotification": {
                "accountId": "amzn1.vg.42",
                "feedId": 8000,
                "feedType": "JSON_LISTINGS_FEED",
                "processingStatus": "FATAL",
            }
        }
    )

    assert (report.report_id, report.processing_status) == ("700001", "DONE")
    assert report.report_document_id == "amzn1.spdoc.1.test"
    assert (feed.feed_id, feed.processing_status) == ("8000", "FATAL")
    assert (feed.seller_id, feed.result_feed_document_id) == (None, None)


def test_offers_in_both_spellings() -> None:
    payload = {
        "AnyOfferChangedNotification": {
            "SellerId": "ASELLER1",
            "OfferChangeTrigger": {"MarketplaceId": "M1", "ASIN": "B000TEST01"},
            "Summary": {
                "BuyBoxPrices": [
                    {
                        "Condition": "new",
                        "LandedPrice": {"Amount": 19.99, "CurrencyCode": "EUR"},
                    }
                ],
                "ListPrice": {"Amount": "?"},
            },
            "Offers": [{"SellerId": "RIVAL", "IsFulfilledByAmazon": True, "SubCondition": "new"}],
        }
    }

    for spelled in (payload, camel(payload)):
        changed = AnyOfferChanged.from_payload(spelled)
        assert changed.seller_id == "ASELLER1"
        assert changed.offer_change_trigger.asin == "B000TEST01"
        landed = changed.summary.buy_box_prices[0].landed_price
        assert landed is not None
        assert (landed.amount, landed.currency_code) == (Decimal("19.99"), "EUR")
        assert changed.summary.list_price is not None
        assert changed.summary.list_price.amount is None
        assert changed.offers[0].seller_id == "RIVAL"


class Window(PayloadPart):
    opens_at: Time
    label: str = ""


class OwnType(PayloadModel):
    """A type that only a handler's author knows, the payload without a wrapper."""

    notification_type: ClassVar[str] = "OWN_TYPE"

    windows: tuple[Window, ...] = ()


def test_a_model_of_the_handlers_author() -> None:
    own = OwnType.from_payload({"Windows": [{"OpensAt": "2026-03-01T10:00:00Z", "Label": 1}]})

    assert own.windows[0].opens_at == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert own.windows[0].label == "1"


def test_a_needed_field_of_a_part_is_named_by_its_path() -> None:
    with pytest.raises(EnvelopeError, match=r"^Payload\.windows\.1\.opens_at: missing or unus"):
        OwnType.from_payload({"Windows": [{"OpensAt": "2026-03-01T10:00Z"}, {"Label": "x"}]})
