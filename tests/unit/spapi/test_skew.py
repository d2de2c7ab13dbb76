import pytest
from structlog.testing import capture_logs

from gateway.spapi.skew import ClockSkew
from tests.support.clock import FakeClock
from tests.support.spapi import FakeAmazon, Rig, answer

NOON = 1_800_000_000_000  # Fri, 15 Jan 2027 08:00:00 GMT
DATE = "Fri, 15 Jan 2027 08:00:00 GMT"


def test_a_clock_that_is_right_is_not_spoken_of():
    told = []
    with capture_logs() as logs:
        ClockSkew(FakeClock(NOON + 2_500), told.append).note(DATE)
    assert told == [2.5]
    assert logs == []


@pytest.mark.parametrize("ahead_s", [90, -7200])
def test_a_wrong_clock_is_spoken_of_once_and_again_when_it_is_right(ahead_s):
    clock = FakeClock(NOON + ahead_s * 1000)
    skew = ClockSkew(clock, lambda ahead_s: None)
    with capture_logs() as logs:
        skew.note(DATE)
        skew.note(DATE)
        clock.at_ms = NOON
        skew.note(DATE)
        skew.note(DATE)
    assert [(line["event"], line["ahead_s"]) for line in logs] == [
        ("spapi.clock_skewed", ahead_s),
        ("spapi.clock_right", 0),
    ]


@pytest.mark.parametrize("date", [None, "", "yesterday", "Fri, 99 Jan 2027 08:00:00 GMT"])
def test_an_answer_without_a_usable_date_says_nothing(date):
    told = []
    ClockSkew(FakeClock(NOON), told.append).note(date)
    assert told == []


async def test_a_clock_hours_off_makes_no_token_old_or_young():
    made = Rig(clock=FakeClock(NOON + 5 * 3_600_000))
    made.amazon = made.tokens._transport = FakeAmazon()
    made.amazon.lwa = [answer(200, {"access_token": "t", "expires_in": 3600}, Date=DATE)]
    first = await made.tokens.for_seller(made.directory.sellers["S1"])
    made.clock.advance(3000)
    assert await made.tokens.for_seller(made.directory.sellers["S1"]) is first
    made.clock.advance(600)
    assert await made.tokens.for_seller(made.directory.sellers["S1"]) is not first
    assert made.metrics.skew_s == pytest.approx(5 * 3600 + 3600)
