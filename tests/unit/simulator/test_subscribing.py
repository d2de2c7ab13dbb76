"""Destinations, subscriptions and what is published to them, with the clock in hand."""

import json

import pytest

from gateway.envelope import read_envelope
from gateway.simulator.cast import DEFAULT_SELLERS
from gateway.simulator.payloads import KINDS, Subject
from tests.support.amazon import QUEUE_ARN, SELLER, LocalAmazon

ORDER_FILTER = {
    "eventFilter": {"eventFilterType": "ORDER_CHANGE", "orderChangeTypes": ["OrderStatusChange"]}
}
BUS = {"eventBridge": {"region": "us-east-1", "accountId": "444455556666"}}


@pytest.fixture
def amazon() -> LocalAmazon:
    return LocalAmazon()


def _about(**fields) -> Subject:
    return Subject(**{"seller_id": SELLER.id, "at_ms": 1_800_000_000_000, **fields})


def _bus(amazon: LocalAmazon, **kwargs) -> str:
    body = {"name": "bus", "resourceSpecification": BUS}
    answer = amazon.call("createDestination", body, seller=None, **kwargs)
    return answer["payload"]["destinationId"]


def test_a_destination_is_made_once_per_application_and_found_again(amazon):
    made = amazon.destination()
    [listed] = amazon.call("getDestinations", seller=None)["payload"]
    assert listed == {
        "destinationId": made,
        "name": "d",
        "resource": {"sqs": {"arn": QUEUE_ARN}},
    }
    assert amazon.call("getDestination", seller=None, destinationId=made)["payload"] == listed
    body = {"name": "again", "resourceSpecification": {"sqs": {"arn": QUEUE_ARN}}}
    status, code, message = amazon.refusal("createDestination", body, seller=None)
    assert (status, code) == (409, "Conflict")
    assert QUEUE_ARN in message
    assert amazon.destination(application="other") != made
    status, *_ = amazon.refusal(
        "getDestination", seller=None, application="other", destinationId=made
    )
    assert status == 404


def test_there_is_one_event_bus_destination_per_aws_account(amazon):
    _bus(amazon)
    body = {"name": "bus", "resourceSpecification": BUS}
    assert amazon.refusal("createDestination", body, seller=None)[0] == 409
    assert amazon.refusal("createDestination", body, seller=None, application="other")[0] == 409


@pytest.mark.parametrize(
    "body",
    [
        {"resourceSpecification": {"sqs": {"arn": QUEUE_ARN}}},
        {"name": "x" * 257, "resourceSpecification": {"sqs": {"arn": QUEUE_ARN}}},
        {"name": "n"},
        {"name": "n", "resourceSpecification": {}},
        {"name": "n", "resourceSpecification": {**BUS, "sqs": {"arn": QUEUE_ARN}}},
        {"name": "n", "resourceSpecification": {"sqs": {"arn": "arn:aws-cn:sqs:a:b:c"}}},
        {"name": "n", "resourceSpecification": {"sqs": {"arn": QUEUE_ARN + ".fifo"}}},
        {"name": "n", "resourceSpecification": {"eventBridge": {"region": "us-east-1"}}},
    ],
)
def test_a_wrong_destination_is_refused(amazon, body):
    assert amazon.refusal("createDestination", body, seller=None)[0] == 400


def test_a_destination_with_subscriptions_stays(amazon):
    destination = amazon.destination()
    made = amazon.subscribe("REPORT_PROCESSING_FINISHED", destination)
    status, code, message = amazon.refusal(
        "deleteDestination", seller=None, destinationId=destination
    )
    assert (status, code) == (403, "Unauthorized")
    assert "Destination has subscriptions" in message
    amazon.call(
        "deleteSubscriptionById",
        seller=None,
        notificationType="REPORT_PROCESSING_FINISHED",
        subscriptionId=made["subscriptionId"],
    )
    assert amazon.call("deleteDestination", seller=None, destinationId=destination) == {}
    assert amazon.refusal("deleteDestination", seller=None, destinationId=destination)[0] == 404


def test_a_subscription_is_shown_as_it_was_made_and_made_once(amazon):
    destination = amazon.destination()
    made = amazon.subscribe("ORDER_CHANGE", destination, processingDirective=ORDER_FILTER)
    assert made == {
        "subscriptionId": made["subscriptionId"],
        "payloadVersion": "1.0",
        "destinationId": destination,
        "processingDirective": ORDER_FILTER,
    }
    got = amazon.call("getSubscription", notificationType="ORDER_CHANGE")["payload"]
    by_id = amazon.call(
        "getSubscriptionById",
        seller=None,
        notificationType="ORDER_CHANGE",
        subscriptionId=made["subscriptionId"],
    )["payload"]
    assert got == by_id == made
    body = {"payloadVersion": "1.0", "destinationId": destination}
    again = {**body, "processingDirective": ORDER_FILTER}
    status, code, message = amazon.refusal(
        "createSubscription", again, notificationType="ORDER_CHANGE"
    )
    assert (status, code) == (409, "StateConflict")
    assert "ORDER_CHANGE" in message
    other = DEFAULT_SELLERS[1]
    status, *_ = amazon.refusal("getSubscription", seller=other, notificationType="ORDER_CHANGE")
    assert status == 404


def test_the_newest_payload_version_is_shown_unless_one_is_asked_for(amazon):
    destination, type_ = amazon.destination(), "ITEM_SALES_EVENT_CHANGE"
    dated = amazon.subscribe(type_, destination, payloadVersion="2020-09-04")
    plain = amazon.subscribe(type_, destination)
    assert amazon.call("getSubscription", notificationType=type_)["payload"] == dated
    asked = amazon.call("getSubscription", notificationType=type_, query={"payloadVersion": "1.0"})
    assert asked["payload"] == plain


@pytest.mark.parametrize(
    ("type_", "fields"),
    [
        ("NO_SUCH_TYPE", {}),
        ("APPLICATION_OAUTH_CLIENT_NEW_SECRET", {}),
        ("ORDER_CHANGE", {}),
        ("ORDER_CHANGE", {"processingDirective": {"eventFilter": {}}}),
        (
            "ORDER_CHANGE",
            {
                "processingDirective": {
                    "eventFilter": {"eventFilterType": "ORDER_CHANGE", "marketplaceIds": ["A"]}
                }
            },
        ),
        (
            "ORDER_CHANGE",
            {
                "processingDirective": {
                    "eventFilter": {"eventFilterType": "ORDER_CHANGE", "orderChangeTypes": ["X"]}
                }
            },
        ),
        ("ORDER_CHANGE", {"processingDirective": {**ORDER_FILTER, "filterExpression": "A.B == 1"}}),
        ("PRICING_HEALTH", {"processingDirective": ORDER_FILTER}),
        ("PRICING_HEALTH", {"processingDirective": {"filterExpression": "issueType + 1"}}),
        ("PRICING_HEALTH", {"processingDirective": {"filterExpression": "x" * 257}}),
        (
            "SHIPMENT_TRACKING_MILESTONE_CHANGED",
            {
                "processingDirective": {
                    "eventFilter": {
                        "eventFilterType": "SHIPMENT_TRACKING_MILESTONE_CHANGED",
                        "trackingIdentifier": {"aftn": "1", "id": "2"},
                    }
                }
            },
        ),
        ("LISTINGS_ITEM_STATUS_CHANGE", {}),
        ("REPORT_PROCESSING_FINISHED", {"payloadVersion": "9.9"}),
        ("REPORT_PROCESSING_FINISHED", {"payloadVersion": None}),
        ("REPORT_PROCESSING_FINISHED", {"destinationId": "another's"}),
    ],
)
def test_a_wrong_subscription_is_refused(amazon, type_, fields):
    body = {"payloadVersion": "1.0", "destinationId": amazon.destination(), **fields}
    status, code, _ = amazon.refusal("createSubscription", body, notificationType=type_)
    assert (status, code) == (400, "InvalidInput")


def test_a_type_of_the_event_bus_takes_no_filter_expression_and_the_bus_alone(amazon):
    bus = _bus(amazon)
    for fields, type_ in (({}, "ORDER_CHANGE"), ({}, "REPORT_PROCESSING_FINISHED")):
        body = {"payloadVersion": "1.0", "destinationId": bus, **fields}
        assert amazon.refusal("createSubscription", body, notificationType=type_)[0] == 400
    made = amazon.subscribe("LISTINGS_ITEM_STATUS_CHANGE", bus)
    assert made["destinationId"] == bus


def test_filter_expressions_make_subscriptions_to_one_type_differ(amazon):
    destination, type_ = amazon.destination(), "PRICING_HEALTH"
    for issue in ("BuyBoxDisqualification", "Other"):
        directive = {"filterExpression": f"issueType == '{issue}'"}
        amazon.subscribe(type_, destination, processingDirective=directive)
    query = {"notificationTypes": type_}
    assert len(amazon.call("getSubscriptions", query=query)["payload"]["subscriptions"]) == 2
    assert len(amazon.apis.publisher.publish(type_, _about())) == 1
    body = {"payloadVersion": "1.0", "destinationId": destination}
    assert amazon.refusal("createSubscription", body, notificationType=type_)[0] == 409


@pytest.mark.parametrize(
    ("expression", "sent"),
    [
        ("OrderChangeNotification.OrderChangeType == 'OrderStatusChange'", True),
        ("OrderChangeNotification.OrderChangeType != 'OrderStatusChange'", False),
        ("OrderChangeNotification.Summary.MarketplaceId == 'X' || A == 1", False),
        (
            (
                "OrderChangeNotification.Summary.NumberOfItemsShipped == 0"
                ' && OrderChangeNotification.NotificationLevel == "OrderLevel"'
            ),
            True,
        ),
        ("OrderChangeNotification.Summary.DestinationPostalCode == null", True),
        ("OrderChangeNotification.None.At.All == true", False),
    ],
)
def test_a_filter_expression_lets_through_what_it_says(amazon, expression, sent):
    amazon.subscribe(
        "ORDER_CHANGE",
        amazon.destination(),
        processingDirective={"filterExpression": expression},
    )
    amazon.apis.publisher.publish("ORDER_CHANGE", _about())
    assert bool(amazon.sent) is sent


def test_subscriptions_are_listed_by_pages(amazon):
    bus, type_ = _bus(amazon), "SHIPMENT_TRACKING_MILESTONE_CHANGED"
    made = [
        amazon.subscribe(
            type_,
            bus,
            processingDirective={
                "eventFilter": {
                    "eventFilterType": type_,
                    "trackingIdentifier": {"aftn": str(number)},
                }
            },
        )
        for number in range(65)
    ]
    seen, query = [], {"notificationTypes": type_, "pageSize": "30"}
    while True:
        payload = amazon.call("getSubscriptions", query=query)["payload"]
        seen.extend(payload["subscriptions"])
        if "nextToken" not in payload:
            break
        query["nextToken"] = payload["nextToken"]
    assert seen == made
    for wrong in (
        {},
        {"notificationTypes": f"{type_},ORDER_CHANGE"},
        {"notificationTypes": type_, "pageSize": "29"},
        {"notificationTypes": type_, "nextToken": "nonsense"},
    ):
        assert amazon.refusal("getSubscriptions", query=wrong)[0] == 400


def test_some_types_are_unsubscribed_with_the_sellers_token_alone(amazon):
    type_ = "FULFILLMENT_ORDER_STATUS"
    made = amazon.subscribe(type_, amazon.destination())
    named = {"notificationType": type_, "subscriptionId": made["subscriptionId"]}
    assert amazon.refusal("deleteSubscriptionById", seller=None, **named)[0] == 403
    other = DEFAULT_SELLERS[1]
    assert amazon.refusal("deleteSubscriptionById", seller=other, **named)[0] == 404
    assert amazon.call("deleteSubscriptionById", **named) == {}
    assert amazon.refusal("deleteSubscriptionById", **named)[0] == 404


@pytest.mark.parametrize("type_", [type_ for type_, kind in KINDS.items() if kind.subscribable])
def test_every_type_reaches_who_is_subscribed_and_nobody_else(amazon, type_):
    kind = KINDS[type_]
    destination = _bus(amazon) if kind.event_bridge else amazon.destination()
    directive = None
    if type_ in {"ORDER_CHANGE", "SHIPMENT_TRACKING_MILESTONE_CHANGED"}:
        directive = {"eventFilter": {"eventFilterType": type_, "trackingIdentifier": {"id": "1"}}}
    made = amazon.subscribe(type_, destination, processingDirective=directive)
    [sent_id] = amazon.apis.publisher.publish(type_, _about())
    assert amazon.apis.publisher.publish(type_, _about(seller_id="A1NOBODY")) == []
    [(arn, body)] = amazon.sent
    assert arn == QUEUE_ARN
    assert ("detail-type" in body) is kind.event_bridge
    envelope = read_envelope(_as_bytes(body))
    assert (envelope.type, envelope.identity) == (type_, sent_id)
    assert envelope.subscription_id == made["subscriptionId"]
    if kind.event_bridge:
        assert body["account"] == "444455556666"


def _as_bytes(body) -> bytes:

    return json.dumps(body).encode()


def test_event_filters_withhold_what_is_not_wanted(amazon):
    destination = amazon.destination()
    amazon.subscribe("ORDER_CHANGE", destination, processingDirective=ORDER_FILTER)
    offers = {"eventFilterType": "ANY_OFFER_CHANGED", "marketplaceIds": ["A1PA6795UKMFR9"]}
    amazon.subscribe("ANY_OFFER_CHANGED", destination, processingDirective={"eventFilter": offers})
    publish = amazon.apis.publisher.publish
    assert publish("ORDER_CHANGE", _about(order_change_type="BuyerRequestedChange")) == []
    assert len(publish("ORDER_CHANGE", _about())) == 1
    assert publish("ANY_OFFER_CHANGED", _about()) == []
    assert len(publish("ANY_OFFER_CHANGED", _about(marketplace_id="A1PA6795UKMFR9"))) == 1


def test_what_goes_to_a_queue_that_is_not_there_is_lost_without_a_word(amazon):
    gone = amazon.destination("arn:aws:sqs:us-east-1:000000000000:missing")
    amazon.subscribe("REPORT_PROCESSING_FINISHED", gone)
    assert len(amazon.apis.publisher.publish("REPORT_PROCESSING_FINISHED", _about())) == 1
    assert amazon.sent == []
    assert amazon.apis.publisher.lost == {"REPORT_PROCESSING_FINISHED": 1}


def test_a_test_notification_is_really_sent(amazon):
    destination = amazon.destination()
    test = {"payloadVersion": "1.0", "testScenario": "Default"}
    body = {"destinationId": destination, "testNotification": test}
    named = {"seller": None, "notificationType": "ORDER_CHANGE"}
    assert amazon.call("sendTestNotification", body, **named) == {}
    [(arn, sent)] = amazon.sent
    assert (arn, sent["NotificationType"]) == (QUEUE_ARN, "ORDER_CHANGE")
    for wrong in (
        {**body, "destinationId": "another's"},
        {**body, "testNotification": {**test, "testScenario": ""}},
        {**body, "testNotification": {**test, "payloadVersion": "7"}},
        {"destinationId": destination},
        {**body, "destinationId": _bus(amazon)},
    ):
        assert amazon.refusal("sendTestNotification", wrong, **named)[0] == 400
