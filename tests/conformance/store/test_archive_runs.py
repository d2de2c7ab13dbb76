"""Everything archived as it comes, on both databases: nothing lost, nothing twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

import pytest

from gateway.archive.compression import Compression
from gateway.archive.continuous import SETTLED_MS, ContinuousArchive, Form
from gateway.archive.importing import Importing
from gateway.archive.places import Location
from gateway.archive.source import archived_of_part, archives
from gateway.archive.verifying import verify
from gateway.errors import ArchiveUnavailableError, SealError
from gateway.model import Arrival, Unreadable
from gateway.store.archived import QUARANTINE
from gateway.store.inbox import LATE_MS
from tests.conformance.store.world import START_MS, FakeSealer, World
from tests.support.archives import MemoryArchiving, MemoryPlaces

ALL = Location(bucket=None, root="", name="")
MINUTE_MS = 60_000
DAY_MS = 86_400_000
NOON_MS = START_MS // DAY_MS * DAY_MS + DAY_MS // 2


@dataclass
class Noted:
    lag_s: float = -1
    lines: int = 0

    def archived(self, notifications: int, size_bytes: int) -> None:
        self.lines += notifications

    def behind(self, lag_s: float) -> None:
        self.lag_s = lag_s


@dataclass
class Kept:
    """An archive that is kept of a store, and processes that keep it."""

    world: World
    places: MemoryPlaces = field(default_factory=lambda: MemoryPlaces(step=100_000))
    noted: Noted = field(default_factory=Noted)

    def process(self) -> ContinuousArchive:
        return ContinuousArchive(
            self.world.store.archive_runs,
            self.world.store.archiving,
            self.places,
            sealer=FakeSealer(),
            clock=self.world.clock,
            recorder=self.noted,
            form=Form(compression=Compression.ZSTD, plain=False, every_ms=MINUTE_MS, schema="rev"),
        )

    async def come_in(self, *numbers: int, type_: str = "ORDER_CHANGE") -> list[Arrival]:
        batch = [self.world.arrival(f"n-{number}") for number in numbers]
        batch = [replace(one, envelope=replace(one.envelope, type=type_)) for one in batch]
        await self.world.store.inbox.accept(batch)
        return batch

    async def lines(self) -> Counter[str]:
        """How often each notification stands in the archive, all of it verified."""
        if not self.places.files:
            return Counter()
        assert (await verify(self.places, ALL, FakeSealer())).faults == []
        found = MemoryArchiving()
        counted: Counter[str] = Counter()

        class Counted:
            async def restore(self, batch: list[object]) -> int:
                counted.update(one.identity for one in batch)  # type: ignore[attr-defined]
                return await found.restore(batch)  # type: ignore[arg-type]

        await Importing(Counted(), self.places, FakeSealer()).run(ALL)
        return counted

    async def lose(self, *numbers: int) -> list[Unreadable]:
        """Bring in messages that can't be read."""
        batch = [self.world.unreadable(f"m-{number}") for number in numbers]
        await self.world.store.inbox.accept(batch)
        return batch

    async def messages(self) -> Counter[str]:
        """How often each message of the quarantine stands in the archive."""
        found: Counter[str] = Counter()
        async for archive in archives(self.places, ALL):
            for part in archive.manifest.parts:
                async for _, one in archived_of_part(self.places, archive, part, FakeSealer()):
                    found.update([one.id] if one.type == QUARANTINE else [])
        return found


def once(*numbers: int) -> Counter[str]:
    return Counter(f"n-{number}" for number in numbers)


@pytest.fixture
def kept(world: World) -> Kept:
    world.clock.at_ms = NOON_MS
    return Kept(world)


async def test_what_came_in_is_archived_by_day_and_type_once_it_has_settled(kept: Kept) -> None:
    clock = kept.world.clock
    first, *_ = await kept.come_in(1, 2)
    await kept.come_in(3, type_="FEE_PROMOTION")
    process = kept.process()
    await process.tick()
    assert kept.places.files == {}
    assert 0 <= kept.noted.lag_s < 1
    clock.at_ms += SETTLED_MS + MINUTE_MS
    assert await kept.world.store.archive_runs.archived_before_ms() == 0
    await process.tick()
    day = "2027-01-15"
    assert sorted(name.rpartition("/")[0] for name in kept.places.files) == [
        day,
        f"{day}/FEE_PROMOTION",
        f"{day}/ORDER_CHANGE",
    ]
    assert await kept.lines() == once(1, 2, 3)
    assert (kept.noted.lag_s, kept.noted.lines) == (0, 3)
    before_ms = await kept.world.store.archive_runs.archived_before_ms()
    assert first.received_at_ms < before_ms <= clock.at_ms
    files = dict(kept.places.files)
    await process.tick()
    assert kept.places.files == files


async def test_a_day_ends_its_window(kept: Kept) -> None:
    clock = kept.world.clock
    await kept.come_in(1)
    clock.at_ms = NOON_MS + DAY_MS // 2 + 1
    await kept.come_in(2)
    clock.at_ms += SETTLED_MS + MINUTE_MS
    await kept.process().tick()
    places = [one.place async for one in archives(kept.places, ALL)]
    assert [one.partition("/")[0] for one in places] == ["2027-01-15", "2027-01-16"]
    assert await kept.lines() == once(1, 2)


@pytest.mark.parametrize("writes", range(4))
async def test_killed_at_any_write_nothing_is_lost_or_doubled(kept: Kept, writes: int) -> None:
    clock = kept.world.clock
    await kept.come_in(1, 2)
    await kept.come_in(3, type_="FEE_PROMOTION")
    clock.at_ms += SETTLED_MS + MINUTE_MS
    if writes < 3:
        kept.places.dies_at = writes
        with pytest.raises(ConnectionResetError):
            await kept.process().tick()
    else:  # killed behind the manifest, before the mark was moved
        process = kept.process()
        process._runs = Stubborn(kept.world.store.archive_runs)  # type: ignore[assignment]
        with pytest.raises(ConnectionResetError):
            await process.tick()
    kept.places.dies_at = None
    await kept.come_in(4)
    clock.at_ms += SETTLED_MS + MINUTE_MS
    await kept.process().tick()
    assert await kept.lines() == once(1, 2, 3, 4)


class Stubborn:
    """Runs whose mark can't be moved."""

    def __init__(self, runs: object) -> None:
        self._runs = runs

    def __getattr__(self, name: str) -> object:
        return getattr(self._runs, name)

    async def advance(self, token: int, until: str) -> bool:
        raise ConnectionResetError(until)


async def test_a_file_of_a_killed_run_whose_notifications_are_gone_is_deleted(kept: Kept) -> None:
    clock = kept.world.clock
    await kept.come_in(1)
    await kept.come_in(2, type_="FEE_PROMOTION")
    clock.at_ms += SETTLED_MS + MINUTE_MS
    kept.places.dies_at = 2
    with pytest.raises(ConnectionResetError):
        await kept.process().tick()
    kept.places.dies_at = None
    await kept.world.change("DELETE FROM handlings")
    await kept.world.change("DELETE FROM notifications WHERE type = 'FEE_PROMOTION'")
    await kept.process().tick()
    assert [one for one in kept.places.files if "FEE_PROMOTION" in one] == []
    assert await kept.lines() == once(1)


async def test_one_process_at_a_time_writes(kept: Kept) -> None:
    clock, runs = kept.world.clock, kept.world.store.archive_runs
    await kept.come_in(1)
    clock.at_ms += SETTLED_MS + MINUTE_MS
    assert await runs.claim(7, lease_ms=1_000) is not None
    await kept.process().tick()
    assert kept.places.files == {}
    clock.at_ms += 1_000
    await kept.process().tick()
    assert await kept.lines() == once(1)
    assert not await runs.plan(7, "ntf_9")
    assert not await runs.advance(7, "ntf_9")


async def test_what_is_committed_late_is_archived_by_itself(kept: Kept) -> None:
    clock, runs = kept.world.clock, kept.world.store.archive_runs
    await kept.come_in(1)
    held = kept.world.arrival("n-2")
    clock.at_ms += SETTLED_MS + MINUTE_MS
    await kept.come_in(3)
    clock.at_ms += SETTLED_MS + MINUTE_MS
    await kept.process().tick()
    assert await kept.lines() == once(1, 3)
    await kept.world.store.inbox.accept([held])
    assert await runs.archived_before_ms() <= held.received_at_ms
    kept.places.dies_at = len(kept.places.writes) + 1
    with pytest.raises(ConnectionResetError):
        await kept.process().tick()
    assert kept.noted.lag_s == 0  # not told since
    kept.places.dies_at = None
    later = kept.world.arrival("n-4")
    clock.at_ms += LATE_MS + 1
    await kept.world.store.inbox.accept([later])
    await kept.process().tick()
    assert await kept.lines() == once(1, 2, 3, 4)
    assert await runs.archived_before_ms() > held.received_at_ms
    assert await kept.world.rows("SELECT count(*) FROM archive_late") == [(0,)]


async def test_nothing_is_noted_as_late_where_nothing_is_archived(kept: Kept) -> None:
    held = kept.world.arrival("n-1")
    kept.world.clock.at_ms += LATE_MS + 1
    await kept.world.store.inbox.accept([held])
    assert await kept.world.rows("SELECT count(*) FROM archive_late") == [(0,)]
    assert await kept.world.store.archive_runs.archived_before_ms() == 0


async def test_many_are_written_at_once_and_in_windows(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.archive.continuous.WINDOW", 10)
    await kept.come_in(*range(25))
    kept.world.clock.at_ms += SETTLED_MS
    process = kept.process()
    await process.tick()
    assert len(await kept.lines()) == 20
    kept.world.clock.at_ms += MINUTE_MS
    await process.tick()
    assert await kept.lines() == once(*range(25))


async def test_a_body_that_cannot_be_opened_holds_up_and_says_so(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    await kept.come_in(1)
    kept.world.clock.at_ms += SETTLED_MS + MINUTE_MS
    process = kept.process()

    async def refused(ids: object) -> object:
        raise SealError("key 1 is not in the key ring")

    monkeypatch.setattr(kept.world.store.archiving, "whole", refused)
    with pytest.raises(ArchiveUnavailableError, match="key 1"):
        await process.tick()
    monkeypatch.undo()
    await kept.process().tick()
    assert await kept.lines() == once(1)


# ── messages in quarantine ───────────────────────────────────────────────────────────────────────


async def test_messages_in_quarantine_are_archived_with_the_others(kept: Kept) -> None:
    clock = kept.world.clock
    [first] = await kept.lose(1)
    await kept.come_in(1)
    [second] = await kept.lose(2)
    clock.at_ms += SETTLED_MS + MINUTE_MS
    process = kept.process()
    await process.tick()
    folder = "2027-01-15/quarantine/"
    assert [one.startswith(folder) for one in kept.places.files].count(True) == 1
    assert await kept.messages() == Counter([first.id, second.id])
    assert len(await kept.lines()) == 3
    assert kept.noted.lag_s == 0
    assert await kept.world.store.archive_runs.archived_before_ms() >= second.received_at_ms
    [third] = await kept.lose(3)  # a window of nothing else
    await process.tick()
    assert 0 <= kept.noted.lag_s < 1
    assert await kept.world.store.archive_runs.archived_before_ms() <= third.received_at_ms
    clock.at_ms += SETTLED_MS + MINUTE_MS
    await process.tick()
    await kept.come_in(2)
    clock.at_ms += SETTLED_MS + MINUTE_MS
    await process.tick()
    assert await kept.messages() == Counter([first.id, second.id, third.id])
    assert len(await kept.lines()) == 5


@pytest.mark.parametrize("writes", range(4))
async def test_killed_at_any_write_no_message_is_lost_or_doubled(kept: Kept, writes: int) -> None:
    clock = kept.world.clock
    await kept.come_in(1)
    lost = await kept.lose(1, 2)
    clock.at_ms += SETTLED_MS + MINUTE_MS
    process = kept.process()
    if writes < 3:
        kept.places.dies_at = writes
    else:  # killed behind the manifest, before the mark was moved
        process._runs = Stubborn(kept.world.store.archive_runs)  # type: ignore[assignment]
    with pytest.raises(ConnectionResetError):
        await process.tick()
    kept.places.dies_at = None
    lost += await kept.lose(3)
    clock.at_ms += SETTLED_MS + MINUTE_MS
    await kept.process().tick()
    assert await kept.messages() == Counter(one.id for one in lost)
    assert len(await kept.lines()) == 4


async def test_a_message_that_is_committed_late_is_archived_by_itself(kept: Kept) -> None:
    clock, runs = kept.world.clock, kept.world.store.archive_runs
    held = kept.world.unreadable("m-1")
    clock.at_ms += SETTLED_MS
    notification = kept.world.arrival("n-1")
    clock.at_ms += SETTLED_MS + MINUTE_MS
    await kept.come_in(2)
    clock.at_ms += SETTLED_MS + MINUTE_MS
    await kept.process().tick()
    await kept.world.accept(notification, held)
    # Its id sorts behind that of the notification, and it is the older one.
    assert await runs.first_late() == held.id
    assert await runs.archived_before_ms() <= held.received_at_ms
    await kept.process().tick()
    assert await kept.messages() == Counter([held.id])
    assert len(await kept.lines()) == 3
    assert await runs.first_late() is None
    assert await runs.archived_before_ms() > notification.received_at_ms
