"""What follows from each reply: the table of `sender.py`, row by row."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery.faults import OWN_FAULTS, ErrorClass
from gateway.delivery.verdict import (
    GONE,
    NO_ATTEMPTS_LEFT,
    ON_SCHEDULE,
    OWN_FAULT,
    RETRY_AFTER,
    TOO_OLD,
    Budget,
    Reply,
    judge,
)
from gateway.model import DeliveryState
from gateway.retry import DELIVERY_SCHEDULE_S, JITTER_SHARE

NOW_MS = 1_800_000_000_000
DAY_S = 24 * 3600
CHARGED = [
    error_class
    for error_class in ErrorClass
    if error_class not in OWN_FAULTS and error_class is not ErrorClass.GONE
]
RESTING = [ErrorClass.THROTTLED, ErrorClass.UNAVAILABLE]


def reply(error_class=None, retry_after_s=None):
    return Reply(
        started_at_ms=NOW_MS, duration_ms=5, error_class=error_class, retry_after_s=retry_after_s
    )


def outcome(
    of, *, attempts=0, schedule_s=DELIVERY_SCHEDULE_S, age_s=0.0, max_age_s=None, jitter=0.0
):
    budget = Budget(
        attempts=attempts,
        since_ms=NOW_MS - round(age_s * 1000),
        schedule_s=schedule_s,
        max_age_s=max_age_s,
    )
    return judge(of, budget, now_ms=NOW_MS, jitter=jitter)


def test_delivered():
    came = outcome(reply())
    assert came.state is DeliveryState.DELIVERED
    assert (came.due_at_ms, came.rest_until_ms, came.disable) == (None, None, None)


def test_gone_is_held_and_disables_at_any_attempt():
    for attempts in (0, 9, 50):
        came = outcome(reply(ErrorClass.GONE, retry_after_s=60), attempts=attempts)
        assert came.state is DeliveryState.HELD
        assert came.disable == "gone"
        assert came.due_at_ms is None


@pytest.mark.parametrize("error_class", CHARGED)
def test_failures_follow_the_schedule_to_its_end(error_class):
    delays_s = []
    for attempts in range(len(DELIVERY_SCHEDULE_S) - 1):
        came = outcome(reply(error_class), attempts=attempts)
        assert came.state is DeliveryState.PENDING
        assert came.disable is None
        delays_s.append((came.due_at_ms - NOW_MS) / 1000)
    assert delays_s == list(DELIVERY_SCHEDULE_S[1:])
    last = outcome(reply(error_class), attempts=len(DELIVERY_SCHEDULE_S) - 1)
    assert (last.state, last.due_at_ms) == (DeliveryState.DEAD, None)


@pytest.mark.parametrize("error_class", CHARGED)
def test_retry_after_puts_off_but_never_brings_forward(error_class):
    later = outcome(reply(error_class, retry_after_s=3600))
    assert later.due_at_ms == NOW_MS + 3_600_000
    sooner = outcome(reply(error_class, retry_after_s=1), attempts=3)
    assert sooner.due_at_ms == NOW_MS + 7_200_000
    capped = outcome(reply(error_class, retry_after_s=10 * DAY_S))
    assert capped.due_at_ms == NOW_MS + DAY_S * 1000


@pytest.mark.parametrize("error_class", [c for c in ErrorClass if c is not ErrorClass.GONE])
def test_only_throttling_answers_let_the_endpoint_rest(error_class):
    came = outcome(reply(error_class))
    asked = outcome(reply(error_class, retry_after_s=90))
    if error_class in RESTING:
        assert came.rest_until_ms == NOW_MS + 30_000
        assert asked.rest_until_ms == NOW_MS + 90_000
    else:
        assert came.rest_until_ms is None
        assert asked.rest_until_ms is None


@pytest.mark.parametrize("error_class", RESTING)
def test_a_rest_is_capped_never_nothing_and_outlives_the_delivery(error_class):
    long = outcome(reply(error_class, retry_after_s=10 * DAY_S))
    assert long.rest_until_ms == NOW_MS + DAY_S * 1000
    none = outcome(reply(error_class, retry_after_s=0))
    assert none.rest_until_ms == NOW_MS + 1000
    dead = outcome(reply(error_class), attempts=9)
    assert dead.state is DeliveryState.DEAD
    assert dead.rest_until_ms == NOW_MS + 30_000


@pytest.mark.parametrize("error_class", sorted(OWN_FAULTS))
def test_our_faults_are_not_charged_and_end_nothing(error_class):
    assert not reply(error_class).charged
    for attempts in (0, 9, 50):
        fresh = outcome(reply(error_class), attempts=attempts)
        assert fresh.state is DeliveryState.PENDING
        assert fresh.due_at_ms == NOW_MS + 5_000
        assert (fresh.rest_until_ms, fresh.disable) == (None, None)
    assert outcome(reply(error_class), age_s=600).due_at_ms == NOW_MS + 60_000
    assert outcome(reply(error_class), age_s=10 * DAY_S).due_at_ms == NOW_MS + 300_000


def test_whatever_is_not_ours_is_charged():
    assert reply().charged
    assert all(
        reply(error_class).charged for error_class in ErrorClass if error_class not in OWN_FAULTS
    )


def test_an_endpoints_own_schedule_counts():
    came = outcome(reply(ErrorClass.HTTP_5XX), schedule_s=(0, 7))
    assert came.due_at_ms == NOW_MS + 7_000
    assert outcome(reply(ErrorClass.HTTP_5XX), schedule_s=(0,)).state is DeliveryState.DEAD


@given(
    error_class=st.sampled_from([c for c in ErrorClass if c is not ErrorClass.GONE]),
    attempts=st.integers(0, 12),
    jitter=st.floats(0, 1, exclude_max=True),
    retry_after_s=st.none() | st.floats(0, 3 * DAY_S),
    age_s=st.floats(0, 10 * DAY_S),
)
def test_jitter_only_ever_adds(error_class, attempts, jitter, retry_after_s, age_s):
    of = reply(error_class, retry_after_s)
    exact = outcome(of, attempts=attempts, age_s=age_s)
    jittered = outcome(of, attempts=attempts, age_s=age_s, jitter=jitter)
    assert exact.state is jittered.state
    if exact.due_at_ms is None:
        assert jittered.due_at_ms is None
        return
    delay_ms = exact.due_at_ms - NOW_MS
    assert exact.due_at_ms <= jittered.due_at_ms
    assert jittered.due_at_ms - NOW_MS <= delay_ms * (1 + JITTER_SHARE) + 1


def test_each_outcome_says_why():
    assert outcome(reply()).reason is None
    assert outcome(reply(ErrorClass.GONE)).reason == GONE
    assert outcome(reply(ErrorClass.OWN_DNS)).reason == OWN_FAULT
    assert outcome(reply(ErrorClass.HTTP_5XX)).reason == ON_SCHEDULE
    assert outcome(reply(ErrorClass.HTTP_5XX, retry_after_s=1)).reason == ON_SCHEDULE
    assert outcome(reply(ErrorClass.HTTP_5XX, retry_after_s=600)).reason == RETRY_AFTER
    assert outcome(reply(ErrorClass.HTTP_5XX), attempts=9).reason == NO_ATTEMPTS_LEFT


def test_nothing_is_planned_beyond_the_maximum_age():
    kept = outcome(reply(ErrorClass.TIMEOUT), attempts=2, age_s=600, max_age_s=2400)
    assert (kept.state, kept.due_at_ms) == (DeliveryState.PENDING, NOW_MS + 1_800_000)
    ended = outcome(reply(ErrorClass.TIMEOUT), attempts=2, age_s=601, max_age_s=2400)
    assert (ended.state, ended.reason) == (DeliveryState.DEAD, TOO_OLD)
    asked = outcome(reply(ErrorClass.THROTTLED, retry_after_s=3600), max_age_s=1800)
    assert (asked.state, asked.reason) == (DeliveryState.DEAD, TOO_OLD)
    assert asked.rest_until_ms == NOW_MS + 3_600_000
