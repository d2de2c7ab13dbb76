"""Fair choice between lanes: which lanes have ready rows, and how many rows each may give.

A lane is a seller for handlings and an endpoint for deliveries. Lanes with ready rows are found by
jumping through the partial index from one lane to the next, so a lane with 300,000 rows behind
costs as much as one with a single row, and a lane with none costs nothing. Each claim starts after
the lane where the last one ended, so no lane waits for ever.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from gateway.store.statements import Plan, Row, Rows

Asked: TypeAlias = tuple[str, str, int]

LANES_PER_SCAN: Final = 64
_ROUNDS: Final = 3
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


@dataclass(slots=True)
class Gathered:
    """What was gathered from lanes.

    Attributes:
        more: Whether lanes that were asked may have more ready rows.
        last_lane: The last lane that had its turn; the next claim goes on behind it.
    """

    rows: list[Row] = field(default_factory=list)
    more: bool = False
    last_lane: str = ""


def gather(
    lanes: Sequence[str],
    room: Callable[[str], int],
    limit: int,
    pick: Callable[[Sequence[Asked]], Plan[Rows]],
) -> Plan[Gathered]:
    """Take at most `limit` ready rows from `lanes`, in fair shares first.

    What the lanes with few rows leave of their shares, the others get in two more rounds.

    Args:
        lanes: Lanes that may have rows, in the order of their turn.
        room: How many rows a lane may give at all.
        limit: Rows wanted.
        pick: Plan that locks and returns rows, which begin with their id and their lane, of
            (lane, id of the last row taken from it before, number of rows).
    """
    gathered = Gathered()
    last: dict[str, str] = {}
    taken: Counter[str] = Counter()
    for attempt in range(_ROUNDS):
        left = limit - len(gathered.rows)
        asked = shares(lanes, lambda lane: room(lane) - taken[lane], left, fair=attempt == 0)
        if not asked:
            break
        if attempt == 0:
            gathered.last_lane = asked[-1][0]
            gathered.more = len(asked) < len(lanes)
        found = yield from pick([(lane, last.get(lane, ""), rows) for lane, rows in asked])
        given = Counter(row[1] for row in found)
        for row in found[:left]:
            gathered.rows.append(row)
            taken[row[1]] += 1
            last[row[1]] = max(row[0], last.get(row[1], ""))
        lanes = [lane for lane, rows in asked if given[lane] >= rows]
    gathered.more |= bool(lanes)
    return gathered


def shares(
    lanes: Sequence[str], room: Callable[[str], int], limit: int, *, fair: bool
) -> list[tuple[str, int]]:
    """Return how many rows to ask of each lane that has room.

    Fair shares are equal and come to `limit` at most. Shares that are not fair are larger than what
    is left, as it is not known which lanes have that many.
    """
    if limit <= 0 or not lanes:
        return []
    equal = max(1, limit // len(lanes))
    share = equal if fair else min(limit, 2 * equal + 1)
    asked = [(lane, rows) for lane in lanes if (rows := min(share, room(lane))) > 0]
    return asked[:limit] if fair else asked
