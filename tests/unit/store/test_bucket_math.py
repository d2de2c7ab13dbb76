from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import UsagePlan
from gateway.store.bucket_math import Bucket, correct, full, take, take_all

PLAN = UsagePlan(rate_per_s=0.5, burst=30)
NOW_MS = 1_000_000


def _take(
    bucket: Bucket, now_ms: int, *, want: int = 1, promised: bool = False
) -> tuple[Bucket, int]:
    bucket, grant = take(bucket, PLAN, now_ms, want=want, promised=promised)
    return bucket, grant.granted


def test_a_newcomer_leaves_a_token_for_who_was_promised_it() -> None:
    bucket, grant = take(full(PLAN, NOW_MS), PLAN, NOW_MS, want=31, promised=False)
    assert (grant.granted, list(grant.slots_ms)) == (30, [NOW_MS + 2_000])
    bucket, granted = _take(bucket, NOW_MS + 2_000)
    assert granted == 0
    bucket, granted = _take(bucket, NOW_MS + 2_000, promised=True)
    assert granted == 1


def test_a_promise_that_nobody_comes_for_is_sold_with_the_next_token() -> None:
    bucket, _ = take(full(PLAN, NOW_MS), PLAN, NOW_MS, want=31, promised=False)
    _, granted = _take(bucket, NOW_MS + 4_000)
    assert granted == 1


def test_who_comes_back_too_early_gets_the_very_next_token() -> None:
    bucket, _ = take(full(PLAN, NOW_MS), PLAN, NOW_MS, want=33, promised=False)
    _, grant = take(bucket, PLAN, NOW_MS + 1_990, want=1, promised=True)
    assert (grant.granted, list(grant.slots_ms)) == (0, [NOW_MS + 2_000])


def test_a_clock_that_is_behind_mints_nothing() -> None:
    bucket, _ = take(full(PLAN, NOW_MS), PLAN, NOW_MS, want=30, promised=False)
    for back_ms in (0, 60_000, 10, 60_000, 0):
        bucket, granted = _take(bucket, NOW_MS - back_ms, promised=True)
        assert granted == 0


def test_a_block_empties_the_bucket() -> None:
    bucket = correct(full(PLAN, NOW_MS), NOW_MS, plan=None, blocked_until_ms=NOW_MS + 500)
    bucket, granted = _take(bucket, NOW_MS + 499, promised=True)
    assert granted == 0
    bucket, granted = _take(bucket, NOW_MS + 500, promised=True)
    assert granted == 0
    bucket, granted = _take(bucket, NOW_MS + 2_000, promised=True)
    assert granted == 1


def test_an_earlier_block_never_shortens_a_later_one() -> None:
    bucket = correct(full(PLAN, NOW_MS), NOW_MS, plan=None, blocked_until_ms=NOW_MS + 900)
    bucket = correct(bucket, NOW_MS, plan=None, blocked_until_ms=NOW_MS + 100)
    assert bucket.blocked_until_ms == NOW_MS + 900


def test_a_correction_holds_until_callers_state_something_new() -> None:
    slow, other = UsagePlan(rate_per_s=0.1, burst=5), UsagePlan(rate_per_s=9.0, burst=9)
    bucket = correct(full(PLAN, NOW_MS), NOW_MS, plan=slow, blocked_until_ms=None)
    assert bucket.tokens == 5
    for stated in (PLAN, slow, PLAN):
        bucket, _ = take(bucket, stated, NOW_MS, want=1, promised=False)
        assert (bucket.plan, bucket.stated) == (slow, PLAN)
    bucket, _ = take(bucket, other, NOW_MS, want=1, promised=False)
    assert (bucket.plan, bucket.stated) == (other, other)


@given(
    rate=st.floats(0.01, 50),
    burst=st.integers(1, 40),
    steps=st.lists(
        st.tuples(st.integers(0, 20_000), st.integers(1, 5), st.booleans()), max_size=60
    ),
)
def test_never_more_than_the_plan(
    rate: float, burst: int, steps: list[tuple[int, int, bool]]
) -> None:
    plan = UsagePlan(rate_per_s=rate, burst=burst)
    bucket, now_ms, granted = full(plan, 0), 0, 0
    for wait_ms, want, promised in steps:
        now_ms += wait_ms
        bucket, grant = take(bucket, plan, now_ms, want=want, promised=promised)
        granted += grant.granted
        assert grant.granted + len(grant.slots_ms) == want
        assert granted <= burst + now_ms * rate / 1000 + 1e-3
        assert all(slot > now_ms for slot in grant.slots_ms)


@pytest.mark.parametrize("sellers", [1, 7])
def test_those_who_keep_their_slots_use_up_the_plan(sellers: int) -> None:
    """Callers that come back just at their slots, while newcomers keep coming."""
    bucket, now_ms, granted = full(PLAN, NOW_MS), NOW_MS, 0
    due: list[int] = []
    for second in range(600):
        now_ms = NOW_MS + second * 1_000
        for _ in range(sellers):
            bucket, grant = take(bucket, PLAN, now_ms, want=1, promised=False)
            granted += grant.granted
            due += grant.slots_ms
        for slot in sorted(s for s in due if s <= now_ms):
            due.remove(slot)
            bucket, grant = take(bucket, PLAN, now_ms, want=1, promised=True)
            granted += grant.granted
            due += grant.slots_ms
    assert 30 + 300 >= granted >= (30 + 300) * 0.95


SMALL = UsagePlan(rate_per_s=1.0, burst=2)


def test_a_call_takes_of_every_bucket_or_of_none() -> None:
    needed = [(full(PLAN, NOW_MS), PLAN), (full(SMALL, NOW_MS), SMALL)]
    (large, small), grant = take_all(needed, NOW_MS, want=5, promised=False)

    assert grant.granted == 2
    assert (large.tokens, small.tokens) == (28.0, 0.0)
    assert list(grant.slots_ms) == [NOW_MS + 1_000, NOW_MS + 2_000, NOW_MS + 3_000]
    assert large.next_slot_ms == 0  # it could have served them all, so it promises nothing


def test_a_call_waits_for_the_later_of_its_buckets() -> None:
    slow = UsagePlan(rate_per_s=0.1, burst=1)
    needed = [(full(SMALL, NOW_MS), SMALL), (full(slow, NOW_MS), slow)]
    _, grant = take_all(needed, NOW_MS, want=3, promised=False)

    assert grant.granted == 1
    assert list(grant.slots_ms) == [NOW_MS + 10_000, NOW_MS + 20_000]


@given(
    plans=st.lists(
        st.builds(UsagePlan, rate_per_s=st.floats(0.01, 50), burst=st.integers(1, 30)),
        min_size=1,
        max_size=3,
    ),
    steps=st.lists(
        st.tuples(st.integers(0, 60_000), st.integers(1, 10), st.booleans()), max_size=40
    ),
)
def test_no_bucket_ever_gives_more_than_its_plan(
    plans: list[UsagePlan], steps: list[tuple[int, int, bool]]
) -> None:
    buckets = [full(plan, NOW_MS) for plan in plans]
    now_ms, given_away = NOW_MS, 0
    for wait_ms, want, promised in steps:
        now_ms += wait_ms
        needed = list(zip(buckets, plans, strict=True))
        after, grant = take_all(needed, now_ms, want=want, promised=promised)
        buckets = list(after)
        given_away += grant.granted
        assert grant.granted + len(grant.slots_ms) == want
        assert list(grant.slots_ms) == sorted(grant.slots_ms)
        assert all(slot_ms >= now_ms for slot_ms in grant.slots_ms)
        for plan in plans:
            assert given_away <= plan.burst + plan.rate_per_s * (now_ms - NOW_MS) / 1000 + 1e-3
