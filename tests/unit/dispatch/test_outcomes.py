from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from gateway.answers import Event, Later, Reject, Retry, Skip
from gateway.dispatch.outcomes import Run, deferred, result_of
from gateway.errors import (
    EnvelopeError,
    SellerPausedError,
    SpApiAuthorizationError,
    SpApiRequestError,
    SpApiRetryableError,
)
from gateway.model import (
    ClaimedHandling,
    HandlingState,
    NotificationState,
    Origin,
    StoredNotification,
)

NOW_MS = 1_800_000_000_000
SCHEDULE_S = (0, 10, 60)


def claimed(*, tries: int = 0, saved_state: bytes | None = None) -> ClaimedHandling:
    notification = StoredNotification(
        id="ntf_1",
        identity="amazon-1",
        type="ORDER_CHANGE",
        payload_version="1.0",
        seller_id="S1",
        marketplace_id="ATVPDKIKX0DER",
        application_id=None,
        subscription_id=None,
        event_time_ms=1_799_999_999_000,
        received_at_ms=NOW_MS - 50,
        source="q",
        origin=Origin.SQS,
        state=NotificationState.ACCEPTED,
        body=b"{}",
    )
    return ClaimedHandling(
        id="hdl_1",
        token=7,
        handler="h",
        run=0,
        tries=tries,
        claims=1,
        key=None,
        coalesce=False,
        slot=None,
        saved_state=saved_state,
        replayed_from=None,
        created_at_ms=NOW_MS - 50,
        notification=notification,
    )


def run(*, tries: int = 0, jitter: float = 0.0, saved_state: bytes | None = None) -> Run:
    return Run(
        claimed=claimed(tries=tries, saved_state=saved_state),
        region="na",
        schedule_s=SCHEDULE_S,
        now_ms=NOW_MS,
        jitter=jitter,
    )


def test_none_is_handled_without_events() -> None:
    result = result_of(run(), None)
    assert (result.state, list(result.events), result.token) == (HandlingState.HANDLED, [], 7)


def test_an_event_carries_the_common_fields_and_the_authors_data() -> None:
    result = result_of(run(), Event(type="order.changed", data={"order": {"order_id": "1"}}))
    [event] = result.events
    body = orjson.loads(event.body)
    assert body == {
        "type": "order.changed",
        "timestamp": "2027-01-15T07:59:59.000Z",
        "data": {
            "seller": "S1",
            "region": "na",
            "marketplace": "ATVPDKIKX0DER",
            "notification": {
                "id": "amazon-1",
                "type": "ORDER_CHANGE",
                "payload_version": "1.0",
                "event_time": "2027-01-15T07:59:59.000Z",
            },
            "replayed_from": None,
            "order": {"order_id": "1"},
        },
    }
    assert event.id.startswith("evt_")
    assert "." not in event.id


def test_occurred_at_is_the_authors_where_given() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    result = result_of(run(), [Event(type="a", data={}, occurred_at=at), Event(type="b", data={})])
    assert orjson.loads(result.events[0].body)["timestamp"] == "2026-01-01T00:00:00.000Z"
    assert len({event.id for event in result.events}) == 2


def test_later_keeps_its_state_and_starts_the_tries_anew() -> None:
    result = result_of(run(tries=2), Later(timedelta(seconds=60), {"export_id": "x"}))
    assert result.state is HandlingState.PENDING
    assert result.due_at_ms == NOW_MS + 60_000
    assert result.saved_state == b'{"export_id":"x"}'
    assert result.tries == 0


def test_later_publishes_on_the_way() -> None:
    result = result_of(run(), Later(0, {"left": 1}, events=[Event(type="x", data={"n": 1})]))
    assert (result.state, result.saved_state) == (HandlingState.PENDING, b'{"left":1}')
    (event,) = result.events
    assert (event.type, b'"n":1' in event.body) == ("x", True)


@pytest.mark.parametrize(
    ("answer", "due_ms"),
    [
        (ValueError("boom"), 10_000),
        (TimeoutError(), 10_000),
        (Retry("busy"), 10_000),
        (Retry("busy", after=2), 2_000),
        (SpApiRetryableError("503", operation="getOrder"), 10_000),
        (SpApiRetryableError("429", operation="getOrder", retry_after_s=40), 40_000),
        (SpApiRetryableError("429", operation="getOrder", retry_after_s=1), 10_000),
        (SpApiRequestError("not there yet", operation="getOrder", status=404), 10_000),
        (SpApiAuthorizationError("revoked", operation="getOrder", status=403), 10_000),
    ],
)
def test_what_fails_is_tried_again(answer: Exception, due_ms: int) -> None:
    result = result_of(run(saved_state=b'{"kept":1}'), answer)
    assert result.state is HandlingState.PENDING
    assert result.due_at_ms == NOW_MS + due_ms
    assert result.tries == 1
    assert result.error
    assert result.saved_state == b'{"kept":1}'


def test_jitter_only_adds() -> None:
    result = result_of(run(jitter=0.999), ValueError("boom"))
    assert result.due_at_ms is not None
    assert NOW_MS + 10_000 < result.due_at_ms <= NOW_MS + 11_000


@pytest.mark.parametrize(
    "answer",
    [
        Reject("no such thing"),
        SpApiRequestError("bad", operation="getOrder", status=400),
        EnvelopeError("payload: not an object"),
        "a string",
        [Event(type="a", data={}), "b"],
        Event(type="a", data={"x": object()}),
        Later(1, state=object()),
        Later(1, events=[Event(type="a", data={"x": object()})]),
    ],
)
def test_what_can_never_succeed_is_dead_with_its_reason(answer: object) -> None:
    result = result_of(run(), answer)
    assert result.state is HandlingState.DEAD
    assert result.error
    assert not result.events


def test_no_tries_left_is_dead() -> None:
    result = result_of(run(tries=2), ValueError("boom"))
    assert result.state is HandlingState.DEAD
    assert result.error == "ValueError: boom"


def test_skip_ends_as_skipped() -> None:
    assert result_of(run(), Skip("old news")).state is HandlingState.SKIPPED


def test_a_call_that_waits_counts_no_try() -> None:
    result = deferred(run(tries=1, saved_state=b"1"), until_ms=NOW_MS + 5_000, slot="bucket")
    assert result.state is HandlingState.PENDING
    assert (result.tries, result.due_at_ms, result.slot) == (1, NOW_MS + 5_000, "bucket")
    assert result.saved_state == b"1"


def test_a_huge_error_is_cut() -> None:
    result = result_of(run(), ValueError("x" * 100_000))
    assert result.error is not None
    assert len(result.error) <= 2_000


def test_a_paused_seller_burns_no_tries() -> None:
    result = result_of(
        run(tries=2, saved_state=b"1"), SellerPausedError("paused", operation="getOrder")
    )
    assert result.state is HandlingState.PENDING
    assert (result.tries, result.saved_state) == (2, b"1")
    assert result.due_at_ms == NOW_MS + 300_000
