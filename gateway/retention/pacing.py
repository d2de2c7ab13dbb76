"""How large the next batch is, and how long to rest after one, so that nobody is held up.

A batch that took long, because it was large or because others wrote meanwhile, makes the next one
smaller; and the rest after it is a multiple of what it took, so that retention has a fixed share of
the database's time at most. Pure: measured times are passed in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_FIRST: Final = 100
_LEAST: Final = 10
_MOST: Final = 500
_TARGET_S: Final = 0.025
_SHARE_IDLE: Final = 0.25
_SHARE_BUSY: Final = 0.05
_LONGEST_REST_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Pace:
    """The pace of the next batch.

    Attributes:
        rows: Most rows that it looks at.
        rest_s: How long to rest before it.
    """

    rows: int = _FIRST
    rest_s: float = 0.0


def next_pace(pace: Pace, *, took_s: float, busy: bool) -> Pace:
    """Return the pace after a batch that took `took_s`; `busy` while other traffic waits."""
    wanted = pace.rows // 2 if took_s > _TARGET_S else round(pace.rows * 1.5)
    share = _SHARE_BUSY if busy else _SHARE_IDLE
    return Pace(min(_MOST, max(_LEAST, wanted)), min(_LONGEST_REST_S, took_s * (1 - share) / share))
