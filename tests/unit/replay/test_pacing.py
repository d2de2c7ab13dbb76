"""How much an operation may do, by its rate, its concurrency and what else there is to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.operations import Operation, OperationKind, Selection
from gateway.replay.pacing import STEP_MOST, YIELDS_TO, paced_at_ms, room_for
from gateway.replay.starting import new_operation


def operation(rate_per_s: float | None = None, concurrency: int = 50) -> Operation:
    selection = Selection(from_ms=0, to_ms=1)
    return new_operation(
        OperationKind.REPLAY, selection, 0, rate_per_s=rate_per_s, concurrency=concurrency
    )


def test_what_is_under_way_takes_room() -> None:
    assert room_for(operation(), under_way=0, live=0, now_ms=0) == 50
    assert room_for(operation(), under_way=45, live=0, now_ms=0) == 5
    assert room_for(operation(), under_way=51, live=0, now_ms=0) == 0
    assert room_for(operation(concurrency=10_000), under_way=0, live=0, now_ms=0) == STEP_MOST


def test_other_traffic_goes_first_and_yet_it_comes_to_an_end() -> None:
    assert room_for(operation(), under_way=0, live=YIELDS_TO, now_ms=0) == 1
    assert room_for(operation(), under_way=1, live=YIELDS_TO, now_ms=0) == 0


@pytest.mark.parametrize("rate_per_s", [0.2, 0.5, 1.0, 3.0, 7.5, 40.0])
@pytest.mark.parametrize("every_ms", [97, 250, 1_000])
def test_the_rate_is_kept_and_used_up(rate_per_s: float, every_ms: int) -> None:
    paced = operation(rate_per_s)
    done, span_ms = 0, 120_000
    for now_ms in range(0, span_ms, every_ms):
        room = room_for(paced, under_way=0, live=0, now_ms=now_ms)
        if room:
            done += room
            paced = replace(paced, paced_at_ms=paced_at_ms(paced, done=room, now_ms=now_ms))
        # At no time more than a second's worth (or one) ahead of the rate.
        assert done <= now_ms / 1000 * rate_per_s + max(1.0, rate_per_s)
    assert done >= span_ms / 1000 * rate_per_s * 0.9 - 2


def test_a_pause_is_not_made_up_for() -> None:
    paced = operation(5.0)
    assert room_for(paced, under_way=0, live=0, now_ms=3_600_000) == 5
    assert paced_at_ms(paced, done=5, now_ms=3_600_000) == 3_600_000
