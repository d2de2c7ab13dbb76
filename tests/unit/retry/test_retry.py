from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.retry import (
    DELIVERY_SCHEDULE_S,
    HANDLING_SCHEDULE_S,
    JITTER_SHARE,
    RETRY_AFTER_CAP_S,
    next_due_ms,
)

NOW_MS = 1_800_000_000_000

schedules = st.lists(st.floats(0, 86_400), min_size=1, max_size=12)
jitters = st.floats(0, 1, exclude_max=True)


@pytest.mark.parametrize("schedule_s", [HANDLING_SCHEDULE_S, DELIVERY_SCHEDULE_S])
def test_built_in_schedules_allow_ten_tries_ever_further_apart(
    schedule_s: tuple[float, ...],
) -> None:
    assert len(schedule_s) == 10
    assert schedule_s[0] == 0
    assert list(schedule_s) == sorted(schedule_s)


def test_each_failed_try_takes_the_next_delay() -> None:
    due = [next_due_ms((0, 5, 60), tries=tries, now_ms=NOW_MS, jitter=0) for tries in range(4)]

    assert due == [NOW_MS, NOW_MS + 5_000, NOW_MS + 60_000, None]


def test_nothing_is_left_after_the_last_try_whatever_the_other_side_asks() -> None:
    assert next_due_ms((0,), tries=1, now_ms=NOW_MS, jitter=0, not_before_s=5) is None
    assert next_due_ms((), tries=0, now_ms=NOW_MS, jitter=0) is None


@given(schedules, st.integers(0, 20), jitters)
def test_jitter_only_adds_and_at_most_its_share(
    schedule_s: list[float], tries: int, jitter: float
) -> None:
    due_ms = next_due_ms(schedule_s, tries=tries, now_ms=NOW_MS, jitter=jitter)

    if tries >= len(schedule_s):
        assert due_ms is None
    else:
        assert due_ms is not None
        delay_ms = schedule_s[tries] * 1000
        assert delay_ms - 1 <= due_ms - NOW_MS <= delay_ms * (1 + JITTER_SHARE) + 1


@given(jitters, st.floats(0, 10 * RETRY_AFTER_CAP_S))
def test_a_wish_for_later_is_honoured_in_full_up_to_a_day(
    jitter: float, not_before_s: float
) -> None:
    due_ms = next_due_ms((0, 5), tries=1, now_ms=NOW_MS, jitter=jitter, not_before_s=not_before_s)

    assert due_ms is not None
    wished_s = max(5.0, min(not_before_s, RETRY_AFTER_CAP_S))
    assert wished_s * 1000 - 1 <= due_ms - NOW_MS <= wished_s * (1 + JITTER_SHARE) * 1000 + 1


def test_a_wish_for_sooner_changes_nothing() -> None:
    assert next_due_ms((0, 60), tries=1, now_ms=NOW_MS, jitter=0, not_before_s=1) == NOW_MS + 60_000
