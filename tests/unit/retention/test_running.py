from __future__ import annotations

import pytest

from gateway.errors import ConflictError, StoreUnavailableError
from gateway.retention.rules import MEASURED
from gateway.retention.running import Ground, RetentionRun
from gateway.store.retention import Size, Walked
from gateway.store.retention_sql import Walk
from gateway.store.space import DatabaseSize
from gateway.testing.clock import FakeClock
from tests.support.retention import KEPT

NOTHING = Walked(looked=0, done=0, last="")


class Rows:
    """A store whose walks have so many rows to do, and so many left."""

    def __init__(
        self,
        ahead: dict[Walk, int],
        left: dict[Walk, int] | None = None,
        *,
        clock: FakeClock | None = None,
    ) -> None:
        self._clock = clock
        self.ahead = dict(ahead)
        self.left = dict(left or {})
        self.measured: list[str] = []
        self.ended: list[bool] = []
        self.free_pages = 0
        self.references = 0
        self.taken = False
        self.fails = False

    async def step(
        self, walk: Walk, before: str, limit: int, *, spared: frozenset[str] = frozenset()
    ) -> Walked:
        del before, spared
        if self.fails:
            raise StoreUnavailableError("gone")
        if self._clock is not None:
            self._clock.advance(0.01)
        done = min(limit, self.ahead.get(walk, 0))
        self.ahead[walk] = self.ahead.get(walk, 0) - done
        return Walked(looked=done, done=done, last="x")

    async def look_again(
        self, walk: Walk, after: str, limit: int, *, spared: frozenset[str] = frozenset()
    ) -> Walked:
        del limit, spared
        done = self.left.pop(walk, 0) if not after else 0
        return Walked(looked=done, done=done, last="x")

    async def forget_references(self, before: str, limit: int) -> int:
        del before
        gone = min(limit, self.references)
        self.references -= gone
        return gone

    async def rewind(self, walk: Walk) -> None:
        del walk

    async def measure(self, walk: Walk) -> Size:
        size = Size(walk=walk.value, rows=0, bytes=0, oldest_ms=None, measured_at_ms=0)
        await self.note(size)
        return size

    async def note(self, size: Size) -> None:
        self.measured.append(size.walk)

    async def begin(self, token: int, *, lease_ms: int, ended_before_ms: int) -> bool:
        del token, lease_ms, ended_before_ms
        return not self.taken

    async def renew(self, token: int, *, lease_ms: int) -> bool:
        del token, lease_ms
        return not self.taken

    async def end(self, token: int, *, whole: bool) -> None:
        del token
        self.ended.append(whole)

    async def size(self) -> DatabaseSize:
        return DatabaseSize(
            bytes=100 * 1024 * 1024, free_bytes=self.free_pages * 4096, shrinks=True
        )

    async def give_back(self, pages: int) -> bool:
        self.free_pages = max(0, self.free_pages - pages)
        return True


class Went:
    def __init__(self) -> None:
        self.rows: dict[str, int] = {}

    def went(self, walk: str, rows: int) -> None:
        self.rows[walk] = self.rows.get(walk, 0) + rows


def _run(rows: Rows, clock: FakeClock, *, busy: bool = False) -> tuple[RetentionRun, Went]:
    async def is_busy() -> bool:
        return busy

    async def documents() -> int:
        return 3

    async def measure_documents() -> Size:
        return Size(walk="documents", rows=0, bytes=0, oldest_ms=None, measured_at_ms=0)

    went = Went()
    ground = Ground(
        walks=rows,
        space=rows,
        busy=is_busy,
        documents=documents,
        measure_documents=measure_documents,
    )
    return RetentionRun(ground, KEPT, clock, went, every_s=3600), went


async def test_a_run_does_everything_and_measures_what_is_left() -> None:
    rows = Rows({Walk.MESSAGES: 1_234, Walk.AUDIT: 7}, {Walk.HANDLINGS: 5})
    rows.references = 200
    run, went = _run(rows, FakeClock())
    gone = await run.whole()
    assert (
        gone
        == {"messages": 1_234, "audit": 7, "handlings": 5, "references": 200, "documents": 3}
        == went.rows
    )
    assert rows.measured == [*(walk.value for walk in MEASURED), "documents"]
    assert rows.ended == [True]


async def test_only_space_that_nobody_needs_is_given_back() -> None:
    rows = Rows({})
    rows.free_pages = 10_000
    await _run(rows, FakeClock())[0].whole()
    assert 1_000 < rows.free_pages <= 1_280  # a twentieth of the file


async def test_two_runs_at_once_are_refused() -> None:
    rows = Rows({})
    rows.taken = True
    run, _ = _run(rows, FakeClock())
    with pytest.raises(ConflictError, match="goes on already"):
        await run.whole()
    await run.tick()
    assert rows.ended == []


async def test_a_fault_ends_the_turn_and_the_next_begins_again() -> None:
    rows = Rows({Walk.MESSAGES: 10})
    rows.fails = True
    clock = FakeClock()
    run, went = _run(rows, clock)
    with pytest.raises(StoreUnavailableError):
        await run.tick()
    rows.fails = False
    for _ in range(30):
        await run.tick()
        await clock.sleep(1)
    assert went.rows["messages"] == 10
    assert rows.ended


async def test_a_run_that_another_took_over_stops() -> None:
    clock = FakeClock()
    rows = Rows({Walk.MESSAGES: 1_000_000}, clock=clock)
    run, _ = _run(rows, clock)
    await run.tick()
    rows.taken = True
    await clock.sleep(30)
    with pytest.raises(StoreUnavailableError, match="taken over"):
        await run.tick()
