"""A guess from samples: near where traffic is even, and from few looks."""

from __future__ import annotations

import pytest

from gateway.operations import Selection, first_id, time_of
from gateway.replay.estimating import SLICES, estimated_rest
from gateway.replay.stepping import Found

WINDOW = 100


class Things:
    """Things at some times, of which every third is selected."""

    def __init__(self, times: list[int]) -> None:
        self.ids = [f"{first_id('ntf', at_ms)}{number:020x}" for number, at_ms in enumerate(times)]
        self.looks = 0

    def selected(self) -> int:
        return len(self.ids[::3])

    async def look(self, selection: Selection, cursor: str) -> Found:
        self.looks += 1
        end = first_id("ntf", selection.to_ms)
        looked = [one for one in self.ids if cursor < one < end][:WINDOW]
        chosen = set(self.ids[::3])
        return Found(
            things=[(one, "T", "A1") for one in looked if one in chosen],
            looked=len(looked),
            cursor=looked[-1] if looked else cursor,
            ended=len(looked) < WINDOW,
        )


async def guess(things: Things) -> int:
    selection = Selection(from_ms=0, to_ms=time_of(things.ids[-1]) + 1)
    return await estimated_rest(things, selection, first_id("ntf", 0))


@pytest.mark.parametrize(
    "times",
    [
        list(range(0, 1_000_000, 100)),
        [*range(0, 600_000, 100), *range(600_000, 1_200_000, 20)],
        [0] * 5 + list(range(0, 1_000_000, 100)),
    ],
    ids=["even", "busier later", "some at once"],
)
async def test_it_is_near_and_costs_few_looks(times: list[int]) -> None:
    things = Things(times)
    assert await guess(things) == pytest.approx(things.selected(), rel=0.15)
    assert things.looks == SLICES


async def test_what_little_there_is_is_counted_as_it_is() -> None:
    things = Things([5, 10, 400, 999])
    assert await guess(things) == things.selected()
