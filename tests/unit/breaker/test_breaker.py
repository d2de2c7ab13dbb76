"""An endpoint's health, by its rules."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.breaker import Answered, Health, HealthRules, Notice, changed

RULES = HealthRules()
NOW_MS = 1_800_000_000_000
DAY_MS = 86_400_000


def failed(at_ms: int = NOW_MS, **more) -> Answered:
    return Answered(ended_at_ms=at_ms, delivered=False, charged=True, **more)


def delivered(at_ms: int = NOW_MS, **more) -> Answered:
    return Answered(ended_at_ms=at_ms, delivered=True, charged=True, **more)


def ours(at_ms: int = NOW_MS, **more) -> Answered:
    return Answered(ended_at_ms=at_ms, delivered=False, charged=False, **more)


def test_the_tenth_failure_in_a_row_opens_it():
    nine = changed(Health(), [failed()] * 9, RULES)
    assert (nine.health.failures, nine.health.open_until_ms, nine.notices) == (9, None, [])
    ten = changed(nine.health, [failed()], RULES)
    assert (ten.health.open_until_ms, ten.notices) == (NOW_MS + 30_000, [Notice.FAILING])


def test_what_was_on_its_way_changes_nothing_more():
    ten = changed(Health(), [failed()] * 10, RULES).health
    late = changed(ten, [failed(NOW_MS + 5_000)] * 3, RULES)
    assert (late.health.open_until_ms, late.health.openings) == (ten.open_until_ms, 1)
    assert (late.health.failures, late.notices) == (13, [])


def test_a_success_in_between_starts_the_count_again():
    answers = [failed()] * 9 + [delivered()] + [failed()] * 9
    assert changed(Health(), answers, RULES).health.open_until_ms is None


def test_a_success_closes_it_and_says_so():
    ten = changed(Health(), [failed()] * 10, RULES).health
    closed = changed(ten, [delivered(NOW_MS + 30_000, probe=True)], RULES)
    assert closed.notices == [Notice.RECOVERED]
    assert closed.health == Health(last_success_at_ms=NOW_MS + 30_000)


def test_a_fault_of_ours_is_nobody_elses():
    health = changed(Health(), [failed()] * 3, RULES).health
    assert changed(health, [ours()] * 50, RULES).health == health
    ten = changed(Health(), [failed()] * 10, RULES).health
    again = changed(ten, [ours(NOW_MS + 60_000, probe=True)], RULES)
    assert (again.health.open_until_ms, again.health.openings) == (NOW_MS + 90_000, 1)
    assert again.notices == []


def test_a_pause_is_kept_and_never_shortened():
    asked = changed(Health(), [failed(pause_until_ms=NOW_MS + 60_000)], RULES).health
    again = changed(asked, [failed(pause_until_ms=NOW_MS + 30_000)], RULES).health
    assert again.paused_until_ms == NOW_MS + 60_000


def test_without_a_limit_it_is_never_given_up():
    rules = HealthRules(disable_after_s=None)
    old = Health(failures=500, first_failure_at_ms=NOW_MS - 400 * DAY_MS)
    came = changed(old, [failed()], rules)
    assert (came.disable, came.health.warnings) == (None, 0)


ANSWERS = st.lists(
    st.tuples(st.sampled_from(["failed", "delivered", "ours"]), st.integers(0, 2 * 3_600_000)),
    max_size=80,
)


@given(ANSWERS)
def test_it_always_comes_to_a_probe_or_an_end(steps):
    health, now_ms = Health(), NOW_MS
    for kind, wait_ms in steps:
        now_ms += wait_ms
        probe = health.open_until_ms is not None and now_ms >= health.open_until_ms
        answer = {"failed": failed, "delivered": delivered, "ours": ours}[kind](now_ms, probe=probe)
        came = changed(health, [answer], RULES)
        health = came.health
        if health.open_until_ms is not None and (probe or kind == "failed"):
            assert health.open_until_ms - now_ms <= 3_600_000
        assert (health.first_failure_at_ms is None) == (health.failures == 0)
        if kind == "delivered":
            assert (health.failures, health.open_until_ms, health.warnings) == (0, None, 0)
        is_old = health.first_failure_at_ms is not None and (
            now_ms - health.first_failure_at_ms >= 5 * DAY_MS
        )
        assert (came.disable is not None) == is_old
