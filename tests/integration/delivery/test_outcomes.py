"""The table of answers, row by row: a real receiver, a set clock, and what follows."""

import datetime as dt
from email.utils import format_datetime

import pytest

from gateway.delivery.sender import Sender
from gateway.delivery.verdict import (
    GONE,
    NO_ATTEMPTS_LEFT,
    ON_SCHEDULE,
    OWN_FAULT,
    RETRY_AFTER,
    Budget,
    judge,
)
from gateway.endpoints import Endpoint
from gateway.model import DeliveryState
from gateway.retry import DELIVERY_SCHEDULE_S
from tests.integration.delivery.conftest import LOOPBACK, FixedResolver, attempt, endpoint
from tests.support.clock import FakeClock
from tests.support.receivers import answer, receiver

NOW_MS = 1_800_000_000_000
PENDING, HELD, DEAD = DeliveryState.PENDING, DeliveryState.HELD, DeliveryState.DEAD
DAY_S = 86_400


def date(after_s: int) -> str:
    at = dt.datetime.fromtimestamp(NOW_MS / 1000 + after_s, dt.UTC)
    return format_datetime(at, usegmt=True)


async def after(status: int, *, attempts: int = 0, **headers: str):
    """What one attempt leads to where the receiver answers so."""
    clock = FakeClock(NOW_MS)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        receiver(answer(status, headers=named)) as got,
        Sender(LOOPBACK, FixedResolver(), clock, timeout_s=30.0) as sender,
    ):
        reply = await attempt(sender, endpoint(got.url()))
    assert len(got.requests) == 1
    budget = Budget(attempts=attempts, since_ms=NOW_MS, schedule_s=DELIVERY_SCHEDULE_S)
    outcome = judge(reply, budget, now_ms=NOW_MS, jitter=0.0)
    assert reply.charged
    return outcome


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_delivered(status):
    outcome = await after(status, Retry_After="600")
    assert (outcome.state, outcome.due_at_ms, outcome.rest_until_ms) == (
        DeliveryState.DELIVERED,
        None,
        None,
    )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_a_failure_and_not_followed(status):
    outcome = await after(status, Location="http://127.0.0.1:1/elsewhere")
    assert (outcome.state, outcome.reason) == (PENDING, ON_SCHEDULE)


async def test_gone():
    outcome = await after(410, Retry_After="60")
    assert (outcome.state, outcome.reason, outcome.disable) == (HELD, GONE, "gone")
    assert outcome.due_at_ms is None


@pytest.mark.parametrize("status", [400, 401, 404, 409, 422, 500, 501, 505])
async def test_other_failures_go_by_the_schedule(status):
    for attempts in range(len(DELIVERY_SCHEDULE_S) - 1):
        outcome = await after(status, attempts=attempts)
        assert (outcome.state, outcome.reason, outcome.rest_until_ms) == (
            PENDING,
            ON_SCHEDULE,
            None,
        )
        assert outcome.due_at_ms == NOW_MS + round(DELIVERY_SCHEDULE_S[attempts + 1] * 1000)
    last = await after(status, attempts=len(DELIVERY_SCHEDULE_S) - 1)
    assert (last.state, last.reason) == (DEAD, NO_ATTEMPTS_LEFT)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_throttling_answer_lets_the_endpoint_rest(status):
    outcome = await after(status)
    assert (outcome.state, outcome.rest_until_ms) == (PENDING, NOW_MS + 30_000)
    asked = await after(status, Retry_After="90")
    assert asked.rest_until_ms == NOW_MS + 90_000


@pytest.mark.parametrize("status", [302, 400, 429, 500, 503])
@pytest.mark.parametrize(
    ("said", "waits_s", "reason"),
    [
        ("120", 120, RETRY_AFTER),
        ("1", 5, ON_SCHEDULE),
        ("999999999999", DAY_S, RETRY_AFTER),
        (date(120), 120, RETRY_AFTER),
        (date(-60), 5, ON_SCHEDULE),
        (date(10 * DAY_S), DAY_S, RETRY_AFTER),
        ("soon", 5, ON_SCHEDULE),
        ("-5", 5, ON_SCHEDULE),
    ],
)
async def test_retry_after_in_seconds_and_as_a_date(status, said, waits_s, reason):
    outcome = await after(status, Retry_After=said)
    assert outcome.state is PENDING
    assert outcome.due_at_ms == NOW_MS + waits_s * 1000
    assert outcome.reason == reason


async def test_jitter_only_adds():
    clock = FakeClock(NOW_MS)
    async with (
        receiver(answer(500, headers={"Retry-After": "600"})) as got,
        Sender(LOOPBACK, FixedResolver(), clock) as sender,
    ):
        reply = await attempt(sender, endpoint(got.url()))
    budget = Budget(attempts=0, since_ms=NOW_MS, schedule_s=DELIVERY_SCHEDULE_S)
    for jitter in (0.0, 0.3, 0.999):
        due_ms = judge(reply, budget, now_ms=NOW_MS, jitter=jitter).due_at_ms
        assert 600_000 <= due_ms - NOW_MS <= 660_000


@pytest.mark.parametrize(
    ("to", "state", "reason", "charged"),
    [
        (endpoint("https://10.0.0.1/"), PENDING, ON_SCHEDULE, True),
        (endpoint("ftp://127.0.0.1/"), PENDING, ON_SCHEDULE, True),
        (endpoint("https://nowhere.example/"), PENDING, ON_SCHEDULE, True),
        (endpoint("http://127.0.0.1:1/"), PENDING, ON_SCHEDULE, True),
        (Endpoint(id="ep_1", url="http://127.0.0.1:1/"), PENDING, ON_SCHEDULE, True),
    ],
    ids=["blocked", "bad url", "no name", "refused", "no secret"],
)
async def test_without_an_answer(to, state, reason, charged):
    async with Sender(LOOPBACK, FixedResolver(), FakeClock(NOW_MS)) as sender:
        reply = await attempt(sender, to)
    budget = Budget(attempts=0, since_ms=NOW_MS, schedule_s=DELIVERY_SCHEDULE_S)
    outcome = judge(reply, budget, now_ms=NOW_MS, jitter=0.0)
    assert (outcome.state, outcome.reason, reply.charged) == (state, reason, charged)


async def test_a_fault_of_ours_is_tried_again_soon_and_for_ever():
    async with Sender(
        LOOPBACK, FixedResolver(), FakeClock(NOW_MS), proxy_url="http://127.0.0.1:1"
    ) as sender:
        reply = await attempt(sender, endpoint("https://127.0.0.1/"))
    budget = Budget(attempts=50, since_ms=NOW_MS - 10 * DAY_S * 1000, schedule_s=(0.0,))
    outcome = judge(reply, budget, now_ms=NOW_MS, jitter=0.0)
    assert (outcome.state, outcome.reason) == (PENDING, OWN_FAULT)
    assert outcome.due_at_ms == NOW_MS + 300_000
