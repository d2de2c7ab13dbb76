"""Message bodies of each type, read back by the gateway's own reader of envelopes."""

import json

import pytest

from gateway.envelope import read_envelope
from gateway.errors import InvalidInputError
from gateway.notifications.kinds import Standing, Workflow
from gateway.notifications.known import TYPES
from gateway.notifications.reading import read_body
from gateway.simulator.notifications import Wrap, known_types, notification, subscription_id
from gateway.simulator.payloads import KINDS, Subject

ABOUT = Subject(seller_id="A1SELLER", at_ms=1_800_000_000_000)
SELLERLESS = {
    "ACCOUNT_STATUS_CHANGED",
    "APPLICATION_OAUTH_CLIENT_NEW_SECRET",
    "APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY",
    "BRANDED_ITEM_CONTENT_CHANGE",
    "ITEM_PRODUCT_TYPE_CHANGE",
    "SHIPMENT_TRACKING_MILESTONE_CHANGED",
}


@pytest.mark.parametrize("wrap", [*Wrap, None])
@pytest.mark.parametrize("type_", known_types())
def test_the_gateway_reads_every_type_in_every_wrap(type_, wrap):
    body = notification(type_, ABOUT, notification_id="n-1", wrap=wrap)
    envelope = read_envelope(body)
    assert (envelope.type, envelope.identity) == (type_, "n-1")
    assert envelope.event_time_ms == ABOUT.at_ms
    assert envelope.seller_id == (None if type_ in SELLERLESS else "A1SELLER")
    assert envelope.subscription_id == subscription_id("A1SELLER", type_)
    assert envelope.payload_version == KINDS[type_].payload_version


@pytest.mark.parametrize("type_", known_types())
def test_the_gateways_own_facts_and_models_agree(type_):
    known, kind = TYPES[type_], KINDS[type_]
    assert (known.workflow is Workflow.EVENT_BRIDGE) is kind.event_bridge
    assert kind.payload_version in known.payload_versions
    assert (known.standing is Standing.LIVE) is kind.subscribable
    reading = read_body(notification(type_, ABOUT))
    assert reading.fault is None
    assert reading.typed is not None or reading.untyped_for


def test_casing_is_the_types_own():
    order = json.loads(notification("ORDER_CHANGE", ABOUT))
    assert order["Payload"]["OrderChangeNotification"]["AmazonOrderId"] == ABOUT.order_id
    report = json.loads(notification("REPORT_PROCESSING_FINISHED", ABOUT))
    assert report["notificationVersion"] == "2020-09-04"
    assert report["payload"]["reportProcessingFinishedNotification"]["reportId"] == ABOUT.report_id
    assert set(report["notificationMetadata"]) == {
        "applicationId",
        "subscriptionId",
        "publishTime",
        "notificationId",
    }


def test_listings_come_through_event_bridge_unless_told_otherwise():
    frame = json.loads(notification("LISTINGS_ITEM_STATUS_CHANGE", ABOUT))
    assert frame["detail-type"] == "LISTINGS_ITEM_STATUS_CHANGE"
    assert frame["source"].startswith("aws.partner/sellingpartnerapi.amazon.com/")
    assert frame["detail"]["Payload"]["SellerId"] == "A1SELLER"
    bare = json.loads(notification("LISTINGS_ITEM_STATUS_CHANGE", ABOUT, wrap="sqs"))
    assert bare["NotificationType"] == "LISTINGS_ITEM_STATUS_CHANGE"


def test_every_notification_has_an_id_of_its_own():
    ids = {
        json.loads(notification("ORDER_CHANGE", ABOUT))["NotificationMetadata"]["NotificationId"]
        for _ in range(100)
    }
    assert len(ids) == 100


@pytest.mark.parametrize(("type_", "wrap"), [("NO_SUCH", None), ("ORDER_CHANGE", "post")])
def test_unknown_types_and_wraps_are_refused(type_, wrap):
    with pytest.raises(InvalidInputError):
        notification(type_, ABOUT, wrap=wrap)
