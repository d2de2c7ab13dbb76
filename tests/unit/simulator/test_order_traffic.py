"""Orders that live: their states over time, the lists they stand in, and what tells of them."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import rfc3339
from gateway.errors import InvalidInputError
from gateway.simulator.cast import DEFAULT_SELLERS
from gateway.simulator.order_life import OrderStatus, life, reached
from gateway.simulator.orders import HISTORY
from gateway.simulator.scenario import Day, moments, play
from tests.support.amazon import QUEUE_ARN, SELLER, LocalAmazon

HOUR_S = 3_600
PLACE = SELLER.marketplaces[0]
ENDS = {OrderStatus.SHIPPED, OrderStatus.CANCELLED}


@pytest.fixture
def amazon() -> LocalAmazon:
    return LocalAmazon()


@given(seed=st.integers(0, 5_000), parts=st.integers(1, 3), speed=st.sampled_from([1.0, 480.0]))
def test_a_life_begins_pending_and_ends_shipped_or_cancelled(seed, parts, speed):
    steps = life(Random(seed), created_at_ms=1_000, parts=parts, speed=speed)
    assert (steps[0].status, steps[0].at_ms) == (OrderStatus.PENDING, 1_000)
    assert steps[-1].status in ENDS
    assert not ENDS & {step.status for step in steps[:-1]}
    times = [step.at_ms for step in steps]
    assert times == sorted(times)
    assert len({step.status for step in steps}) == len(steps)
    assert reached(steps, 0) is steps[0]
    assert reached(steps, times[-1]).status in ENDS


def test_a_placed_order_moves_on_and_each_change_is_told(amazon):
    amazon.subscribe(
        "ORDER_CHANGE",
        amazon.destination(),
        processingDirective={"eventFilter": {"eventFilterType": "ORDER_CHANGE"}},
    )
    order_id = amazon.apis.traffic.place(SELLER)
    seen = []
    for _ in range(25 * 12):
        amazon.pass_time(300)
        order = amazon.call(
            "orders.2026-01-01.getOrder", orderId=order_id, query={"includedData": "FULFILLMENT"}
        )
        status = order["order"]["fulfillment"]["fulfillmentStatus"]
        if status not in seen:
            seen.append(status)
    truth = amazon.apis.traffic.truth()
    assert [change["status"] for change in truth] == seen
    assert seen[0] == "PENDING"
    told = [body["Payload"]["OrderChangeNotification"] for _, body in amazon.sent]
    assert [one["AmazonOrderId"] for one in told] == [order_id] * len(seen)
    assert [change["notification_ids"][0] for change in truth] == [
        body["NotificationMetadata"]["NotificationId"] for _, body in amazon.sent
    ]
    assert told[0]["Summary"]["OrderStatus"] == "Pending"


def test_what_is_to_come_is_not_there_yet(amazon):
    at_ms = amazon.clock.now_ms() + 60_000
    order_id = amazon.apis.traffic.place(SELLER, at_ms=at_ms)
    assert amazon.refusal("orders.v0.getOrder", orderId=order_id)[0] == 404
    amazon.pass_time(60)
    assert amazon.call("orders.v0.getOrder", orderId=order_id)["payload"][
        "PurchaseDate"
    ] == rfc3339(at_ms)


def test_a_share_of_changes_is_withheld_and_known(amazon):
    for _ in range(100):
        amazon.apis.traffic.place(SELLER, withhold=0.25)
    amazon.pass_time(48 * HOUR_S)
    truth = amazon.apis.traffic.changes
    withheld = [change for change in truth if change.withheld]
    assert 0.15 < len(withheld) / len(truth) < 0.35
    assert len(amazon.sent) == len(truth) - len(withheld)
    assert all(bool(change.notification_ids) is not change.withheld for change in truth)
    assert {arn for arn, _ in amazon.sent} == {QUEUE_ARN}


def test_the_same_seed_plays_the_same_day():
    days = []
    for _ in range(2):
        amazon = LocalAmazon()
        day = Day(orders=60, speed=480)
        play(day, DEFAULT_SELLERS, amazon.apis.traffic, now_ms=amazon.clock.now_ms(), seed=3)
        amazon.pass_time(HOUR_S)
        days.append(
            [
                (change.seller, change.order, change.status, change.at_ms)
                for change in amazon.apis.traffic.changes
            ]
        )
    assert days[0] == days[1]
    assert len({order for _, order, _, _ in days[0]}) == 60


def test_a_day_has_its_busy_hours_and_its_busy_seller():
    day = Day(orders=5_000, speed=24)
    drawn = moments(day, 12, seed=1)
    assert all(0 <= at_s < HOUR_S for at_s, _ in drawn)
    hours = Counter(int(at_s * 24 // HOUR_S) for at_s, _ in drawn)
    assert hours[20] > 3 * hours[3]
    sellers = Counter(number for _, number in drawn)
    assert 0.45 < sellers[0] / 5_000 < 0.55
    assert len(sellers) == 12
    assert {number for _, number in moments(day, 1, seed=1)} == {0}


@pytest.mark.parametrize("wrong", [{"orders": 0}, {"speed": 0}, {"withhold": 1.5}])
def test_a_day_that_cannot_be_played_is_refused(wrong):
    with pytest.raises(InvalidInputError):
        Day(**wrong)


def _all(amazon: LocalAmazon, name: str, query: dict, token: str, **kwargs) -> list:
    """Return the answers of every page."""
    answers = [amazon.call(name, query=query, **kwargs)]
    while True:
        last = answers[-1]
        following = last.get("pagination", {}).get("nextToken") or last.get("payload", {}).get(
            "NextToken"
        )
        if following is None:
            return answers
        answers.append(amazon.call(name, query={**query, token: following}, **kwargs))


def test_both_versions_list_the_same_orders_page_by_page(amazon):
    for _ in range(30):
        amazon.apis.traffic.place(SELLER)
        amazon.pass_time(60)
    amazon.pass_time(600)
    new = _all(
        amazon,
        "searchOrders",
        {"createdAfter": "2026-01-01", "maxResultsPerPage": "20"},
        "paginationToken",
    )
    old = _all(
        amazon,
        "orders.v0.getOrders",
        {"CreatedAfter": "2026-01-01", "MaxResultsPerPage": "20", "MarketplaceIds": PLACE},
        "NextToken",
    )
    ids = [order["orderId"] for page in new for order in page["orders"]]
    assert [len(page["orders"]) for page in new] == [20, 20, 20, 10]
    assert ids == [order["AmazonOrderId"] for page in old for order in page["payload"]["Orders"]]
    assert len(set(ids)) == HISTORY + 30


def test_lists_hold_what_was_asked_for_and_nothing_fresher_than_two_minutes(amazon):
    fresh = amazon.apis.traffic.place(SELLER)
    since = rfc3339(amazon.clock.now_ms() - 1)
    query = {"lastUpdatedAfter": since}
    assert amazon.call("searchOrders", query=query)["orders"] == []
    amazon.pass_time(120)
    [order] = amazon.call("searchOrders", query=query)["orders"]
    assert order["orderId"] == fresh
    amazon.pass_time(24 * HOUR_S)
    ended = amazon.call("searchOrders", query={**query, "fulfillmentStatuses": "SHIPPED,CANCELLED"})
    assert [order["orderId"] for order in ended["orders"]] == [fresh]
    for nothing in (
        {"fulfillmentStatuses": "PENDING"},
        {"fulfillmentStatuses": "UNFULFILLABLE"},
        {"marketplaceIds": "A1PA6795UKMFR9"},
        {"lastUpdatedBefore": since},
    ):
        assert amazon.call("searchOrders", query={**query, **nothing})["orders"] == []
    merchants = amazon.call("searchOrders", query={**query, "fulfilledBy": "MERCHANT"})["orders"]
    amazons = amazon.call("searchOrders", query={**query, "fulfilledBy": "AMAZON"})["orders"]
    assert len(merchants) + len(amazons) == 1


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"createdAfter": "2026-01-01", "lastUpdatedAfter": "2026-01-01"},
        {"createdAfter": "yesterday"},
        {"createdAfter": "2026-01-01", "createdBefore": "2099-01-01"},
        {"createdAfter": "2026-01-01", "maxResultsPerPage": "101"},
        {"createdAfter": "2026-01-01", "paginationToken": "nonsense"},
        {"createdAfter": "2026-01-01", "includedData": "NONSENSE"},
    ],
)
def test_a_wrong_search_is_refused(amazon, query):
    assert amazon.refusal("searchOrders", query=query)[0] == 400


def test_no_order_slips_through_when_others_change_between_pages(amazon):
    ids = {amazon.apis.traffic.place(SELLER) for _ in range(60)}
    since = rfc3339(amazon.clock.now_ms())
    amazon.pass_time(2 * HOUR_S)
    query, seen = {"lastUpdatedAfter": since, "maxResultsPerPage": "10"}, []
    answer = amazon.call("searchOrders", query=query)
    while True:
        seen += [order["orderId"] for order in answer["orders"]]
        if "pagination" not in answer:
            break
        token = answer["pagination"]["nextToken"]
        amazon.pass_time(1_200)
        answer = amazon.call("searchOrders", query={**query, "paginationToken": token})
    moved_on = {
        change.order
        for change in amazon.apis.traffic.changes
        if change.at_ms > 1_800_000_000_000 + 2 * HOUR_S * 1_000 - 120_000
    }
    assert len(seen) == len(set(seen))
    assert ids - moved_on <= set(seen)
    assert moved_on
    # What moved on in the meantime is found by the next search, from where this one ended.
    query = {"lastUpdatedAfter": answer["lastUpdatedBefore"], "maxResultsPerPage": "100"}
    later = amazon.call("searchOrders", query=query)["orders"]
    assert ids <= set(seen) | {order["orderId"] for order in later}


def test_a_busy_day_is_listed_by_what_is_asked_for(amazon):
    day = Day(orders=3_000, speed=100_000)
    play(day, [SELLER], amazon.apis.traffic, now_ms=amazon.clock.now_ms(), seed=1)
    amazon.pass_time(60)
    assert len({change.order for change in amazon.apis.traffic.changes}) == 3_000
    amazon.pass_time(HOUR_S)
    first_ms = amazon.apis.traffic.changes[0].at_ms
    query = {"createdAfter": rfc3339(first_ms), "createdBefore": rfc3339(first_ms + 30)}
    few = amazon.call("searchOrders", query=query)["orders"]
    assert 0 < len(few) < 100


def test_a_page_token_wants_the_same_parameters_and_dies_after_a_day(amazon):
    query = {"createdAfter": "2026-01-01", "maxResultsPerPage": "5"}
    token = amazon.call("searchOrders", query=query)["pagination"]["nextToken"]
    other = {"createdAfter": "2026-02-01", "paginationToken": token}
    assert amazon.refusal("searchOrders", query=other)[0] == 400
    free = {**query, "maxResultsPerPage": "7", "includedData": "BUYER", "paginationToken": token}
    assert len(amazon.call("searchOrders", query=free)["orders"]) == 7
    amazon.clock.advance(24 * HOUR_S)
    assert amazon.refusal("searchOrders", query={**query, "paginationToken": token})[0] == 400


def _one(amazon: LocalAmazon, **wanted) -> str:
    for order in amazon.orders.listed(SELLER.id, SELLER.marketplaces):
        if all(getattr(order, name) == value for name, value in wanted.items()):
            return order.id
    raise AssertionError(wanted)


def test_parts_of_an_order_are_opened_by_a_restricted_token(amazon):
    order_id = _one(amazon)
    base = f"/orders/v0/orders/{order_id}"
    for name, path, element, key in (
        ("getOrderBuyerInfo", "/buyerInfo", "buyerInfo", "BuyerEmail"),
        ("getOrderAddress", "/address", "shippingAddress", "ShippingAddress"),
    ):
        closed = amazon.call(name, orderId=order_id)["payload"]
        opened = amazon.call(name, orderId=order_id, opened={base + path: frozenset({element})})
        assert closed == {"AmazonOrderId": order_id}
        assert key in opened["payload"]
    opened = {base + "/orderItems": frozenset({"buyerInfo"})}
    bare = amazon.call("getOrderItems", orderId=order_id)["payload"]["OrderItems"]
    full = amazon.call("getOrderItems", orderId=order_id, opened=opened)["payload"]["OrderItems"]
    order = amazon.call("orders.v0.getOrder", orderId=order_id)["payload"]
    ordered = order["NumberOfItemsShipped"] + order["NumberOfItemsUnshipped"]
    assert sum(item["QuantityOrdered"] for item in bare) == ordered
    assert all("BuyerInfo" in item for item in full)
    assert not any("BuyerInfo" in item for item in bare)
    infos = amazon.call("getOrderItemsBuyerInfo", orderId=order_id)["payload"]["OrderItems"]
    assert [info["OrderItemId"] for info in infos] == [item["OrderItemId"] for item in bare]


def test_a_confirmed_shipment_ships_the_order_and_is_told(amazon):
    package = {
        "packageReferenceId": "1",
        "carrierCode": "X",
        "trackingNumber": "T",
        "shipDate": "2026-10-01T00:00:00Z",
        "orderItems": [],
    }
    body = {"marketplaceId": PLACE, "packageDetail": package}
    order_id = _one(amazon, by_amazon=False, status=OrderStatus.UNSHIPPED)
    assert amazon.call("confirmShipment", body, orderId=order_id) is None
    order = amazon.call("orders.v0.getOrder", orderId=order_id)["payload"]
    assert (order["OrderStatus"], order["NumberOfItemsUnshipped"]) == ("Shipped", 0)
    assert len(amazon.sent) == 1
    assert amazon.refusal("confirmShipment", body, orderId=order_id)[0] == 400
    for wrong in (
        {},
        {**body, "packageDetail": {}},
        {**body, "packageDetail": {**package, "shipDate": ""}},
    ):
        other = _one(amazon, by_amazon=False, status=OrderStatus.UNSHIPPED)
        assert amazon.refusal("confirmShipment", wrong, orderId=other)[0] == 400
