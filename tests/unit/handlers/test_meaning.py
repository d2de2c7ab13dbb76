"""What the handlers make of notifications, one by one."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.answers import Later, Reject, Retry
from gateway.dispatch.registry import load_registry
from gateway.errors import SpApiRequestError
from gateway.model import HandlingState, StoredNotification
from gateway.routing import Handler
from gateway.testing import FakeSpApi, Ran, run_handler
from handlers import offer_pricing
from tests.support.bodies import notification, text
from tests.support.clock import FakeClock
from tests.support.handler_runs import CannedCalls, bodies, run, stored
from tests.support.library import MemoryBlobs, library
from tests.support.payloads import ASIN, GERMANY, SAMPLES, SELLER, SKU, USA, Sample, whole
from tests.unit.handlers.test_every_handler import LISTING, ORDER, REGISTRY

EXTRA = load_registry(["handlers.offer_pricing"])


def sample_of(type_: str) -> Sample:
    return next(one for one in SAMPLES if one.type == type_)


async def published(
    type_: str,
    payload: Any = None,
    *,
    answers: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None,
) -> tuple[list[dict[str, Any]], CannedCalls]:
    """The data of each event, and the calls that were made."""
    calls = CannedCalls(answers or {})
    (handler,) = REGISTRY.matching(type_)
    result = await run(
        handler,
        stored(text(whole(sample_of(type_), payload)).encode()),
        calls,
        settings=settings,
        marketplace_ids=[GERMANY, USA],
    )
    return [body["data"] for body in bodies(result, REGISTRY)], calls


async def only(type_: str, payload: Any = None, **more: Any) -> dict[str, Any]:
    (data,), _ = await published(type_, payload, **more)
    return data


def key_of(handler: Handler, type_: str, payload: Any = None) -> str | None:
    assert handler.key is not None
    return handler.key(handler.view(stored(text(whole(sample_of(type_), payload)).encode())))


async def test_offers_in_the_sellers_own_terms() -> None:
    offer = (await only("ANY_OFFER_CHANGED"))["offer"]
    assert (offer["asin"], offer["business"], offer["competitors"]) == (ASIN, False, 1)
    assert offer["own"]["has_buy_box"] is False
    assert offer["own"]["listing"] == {"amount": "19.99", "currency": "EUR"}
    assert offer["lowest"][0]["channel"] == "Amazon"
    assert offer["offers_total"] == 4
    business = (await only("B2B_ANY_OFFER_CHANGED"))["offer"]
    assert (business["business"], business["lowest"][0]["quantity"]) == (True, 5)


async def test_without_an_own_offer_there_is_none() -> None:
    payload = copy.deepcopy(sample_of("ANY_OFFER_CHANGED").payload)
    payload["AnyOfferChangedNotification"]["Offers"].pop()
    assert (await only("ANY_OFFER_CHANGED", payload))["offer"]["own"] is None


@pytest.mark.parametrize(
    ("type_", "places"),
    [
        ("LISTINGS_ITEM_STATUS_CHANGE", [GERMANY]),
        ("LISTINGS_ITEM_ISSUES_CHANGE", [GERMANY]),
        ("LISTINGS_ITEM_MFN_QUANTITY_CHANGE", [GERMANY, USA]),
    ],
)
async def test_a_listing_is_fetched(type_: str, places: list[str]) -> None:
    (data,), calls = await published(type_, answers={"getListingsItem": LISTING})
    ((operation, asked),) = calls.made
    assert operation == "getListingsItem"
    assert (asked["sku"], asked["sellerId"], asked["marketplaceIds"]) == (SKU, SELLER, places)
    listing = data["listing"]
    assert (listing["sku"], listing["change"]) == (SKU, type_)
    assert listing["availability"] == [{"channel": "DEFAULT", "quantity": 41}]
    assert len(listing["issues"]) < listing["issues_total"] == 300


async def test_a_deleted_listing_needs_no_call() -> None:
    payload = {**sample_of("LISTINGS_ITEM_STATUS_CHANGE").payload, "Status": ["DELETED"]}
    (data,), calls = await published("LISTINGS_ITEM_STATUS_CHANGE", payload)
    assert data["listing"] == {"sku": SKU, "asin": ASIN}
    assert not calls.made


def test_listings_wait_for_each_other_by_marketplace_and_sku() -> None:
    (handler,) = REGISTRY.matching("LISTINGS_ITEM_STATUS_CHANGE")
    assert handler.coalesce
    assert key_of(handler, "LISTINGS_ITEM_STATUS_CHANGE") == f"{GERMANY}/{SKU}"
    assert key_of(handler, "LISTINGS_ITEM_ISSUES_CHANGE") == f"{GERMANY}/{SKU}"
    assert key_of(handler, "LISTINGS_ITEM_MFN_QUANTITY_CHANGE") == f"/{SKU}"


async def test_without_a_marketplace_to_ask_for_the_notification_is_all_there_is() -> None:
    type_ = "LISTINGS_ITEM_MFN_QUANTITY_CHANGE"
    (handler,) = REGISTRY.matching(type_)
    calls = CannedCalls({})
    result = await run(handler, stored(text(whole(sample_of(type_))).encode()), calls)
    (event,) = bodies(result, REGISTRY)
    listing = event["data"]["listing"]
    assert (listing["complete"], calls.made) == (False, [])
    assert listing["availability"] == [{"channel": "DEFAULT", "quantity": 41}]


async def test_a_listing_that_is_not_there_yet_is_tried_again() -> None:
    gone = SpApiRequestError("404", operation="getListingsItem", status=404)
    (handler,) = REGISTRY.matching("LISTINGS_ITEM_STATUS_CHANGE")
    body = text(whole(sample_of("LISTINGS_ITEM_STATUS_CHANGE"))).encode()
    result = await run(handler, stored(body), CannedCalls({"getListingsItem": gone}))
    assert (result.state, result.tries) == (HandlingState.PENDING, 1)


async def test_a_fulfillment_order_is_fetched() -> None:
    (data,), calls = await published(
        "FULFILLMENT_ORDER_STATUS", answers={"getFulfillmentOrder": ORDER}
    )
    assert calls.made == [("getFulfillmentOrder", {"sellerFulfillmentOrderId": "WEB-77"})]
    order = data["fulfillment_order"]
    assert (order["id"], order["change"], order["status"]) == ("WEB-77", "Shipment", "Processing")
    assert order["shipments"][0]["packages"][0]["tracking_number"] is None
    assert "recipient" not in data
    (handler,) = REGISTRY.matching("FULFILLMENT_ORDER_STATUS")
    assert (handler.coalesce, key_of(handler, "FULFILLMENT_ORDER_STATUS")) == (True, "WEB-77")


async def test_personal_data_of_a_fulfillment_order_where_asked_for() -> None:
    data = await only(
        "FULFILLMENT_ORDER_STATUS",
        answers={"getFulfillmentOrder": ORDER},
        settings={"personal_data": True},
    )
    assert data["recipient"]["name"] == "Erika Mustermann"
    packages = data["fulfillment_order"]["shipments"][0]["packages"]
    assert packages[0]["tracking_number"] == "T-1"


async def test_stock_is_the_whole_state() -> None:
    inventory = (await only("FBA_INVENTORY_AVAILABILITY_CHANGES"))["inventory"]
    assert (inventory["sku"], inventory["fnsku"]) == (SKU, "X00TEST001")
    (stock,) = inventory["stock"]
    assert stock["fulfillable"] == 12
    assert stock["inbound"] == {"announced": 1, "shipped": 2, "being_received": 3}
    assert stock["reserved"] == {"for_orders": 6, "in_transfer": 5, "in_processing": 4}


async def test_a_booking() -> None:
    transaction = (await only("TRANSACTION_UPDATE"))["transaction"]
    assert transaction["total"] == {"amount": "19.99", "currency": "EUR"}
    assert transaction["order_id"] == sample_of("TRANSACTION_UPDATE").ids["order_id"]
    assert len(transaction["identifiers"]) == 2


@pytest.mark.parametrize(
    ("before", "now", "worse"),
    [("NORMAL", "AT_RISK", True), ("DEACTIVATED", "NORMAL", False), ("NORMAL", "ODD", False)],
)
async def test_the_accounts_standing(before: str, now: str, worse: bool) -> None:
    inner = {"previousAccountStatus": before, "currentAccountStatus": now}
    data = await only("ACCOUNT_STATUS_CHANGED", {"accountStatusChangeNotification": inner})
    assert data["account"] == {"status": now, "previous_status": before, "worse": worse}


async def test_lines_of_an_external_shipment_where_asked_for() -> None:
    type_ = "EXTERNAL_FULFILLMENT_SHIPMENT_STATUS_CHANGE"
    (plain,), calls = await published(type_)
    assert (plain["shipment"]["lines"], calls.made) == (None, [])
    answer = {"id": "0a1b2c3d", "lineItems": [{"merchantSku": SKU, "numberOfUnits": 2}]}
    (asked,), calls = await published(
        type_, answers={"getShipment": answer}, settings={"lines": True}
    )
    assert asked["shipment"]["lines"] == [{"sku": SKU, "units": 2}]
    assert calls.made == [("getShipment", {"shipmentId": "0a1b2c3d"})]


async def test_places_of_a_tracked_shipment_where_asked_for() -> None:
    type_ = "SHIPMENT_TRACKING_MILESTONE_CHANGED"
    plain = (await only(type_))["shipment"]
    assert plain["milestone"]["place"] is None
    assert plain["identifiers"] == {
        "aftn": "AFTN1",
        "carrier": "UPS",
        "carrier_tracking_number": "T-1",
    }
    asked = (await only(type_, settings={"personal_data": True}))["shipment"]
    assert asked["milestone"]["place"] == "Austin, Texas, US"


async def test_a_large_batch_becomes_several_events() -> None:
    row = sample_of("ITEM_SALES_EVENT_CHANGE").payload["itemSalesEventChanges"][0]
    rows = [{**row, "asin": f"B{n:09d}", "orderedUnits": n} for n in range(120)]
    events, _ = await published("ITEM_SALES_EVENT_CHANGE", {"itemSalesEventChanges": rows})
    hours = [hour for data in events for hour in data["hours"]]
    assert len(events) == 3
    assert [hour["units"] for hour in hours] == list(range(120))
    assert hours[0]["revenue"] == {"amount": "73.5", "currency": "USD"}


async def test_a_promotion_of_many_items_stays_small() -> None:
    payload = copy.deepcopy(sample_of("FEE_PROMOTION").payload)
    inner = payload["FeePromotionNotification"]
    one = {"IdentifierValueId": ASIN, "IdentifierValueFriendlyName": "x" * 200}
    inner["Identifiers"][0]["IdentifierValues"] = [one] * 500
    inner["PromotionInformation"] *= 50
    promotion = (await only("FEE_PROMOTION", payload))["promotion"]
    assert len(promotion["items"]) < promotion["items_total"] == 500


def offers_of(asin: str) -> StoredNotification:
    payload = copy.deepcopy(sample_of("ANY_OFFER_CHANGED").payload)
    payload["AnyOfferChangedNotification"]["OfferChangeTrigger"]["ASIN"] = asin
    return stored(text(whole(sample_of("ANY_OFFER_CHANGED"), payload)).encode())


async def priced(*answers: Any, asins: Sequence[str], state: Any = None) -> Ran:
    calls = FakeSpApi()
    calls.answers("getCompetitiveSummary", {"responses": list(answers)})
    first, *others = map(offers_of, asins)
    return await run_handler(
        offer_pricing.router, first, spapi=calls, taken_along=others, state=state
    )


def answer(status: int, body: Any = None) -> dict[str, Any]:
    return {"status": {"statusCode": status}, "body": body or {}}


async def test_prices_of_twenty_items_are_one_call() -> None:
    handler = EXTRA.handlers["offer_pricing"]
    assert handler.coalesce
    assert key_of(handler, "ANY_OFFER_CHANGED") == GERMANY
    asins = [f"B{n:09}" for n in range(25)]
    ran = await priced(*[answer(200, {"asin": one}) for one in asins[:20]], asins=asins + asins)
    assert [one.data["pricing"]["asin"] for one in ran.events] == asins[:20]
    assert isinstance(ran.outcome, Later)
    assert ran.outcome.state == {"asins": asins[20:]}
    rest = [answer(200, {"asin": one}) for one in asins[20:]]
    ran = await priced(*rest, asins=["B0OTHER"], state=ran.outcome.state)
    assert [one.data["pricing"]["summary"]["asin"] for one in ran.events] == asins[20:]
    assert ran.outcome is None


async def test_a_price_that_fails_holds_up_no_other() -> None:
    mixed = [answer(200), answer(404), answer(503)]
    ran = await priced(*mixed, asins=["A", "B", "C", "D"])
    assert [one.data["pricing"]["asin"] for one in ran.events] == ["A"]
    assert isinstance(ran.outcome, Later)
    assert ran.outcome.state == {"asins": ["C", "D"]}
    assert isinstance((await priced(answer(429), asins=["C"])).outcome, Retry)
    assert isinstance((await priced(asins=["C"])).outcome, Retry)
    assert isinstance((await priced(answer(400), asins=["C"])).outcome, Reject)


async def test_what_is_too_large_to_pass_is_linked() -> None:
    (handler,) = REGISTRY.matching("TYPE_OF_TOMORROW")
    for rows, member in ((100, "payload"), (2_000, "document")):
        body = notification("TYPE_OF_TOMORROW", {"Rows": ["0123456789"] * rows})
        result = await run(
            handler,
            stored(text(body).encode()),
            library=library(FakeClock(), MemoryBlobs()),
        )
        (event,) = bodies(result, REGISTRY)
        assert event["type"] == "notification.type_of_tomorrow"
        assert member in event["data"]
        assert ("document" in event["data"]) is (rows == 2_000)
    assert event["data"]["document"]["size_bytes"] > 20_000
