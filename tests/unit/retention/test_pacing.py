from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.retention.pacing import Pace, next_pace

seconds = st.floats(min_value=0.0, max_value=60.0)


def test_quick_batches_grow_and_slow_ones_shrink() -> None:
    assert next_pace(Pace(100), took_s=0.001, busy=False).rows == 150
    assert next_pace(Pace(100), took_s=1.0, busy=False).rows == 50


def test_it_rests_longer_while_others_wait() -> None:
    idle = next_pace(Pace(), took_s=0.01, busy=False).rest_s
    busy = next_pace(Pace(), took_s=0.01, busy=True).rest_s
    assert busy > 4 * idle > 0


@given(rows=st.integers(10, 500), took_s=seconds, busy=st.booleans())
def test_a_batch_stays_within_bounds(rows: int, took_s: float, *, busy: bool) -> None:
    pace = next_pace(Pace(rows), took_s=took_s, busy=busy)
    assert 10 <= pace.rows <= 500
    assert 0 <= pace.rest_s <= 2
    if not busy and took_s < 0.5:
        assert took_s <= 0.26 * (took_s + pace.rest_s)
