from __future__ import annotations

import hashlib
import json
from typing import Any

import orjson
import pytest

from gateway.envelope import MAX_BODY_BYTES, metadata_of, payload_of, read_envelope
from gateway.errors import EnvelopeError
from tests.support.bodies import (
    NOTIFICATION_ID,
    ORDER_PAYLOAD,
    REPORT_PAYLOAD,
    camel,
    eventbridge,
    notification,
    sns,
    text,
)


def shouted(value: dict[str, Any]) -> dict[str, Any]:
    return {key.upper(): inner for key, inner in value.items()}


def test_reads_every_outer_field() -> None:
    body = text(notification()).encode()

    envelope = read_envelope(body)

    assert envelope.identity == NOTIFICATION_ID
    assert envelope.type == "ORDER_CHANGE"
    assert envelope.payload_version == "1.0"
    assert envelope.body == body
    assert envelope.event_time_ms == 1_772_359_201_250
    assert envelope.subscription_id == "sub-1"
    assert envelope.application_id == "amzn1.sellerapps.app.test"
    assert envelope.seller_id == "ASELLER1"
    assert envelope.marketplace_id == "A1PA6795UKMFR9"
    assert not envelope.secret


@pytest.mark.parametrize("spell", [camel, shouted], ids=["camel", "upper"])
def test_spelling_of_keys_makes_no_difference(spell: Any) -> None:
    plain = read_envelope(text(notification()))
    spelled = read_envelope(text(spell(notification())))

    for name in ("identity", "type", "payload_version", "event_time_ms", "seller_id"):
        assert getattr(spelled, name) == getattr(plain, name)


@pytest.mark.parametrize(
    "wrap",
    [
        text,
        lambda n: text(text(n)),
        lambda n: text(sns(text(n))),
        lambda n: text(text(sns(text(n)))),
        lambda n: text(sns(text(text(n)))),
    ],
    ids=["bare", "double", "sns", "double-sns", "sns-double"],
)
@pytest.mark.parametrize("metadata", [None, {}], ids=["with id", "without id"])
def test_wrappers_that_hold_text_give_the_bare_envelope(wrap: Any, metadata: Any) -> None:
    inner = notification(metadata=metadata)

    assert read_envelope(wrap(inner)) == read_envelope(text(inner))


@pytest.mark.parametrize(
    "wrap",
    [
        eventbridge,
        lambda n: eventbridge(text(n)),
        lambda n: text(eventbridge(n)),
        lambda n: sns(text(eventbridge(n))),
    ],
    ids=["object", "text", "double", "sns"],
)
def test_eventbridge_gives_the_notification_inside(wrap: Any) -> None:
    inner = notification("LISTINGS_ITEM_STATUS_CHANGE", {"SellerId": "ASELLER1", "Sku": "MUG"})

    envelope = read_envelope(text(wrap(inner)))

    assert envelope.type == "LISTINGS_ITEM_STATUS_CHANGE"
    assert envelope.seller_id == "ASELLER1"
    assert orjson.loads(envelope.body) == inner


def test_eventbridge_without_id_has_the_identity_of_the_compact_bare_message() -> None:
    inner = notification(metadata={})

    wrapped = read_envelope(text(eventbridge(inner)))

    assert wrapped.identity == read_envelope(orjson.dumps(inner)).identity


def test_a_frame_that_is_itself_a_notification_is_not_unwrapped() -> None:
    odd = {**eventbridge(notification("OTHER_TYPE")), **notification()}

    assert read_envelope(text(odd)).type == "ORDER_CHANGE"


def test_identity_without_an_id_is_the_digest_of_the_stored_bytes() -> None:
    for metadata in ({}, {"NotificationId": "  "}, {"NotificationId": None}):
        envelope = read_envelope(text(notification(metadata=metadata)))
        assert envelope.identity == "sha256:" + hashlib.sha256(envelope.body).hexdigest()


def test_spaces_around_ids_are_stripped() -> None:
    envelope = read_envelope(
        text(
            notification(
                " order_change ",
                metadata={
                    "NotificationId": f" {NOTIFICATION_ID}",
                    "SubscriptionId": "sub-1 ",
                    "ApplicationId": "\tapp",
                },
            )
        )
    )

    assert envelope.identity == NOTIFICATION_ID
    assert envelope.type == "ORDER_CHANGE"
    assert (envelope.subscription_id, envelope.application_id) == ("sub-1", "app")


@pytest.mark.parametrize("metadata", [[], "x", 3])
def test_metadata_of_another_kind_is_no_fault(metadata: Any) -> None:
    envelope = read_envelope(text(notification(NotificationMetadata=metadata)))

    assert envelope.subscription_id is None
    assert envelope.identity.startswith("sha256:")
    assert metadata_of(envelope.body) == {}


@pytest.mark.parametrize(
    "time", [None, "", "yesterday", 1_772_359_201_250, "2026-13-01T00:00:00Z", {}]
)
def test_event_time_that_cannot_be_read_is_none(time: Any) -> None:
    assert read_envelope(text(notification(EventTime=time))).event_time_ms is None


@pytest.mark.parametrize(
    ("version", "read"), [("2021-01-01 ", "2021-01-01"), (1.0, "1.0"), (None, ""), ([], "")]
)
def test_payload_version(version: Any, read: str) -> None:
    assert read_envelope(text(notification(PayloadVersion=version))).payload_version == read


@pytest.mark.parametrize("id_", ["a\u0000b", "x" * 257, "a\nb"])
def test_ids_that_no_store_takes(id_: str) -> None:
    """PostgreSQL refuses NUL in text and index entries of kilobytes; one would fail a batch."""
    with pytest.raises(EnvelopeError, match=r"^NotificationMetadata\.NotificationId: ") as caught:
        read_envelope(text(notification(metadata={"NotificationId": id_})))
    assert id_ not in str(caught.value)

    envelope = read_envelope(
        text(
            notification(
                "SOME_TYPE",
                {"SellerId": id_, "MarketplaceId": id_},
                metadata={"SubscriptionId": id_, "ApplicationId": id_},
                PayloadVersion=id_,
            )
        )
    )
    assert (envelope.seller_id, envelope.marketplace_id) == (None, None)
    assert (envelope.subscription_id, envelope.application_id) == (None, None)
    assert envelope.payload_version == ""


def test_new_client_secret_is_marked() -> None:
    payload = {"applicationOAuthClientNewSecret": {"clientId": "c", "newClientSecret": "s"}}

    by_type = read_envelope(text(camel(notification("APPLICATION_OAUTH_CLIENT_NEW_SECRET", {}))))
    by_key = read_envelope(text(notification("SOMETHING_ELSE", payload)))
    by_odd_key = read_envelope(text(notification("SOMETHING_ELSE", {"A": {"NEWCLIENTSECRET": 1}})))
    wrapped = read_envelope(text(eventbridge(notification("SOMETHING_ELSE", payload))))

    assert by_type.secret
    assert by_key.secret
    assert by_odd_key.secret
    assert wrapped.secret


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "body: is empty"),
        (b"  ", "body: is not JSON"),
        (b"hunter2", "body: is not JSON"),
        (b'{"NotificationType": "A', "body: is not JSON"),
        (b'{"NotificationType": "\xff"}', "body: is not UTF-8"),
        ('{"a": "\ud800"}', "body: is not UTF-8"),
        (b"[1]", "body: is an array, not an object"),
        (b"null", "body: is null, not an object"),
        (b"true", "body: is true or false, not an object"),
        (b"1.5", "body: is a number, not an object"),
        (b"{}", "NotificationType: missing in the object that body holds"),
        (b'"hunter2"', "body: is not JSON"),
        (text({"NotificationType": 3, "Payload": {}}), "NotificationType: is a number"),
        (text({"NotificationType": "hun ter", "Payload": {}}), "NotificationType: is not of"),
        (text({"NotificationType": "", "Payload": {}}), "NotificationType: is not of"),
        (text({"NotificationType": "A" * 129, "Payload": {}}), "NotificationType: is not of"),
        (text(notification(Payload=[])), "Payload: is an array, not an object"),
        (text({"NotificationType": "A"}), "Payload: missing"),
        (text({"NotificationType": "A", "Payload": None}), "Payload: is null, not an object"),
        (text(eventbridge(None)), "body.detail: is null, not an object"),
        (text(eventbridge({"bucket": "b"})), "NotificationType: missing in the object that body."),
        (text(sns("hunter2")), "body.Message: is not JSON"),
        (text({"Type": "SubscriptionConfirmation", "Message": "x"}), "NotificationType: missing"),
        (text(text(text(text(text(text(notification())))))), "body: has more than 4 wrappers"),
        (b" " * (MAX_BODY_BYTES + 1), "body: has 1048577 bytes, more than 1048576"),
        (b"[" * 5000, "body: is not JSON"),
        (
            b'{"detail-type":"A","source":"s","detail":{"NotificationType":"A","Payload":'
            + b'{"a":' * 300
            + b"1"
            + b"}" * 302,
            "body.detail: can't be written as JSON again",
        ),
    ],
)
def test_what_is_no_notification_is_a_named_fault(body: bytes | str, reason: str) -> None:
    with pytest.raises(EnvelopeError) as caught:
        read_envelope(body)

    assert str(caught.value).startswith(reason)
    assert "hunter2" not in str(caught.value)


def test_largest_body_is_read() -> None:
    body = text(notification()).encode()

    envelope = read_envelope(body + b" " * (MAX_BODY_BYTES - len(body)))

    assert len(envelope.body) == MAX_BODY_BYTES


@pytest.mark.parametrize("spell", [lambda n: n, camel, shouted], ids=["pascal", "camel", "upper"])
def test_payload_and_metadata_of_a_stored_body(spell: Any) -> None:
    outer = spell(notification())
    stored = read_envelope(text(eventbridge(outer))).body

    payload = payload_of(stored)
    metadata = metadata_of(stored)

    assert {key.lower() for key in payload} == {"orderchangenotification"}
    assert {key.lower(): value for key, value in metadata.items()}["subscriptionid"] == "sub-1"
    assert payload_of(json.dumps(notification())) == ORDER_PAYLOAD


def test_payload_of_something_else_is_a_fault() -> None:
    with pytest.raises(EnvelopeError, match="Payload: missing"):
        payload_of(b'{"NotificationType": "A"}')
    with pytest.raises(EnvelopeError, match="is not JSON"):
        metadata_of(b"{")


def test_report_in_camel_case() -> None:
    body = text(camel(notification("REPORT_PROCESSING_FINISHED", REPORT_PAYLOAD)))

    envelope = read_envelope(body)

    assert envelope.type == "REPORT_PROCESSING_FINISHED"
    assert envelope.seller_id == "ASELLER1"
    assert envelope.marketplace_id is None
