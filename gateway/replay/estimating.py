"""How many things a selection has, where they are too many to look at: a guess from samples.

The time that was not looked at is cut into equal slices; the first things of each tell how dense
its own are. It is as good as traffic within a slice is even, and never told as more than a guess.
"""

from __future__ import annotations

from typing import Final, Protocol

from gateway.operations import Selection, first_id, time_of
from gateway.replay.stepping import Found

SLICES: Final = 4


class Looks(Protocol):
    """What is asked for samples."""

    async def look(self, selection: Selection, cursor: str) -> Found:
        """Return what is selected of the next things behind `cursor`."""
        ...


async def estimated_rest(work: Looks, selection: Selection, cursor: str) -> int:
    """Return about how many selected things lie behind `cursor`."""
    prefix = cursor.partition("_")[0]
    start_ms, total = time_of(cursor), 0.0
    length_ms = max(1, selection.to_ms - start_ms) / SLICES
    for number in range(SLICES):
        begin_ms = round(start_ms + number * length_ms)
        end_ms = round(start_ms + (number + 1) * length_ms)
        behind = cursor if number == 0 else first_id(prefix, begin_ms)
        total += _in_slice(await work.look(selection, behind), begin_ms, end_ms)
    return round(total)


def _in_slice(found: Found, begin_ms: int, end_ms: int) -> float:
    within = sum(time_of(thing_id) < end_ms for thing_id, _, _ in found.things)
    seen_to_ms = time_of(found.cursor)
    if found.ended or seen_to_ms >= end_ms:
        return within
    return within * (end_ms - begin_ms) / max(1, seen_to_ms - begin_ms)
