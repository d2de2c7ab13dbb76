"""How much an operation may do now: its rate, its concurrency, and that other traffic goes first.

Pure: time and counts are passed in.
"""

from __future__ import annotations

import math
from typing import Final

from gateway.operations import Operation

STEP_MOST: Final = 100
"""Things done in one transaction at most."""

YIELDS_TO: Final = 100
"""Ready live handlings from which on an operation steps back."""


def room_for(operation: Operation, *, under_way: int, live: int, now_ms: int) -> int:
    """Return how many things may be done now.

    While much of other traffic waits, one thing of the operation is under way at a time, so that it
    holds up nobody and yet comes to an end.
    """
    concurrency = 1 if live >= YIELDS_TO else operation.concurrency
    room = min(STEP_MOST, concurrency - under_way)
    if operation.rate_per_s is not None:
        passed_s = max(0, now_ms - operation.paced_at_ms) / 1000
        # At most a second's worth, so that a pause is not made up for at once.
        held = min(passed_s * operation.rate_per_s, max(1.0, operation.rate_per_s))
        room = min(room, math.floor(held + 1e-9))
    return max(0, room)


def paced_at_ms(operation: Operation, *, done: int, now_ms: int) -> int:
    """Return up to when the rate is used, once `done` more things are."""
    if operation.rate_per_s is None:
        return now_ms
    kept_ms = round(1000 * max(1.0, 1 / operation.rate_per_s))
    since_ms = max(operation.paced_at_ms, now_ms - kept_ms)
    return since_ms + math.ceil(done / operation.rate_per_s * 1000)
