"""What a dead letter is, which filters mean it, and what of it is shown."""

from __future__ import annotations

import json

import pytest

from gateway.replay.dlq.filters import LetterFilter
from gateway.replay.dlq.masking import shown_attributes, shown_body
from gateway.replay.dlq.reading import groups, read_letter
from gateway.telemetry.redaction import MASK
from tests.support.bodies import REPORT_PAYLOAD, eventbridge, notification, sns
from tests.unit.replay.dlq.queues import letter

ORDER = json.dumps(notification())
ORDER_ID = "123-1234567-1234567"
POSTAL_CODE = "10115"
HOUR_MS = 3_600_000
UNFIT = {"OrderChangeNotification": 5}


def read(body: str = ORDER, **members: object):
    return read_letter(letter(1, body, **members))


# ── reading ──────────────────────────────────────────────────────────────────────────────────────


def test_a_notification_is_read() -> None:
    found = read()
    assert (found.type, found.seller_id, found.marketplace_id) == (
        "ORDER_CHANGE",
        "ASELLER1",
        "A1PA6795UKMFR9",
    )
    assert (found.reason, found.detail) == ("received_too_often", None)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("no json", "unreadable"),
        ("{}", "unreadable"),
        (json.dumps(notification("NEVER_HEARD_OF")), "unknown_type"),
        (json.dumps(notification(payload=UNFIT, PayloadVersion="99.0")), "unknown_version"),
        (json.dumps(notification(payload=UNFIT)), "unfit_payload"),
    ],
)
def test_a_fault_of_the_body_is_the_reason(body: str, reason: str) -> None:
    assert read(body).reason == reason


@pytest.mark.parametrize("name", ["ERROR_CODE", "ErrorCode"])
def test_a_code_that_the_sender_left_is_the_reason(name: str) -> None:
    attributes = {name: {"DataType": "String", "StringValue": "SDK_CLIENT_ERROR"}}
    for body in (ORDER, "no json"):
        assert read(body, attributes=attributes).reason == "SDK_CLIENT_ERROR"


def test_groups_are_counted_and_the_largest_comes_first() -> None:
    found = [read(), read("no json"), read()]
    assert groups(found, ("type", "reason")) == [
        {"type": "ORDER_CHANGE", "reason": "received_too_often", "messages": 2},
        {"type": None, "reason": "unreadable", "messages": 1},
    ]


# ── filters ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("wanted", "meant"),
    [
        (LetterFilter(), True),
        (LetterFilter(types=frozenset({"ORDER_CHANGE", "X"})), True),
        (LetterFilter(types=frozenset({"X"})), False),
        (LetterFilter(sellers=frozenset({"ASELLER1"})), True),
        (LetterFilter(sellers=frozenset({"ASELLER2"})), False),
        (LetterFilter(reasons=frozenset({"unreadable"})), False),
        (LetterFilter(text="mug-BLUE"), True),
        (LetterFilter(text="mug-red"), False),
        (LetterFilter(older_than_ms=HOUR_MS), True),
        (LetterFilter(older_than_ms=2 * HOUR_MS), False),
        (LetterFilter(younger_than_ms=HOUR_MS), False),
        (LetterFilter(older_than_ms=HOUR_MS, younger_than_ms=2 * HOUR_MS), True),
        (LetterFilter(least_receives=3, most_receives=3), True),
        (LetterFilter(least_receives=4), False),
        (LetterFilter(most_receives=2), False),
    ],
)
def test_every_condition_must_hold(wanted: LetterFilter, meant: bool) -> None:
    found = read(sent_at_ms=0, receive_count=3)
    assert wanted.matches(found, 3 * HOUR_MS // 2) is meant


def test_a_letter_without_a_time_has_no_age() -> None:
    assert not LetterFilter(older_than_ms=1).matches(read(), HOUR_MS)
    assert not LetterFilter(younger_than_ms=HOUR_MS).matches(read(), HOUR_MS)


def test_only_an_empty_filter_means_everything() -> None:
    assert LetterFilter().everything
    assert not LetterFilter(text="x").everything


# ── masking ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "body",
    [
        ORDER,
        json.dumps(ORDER),
        json.dumps(eventbridge(notification())),
        json.dumps(sns(ORDER)),
    ],
)
def test_ids_are_shown_and_a_place_is_not_in_whatever_wrapping(body: str) -> None:
    shown = json.dumps(shown_body(read(body), reveal=False))
    assert ORDER_ID in shown
    assert "ASELLER1" in shown
    assert POSTAL_CODE not in shown
    assert POSTAL_CODE in json.dumps(shown_body(read(body), reveal=True))


def test_what_stands_below_a_personal_name_is_hidden_whole() -> None:
    payload = {
        "sellerId": "ASELLER1",
        "shippingAddress": {"countryCode": "DE", "lines": ["Jane Doe", 5]},
        "buyerPhone": 491711234567,
        "comment": "call Jane",
        "items": [{"sku": "MUG", "quantity": 2}],
    }
    shown = shown_body(read(json.dumps(notification("NEW", payload))), reveal=False)["Payload"]
    assert shown == {
        "sellerId": "ASELLER1",
        "shippingAddress": MASK,
        "buyerPhone": MASK,
        "comment": MASK,
        "items": [{"sku": "MUG", "quantity": 2}],
    }


def test_a_body_with_a_credential_or_that_cannot_be_read_is_hidden_whole() -> None:
    secret = json.dumps(notification("ANY", {"newClientSecret": "hush"}))
    for body in (secret, "Jane Doe's letter"):
        assert shown_body(read(body), reveal=False) == f"<{len(body)} bytes>"
        assert "<" not in json.dumps(shown_body(read(body), reveal=True))


def test_a_token_is_hidden_even_under_a_harmless_name() -> None:
    payload = {**REPORT_PAYLOAD, "reportId": "Atza|IwEBIAbcdefgh"}
    shown = shown_body(read(json.dumps(notification("NEW", payload))), reveal=False)
    assert "IwEBIAbcdefgh" not in json.dumps(shown)


def test_message_attributes_are_masked_by_name() -> None:
    attributes = {
        "RULE_ARN": {"DataType": "String", "StringValue": "arn:aws:events:::rule/x"},
        "comment": {"DataType": "String", "StringValue": "for Jane"},
    }
    found = read(attributes=attributes)
    assert shown_attributes(found, reveal=False) == {
        "RULE_ARN": "arn:aws:events:::rule/x",
        "comment": MASK,
    }
    assert shown_attributes(found, reveal=True)["comment"] == "for Jane"
