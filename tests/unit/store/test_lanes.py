from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from gateway.store.lanes import Asked, Gathered, gather, start_after
from gateway.store.statements import One, Plan, Rows

_NOTHING = One("SELECT 1")


def _run(plan: Plan[Gathered]) -> Gathered:
    try:
        next(plan)
        while True:
            plan.send(())
    except StopIteration as end:
        gathered: Gathered = end.value
        return gathered


def _gather(sizes: dict[str, int], limit: int, room: int = 10**6) -> Gathered:
    rows: dict[str, list[str]] = defaultdict(list)
    for lane, size in sizes.items():
        rows[lane] = [f"{n:04}" for n in range(size)]

    def pick(asked: Sequence[Asked]) -> Plan[Rows]:
        yield _NOTHING()
        found = []
        for lane, after, count in asked:
            found += [(i, lane) for i in rows[lane] if i > after][:count]
        return found

    return _run(gather(list(sizes), lambda _: room, limit, pick))


LANES = st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.integers(1, 30), max_size=20)


@given(sizes=LANES, limit=st.integers(0, 60), room=st.integers(1, 20))
def test_what_is_gathered_is_bounded_and_in_order(
    sizes: dict[str, int], limit: int, room: int
) -> None:
    gathered = _gather(sizes, limit, room)
    taken = Counter(row[1] for row in gathered.rows)
    assert len(gathered.rows) <= limit
    assert max(taken.values(), default=0) <= room
    for lane in sizes:
        ids = [row[0] for row in gathered.rows if row[1] == lane]
        assert ids == [f"{n:04}" for n in range(len(ids))]


@given(sizes=LANES, limit=st.integers(1, 60))
def test_all_lanes_get_a_row_where_there_is_a_place_for_each(
    sizes: dict[str, int], limit: int
) -> None:
    gathered = _gather(sizes, limit)
    if limit >= len(sizes):
        assert {row[1] for row in gathered.rows} == set(sizes)
    if len(gathered.rows) < min(limit, sum(sizes.values())):
        assert gathered.more


def test_a_lane_alone_fills_the_limit() -> None:
    assert len(_gather({"a": 100}, 40).rows) == 40
    assert len(_gather({"a": 100, "b": 1}, 40).rows) == 40


def test_the_next_turn_goes_on_behind_those_served() -> None:
    gathered = _gather({"a": 5, "b": 5, "c": 5}, 2)
    assert (gathered.last_lane, gathered.more) == ("b", True)


def test_nothing_sorts_between_a_lane_and_its_successor() -> None:
    assert "A1" < start_after("A1") < "A10"
