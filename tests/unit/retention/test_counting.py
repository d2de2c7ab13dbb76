"""What is counted beforehand, and what a bound of time does to it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from gateway.erasures import SubjectKind
from gateway.errors import ConflictError
from gateway.retention.asking import new_erasure
from gateway.retention.counting import Counted, Counting, CountsInTurn
from gateway.retention.looking import Looking
from gateway.retention.subject import Mentions
from gateway.store.erasing import Found
from gateway.store.erasing_sql import Keyed, Place
from gateway.store.statements import Row
from tests.support.clock import FakeClock

ERASURE = new_erasure({SubjectKind.BUYER: "Erika Mustermann"}, ("extra/",), 1)
PAGE_S = 1.0


class Pages(Looking):
    """Three pages of notifications and one of events; each takes a second to read."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.read = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def page(
        self, place: Place, after: Sequence[str], mentions: Mentions
    ) -> tuple[Sequence[Row], Found, Sequence[str] | None]:
        del mentions
        await self.gate.wait()
        if place is Place.NOTIFICATIONS:
            self.clock.advance(PAGE_S)
            self.read += 1
            number = int(after[0] or "0") + 1
            found = Found(notifications=[f"ntf_{number}", f"ntf_{number}"])
            return (), found, (str(number),) if number < 3 else None
        if place is Place.EVENTS:
            return (), Found(events=["evt_1"], keyed={Keyed.MEMORIES: []}), None
        return (), Found(), None


class Shelves:
    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault
        self.hangs = False

    async def erase(self, mentions: Mentions, places: Sequence[str], *, dry_run: bool) -> int:
        assert (mentions.subject, places, dry_run) == (ERASURE.subject, ERASURE.archives, True)
        if self.fault is not None:
            raise self.fault
        if self.hangs:
            await asyncio.Event().wait()
        return 4


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def test_everything_is_counted_without_a_bound(clock: FakeClock) -> None:
    began_s = clock.monotonic_s()
    found = await Counting(Pages(clock), Shelves(), clock).count(ERASURE)
    assert found == Counted(counts={"notifications": 3, "events": 1, "archives": 4}, complete=True)
    assert clock.monotonic_s() - began_s == 3 * PAGE_S, "it rests only beside other traffic"


async def test_inside_a_bound_it_lets_others_go_first(clock: FakeClock) -> None:
    began_s = clock.monotonic_s()
    found = await Counting(Pages(clock), Shelves(), clock).count(ERASURE, within_s=60.0)
    assert found.complete
    assert found.counts == {"notifications": 3, "events": 1, "archives": 4}
    assert clock.monotonic_s() - began_s == pytest.approx(3 * (PAGE_S + 2.0))


async def test_what_takes_too_long_is_told_as_far_as_it_came(clock: FakeClock) -> None:
    pages = Pages(clock)
    found = await Counting(pages, Shelves(), clock).count(ERASURE, within_s=4.0)
    assert found == Counted(counts={"notifications": 2}, complete=False)
    assert pages.read == 2


async def test_an_archive_that_takes_too_long_is_left(clock: FakeClock) -> None:
    shelves = Shelves()
    shelves.hangs = True
    found = await Counting(Pages(clock), shelves, clock).count(ERASURE, within_s=9.01)
    assert found == Counted(counts={"notifications": 3, "events": 1}, complete=False)


async def test_a_time_limit_of_somebody_else_is_no_end_of_the_count(clock: FakeClock) -> None:
    counting = Counting(Pages(clock), Shelves(TimeoutError("a socket's")), clock)
    with pytest.raises(TimeoutError, match="socket"):
        await counting.count(ERASURE, within_s=60.0)


async def test_one_is_counted_at_a_time(clock: FakeClock) -> None:
    pages = Pages(clock)
    counts = CountsInTurn(Counting(pages, Shelves(), clock), within_s=60.0)
    pages.gate.clear()
    first = asyncio.create_task(counts.count(ERASURE))
    await asyncio.sleep(0)
    with pytest.raises(ConflictError, match="is being counted"):
        await counts.count(ERASURE)
    pages.gate.set()
    assert (await first).complete
    assert (await counts.count(ERASURE)).complete
