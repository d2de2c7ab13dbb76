"""What is refused of a declaration before anything is called; every fault at once."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.subscriptions.declaration import Declaration, DeclaredDestination, Filters
from gateway.subscriptions.desired import Declared, faults_of

QUEUE = DeclaredDestination(name="main", arn="arn:aws:sqs:eu-west-1:123456789012:spapi")
BUS = DeclaredDestination(name="bus", aws_region="us-east-1", aws_account="123456789012")
STATUS = Filters(order_change_types=("OrderStatusChange",))


def declared(*types: str, destination: str = "main", **more: Any) -> Declaration:
    return Declaration(where="subscriptions[0]", types=types, destination=destination, **more)


def faults(*declarations: Declaration, destinations: Any = (QUEUE, BUS)) -> list[str]:
    found = faults_of(Declared(destinations=destinations, subscriptions=declarations))
    return [f"{one.where.partition('].')[2]}: {one.what}" for one in found]


@pytest.mark.parametrize(
    "declaration",
    [
        declared("ORDER_CHANGE", filters=STATUS),
        declared("ORDER_CHANGE", filter_expression="OrderChangeNotification.SellerId == 'A'"),
        declared("ORDER_CHANGE", "ANY_OFFER_CHANGED", filters=STATUS),
        declared("ANY_OFFER_CHANGED", filters=Filters(aggregation="FiveMinutes")),
        declared("all", filters=STATUS),
        declared("all", destination="bus"),
        declared("LISTINGS_ITEM_STATUS_CHANGE", destination="bus"),
        declared("FEED_PROCESSING_FINISHED", payload_version="2020-09-04"),
        declared(
            "SHIPMENT_TRACKING_MILESTONE_CHANGED",
            destination="bus",
            filters=Filters(tracking_identifier={"aftn": "1"}),
        ),
    ],
)
def test_what_amazon_takes_passes(declaration: Declaration) -> None:
    assert faults(declaration) == []


@pytest.mark.parametrize(
    ("declaration", "fault"),
    [
        (declared("ORDER_CHANGED"), 'type: there is no type "ORDER_CHANGED"'),
        (declared("ORDER_STATUS_CHANGE"), "not sent by Amazon any more"),
        (declared("TAX_INVOICE_ISSUANCE_STATUS"), "not sent by Amazon yet"),
        (declared("APPLICATION_OAUTH_CLIENT_NEW_SECRET"), "comes by itself"),
        (declared("BOPIS_CHECKIN_DETAILS"), "not described"),
        (declared("PRICING_HEALTH", destination="bus"), "goes to a queue only"),
        (declared("LISTINGS_ITEM_STATUS_CHANGE"), "goes to an event bus only"),
        (declared("PRICING_HEALTH", destination="other"), 'there is no destination "other"'),
        (declared("ORDER_CHANGE"), "filter: ORDER_CHANGE is refused by Amazon without a filter"),
        (declared("all"), "filter: ORDER_CHANGE is refused by Amazon without a filter"),
        (declared("all", "ORDER_CHANGE", filters=STATUS), '"all" stands beside other types'),
        (declared("PRICING_HEALTH", filters=STATUS), "order_change_types filters ORDER_CHANGE"),
        (
            declared("ORDER_CHANGE", filters=STATUS, filter_expression="a == 1"),
            "filter_expression: stands beside filter",
        ),
        (declared("ORDER_CHANGE", filter_expression="x" * 257), "has 257 characters"),
        (
            declared("PRICING_HEALTH", "TRANSACTION_UPDATE", filter_expression="a == 1"),
            "several are named",
        ),
        (
            declared("LISTINGS_ITEM_STATUS_CHANGE", destination="bus", filter_expression="a == 1"),
            "takes no filter expression",
        ),
        (
            declared("ORDER_CHANGE", filters=STATUS, payload_version="2.0"),
            'no payload version "2.0"',
        ),
        (
            declared("SHIPMENT_TRACKING_MILESTONE_CHANGED", destination="bus"),
            "refused by Amazon without a filter",
        ),
        (
            declared(
                "SHIPMENT_TRACKING_MILESTONE_CHANGED",
                destination="bus",
                filters=Filters(tracking_identifier={"aftn": "1", "acsin": "2"}),
            ),
            "several ids",
        ),
        (
            declared("ORDER_CHANGE", filters=Filters(order_change_types=("Cancelled",))),
            '"Cancelled" is no order change type',
        ),
        (
            declared("ANY_OFFER_CHANGED", filters=Filters(aggregation="Hour")),
            '"Hour" is no aggregation',
        ),
    ],
)
def test_what_amazon_refuses_is_told_before_it_is_asked(
    declaration: Declaration, fault: str
) -> None:
    assert any(fault in one for one in faults(declaration)), faults(declaration)


@pytest.mark.parametrize(
    ("destination", "fault"),
    [
        (DeclaredDestination(name="main"), "not exactly one"),
        (
            DeclaredDestination(name="main", arn=QUEUE.arn, aws_region="us-east-1"),
            "not exactly one",
        ),
        (DeclaredDestination(name="main", arn=f"{QUEUE.arn}.fifo"), "FIFO"),
        (DeclaredDestination(name="main", arn="arn:aws-cn:sqs:cn-north-1:1:q"), "no ARN"),
        (DeclaredDestination(name="main", aws_region="us-east-1"), "twelve digits"),
        (
            DeclaredDestination(name="main", aws_region="us-east-1", aws_account="1"),
            "twelve digits",
        ),
        (DeclaredDestination(name="m" * 257, arn=QUEUE.arn), "too long"),
    ],
)
def test_destinations_are_judged_too(destination: DeclaredDestination, fault: str) -> None:
    assert any(fault in one for one in faults(destinations=[destination]))


def test_every_fault_is_told_at_once() -> None:
    found = faults(declared("ORDER_CHANGE"), declared("NOPE", destination="nowhere"))
    assert len(found) == 3
