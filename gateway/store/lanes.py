"""Fair choice between lanes: which lanes have ready rows, and how many rows each may give.

A lane is a seller for handlings and an endpoint for deliveries. Lanes with ready rows are found by
jumping through the partial index from one lane to the next, so a lane with 300,000 rows behind
costs as much as one with a single row, and a lane with none costs nothing. Each claim starts after
the lane where the last one ended, so no lane waits for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

LANES_PER_SCAN: Final = 64
_NAMES: Final = "SELECT lane FROM lanes WHERE lane IS NOT NULL"


def lanes_sql(table: str, lane: str, where: str, select: str = _NAMES) -> str:
    """Return SQL that lists lanes of `table`, at most $2, from $1 on: a skip scan.

    Args:
        table: Table to scan.
        lane: Its lane column, led by an index whose other columns `where` fixes.
        where: Condition on the rows, as the index states it.
        select: What to select of the rows `lanes(lane, n)`, the last of which may be NULL.
    """
    seek = f"SELECT {lane} FROM {table} WHERE {where} AND {lane}"  # noqa: S608 names are ours
    return f"""
    WITH RECURSIVE lanes(lane, n) AS (
      SELECT ({seek} >= $1 ORDER BY {lane} LIMIT 1), 1
      UNION ALL
      SELECT ({seek} > lanes.lane ORDER BY {lane} LIMIT 1), n + 1
      FROM lanes WHERE lanes.lane IS NOT NULL AND n < $2
    ) {select}
    """  # noqa: S608 names are ours


def start_after(lane: str) -> str:
    """Return the least text that sorts after `lane`; lanes hold no control characters."""
    return f"{lane}\x01"


def shares(
    lanes: Sequence[str], room: Callable[[str], int], limit: int, *, first: bool
) -> list[tuple[str, int]]:
    """Return how many rows to ask of each lane, at most `limit` in all.

    Args:
        lanes: Lanes that may have rows, in the order of their turn.
        room: How many rows a lane may give at all.
        limit: Rows wanted.
        first: Whether it is the first round, in which all get the same share; in the second, lanes
            take what is left in the order of their turn.
    """
    fair = max(1, limit // max(1, len(lanes))) if first else limit
    asked: list[tuple[str, int]] = []
    for lane in lanes:
        rows = min(fair, room(lane), limit)
        if rows > 0:
            asked.append((lane, rows))
            limit -= rows
        if limit == 0:
            break
    return asked


def full(asked: Sequence[tuple[str, int]], given: Mapping[str, int]) -> list[str]:
    """Return the lanes that gave all that they were asked for, and so may have more."""
    return [lane for lane, rows in asked if given.get(lane, 0) >= rows]
