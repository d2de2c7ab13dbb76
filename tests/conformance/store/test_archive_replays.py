"""Replays straight from archives, on both databases: each line is handled once, whoever dies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from gateway.archive.compression import Compression
from gateway.archive.erasing import Erasing
from gateway.archive.exporting import Exporting, Order
from gateway.archive.manifest import Scope
from gateway.archive.places import Location, Places
from gateway.envelope import read_envelope
from gateway.errors import ArchiveUnavailableError, InvalidInputError
from gateway.model import Arrival, Envelope, Owed
from gateway.operations import Operation, OperationKind, OperationState, Selection
from gateway.replay.from_archive import ArchiveReplayWork, ReplaysOfAll, read_cursor
from gateway.replay.replays import ReplayWork
from gateway.replay.runner import OperationRunner
from gateway.replay.starting import new_operation, preview
from tests.conformance.store.world import HANDLER, START_MS, FakeSealer, World
from tests.support.archives import MemoryPlaces
from tests.support.world import order_change, pricing_health

ORDER = "902-0000001-0000001"


def owed(envelope: Envelope) -> Sequence[Owed]:
    del envelope
    return [Owed(handler=HANDLER)]


@dataclass
class Bulk:
    """A store, an archive of what was in it, and processes that replay from there."""

    world: World
    places: MemoryPlaces = field(default_factory=lambda: MemoryPlaces(step=100_000))
    away: bool = False

    @asynccontextmanager
    async def open(self, location: Location) -> AsyncIterator[Places]:
        assert location.bucket == "kept"
        if self.away:
            raise ArchiveUnavailableError("archive: S3 refused it (SlowDown)")
        yield self.places

    def work(self) -> ReplaysOfAll:
        store = self.world.store
        replays = ReplayWork(store.replays, owed, owed)
        archived = ArchiveReplayWork(
            replays, store.archiving, store.replays, open_places=self.open, sealer=FakeSealer()
        )
        return ReplaysOfAll(replays, archived)

    def process(self) -> OperationRunner:
        works: dict[OperationKind, Any] = {OperationKind.REPLAY: self.work()}
        return OperationRunner(self.world.store.operations, works, self.world.clock)

    async def come_in(self, *bodies: str) -> list[Arrival]:
        batch = [replace(self.world.arrival(), envelope=read_envelope(one)) for one in bodies]
        await self.world.store.inbox.accept(batch)
        return batch

    async def export(self, name: str = "nov", *, part_lines: int = 10) -> None:
        exporting = Exporting(
            self.world.store.archiving, self.places, FakeSealer(), self.world.clock, schema="rev"
        )
        order = Order(
            scope=Scope(from_ms=START_MS, to_ms=self.world.clock.at_ms + 1),
            compression=Compression.NONE,
            plain=True,
            part_lines=part_lines,
        )
        await exporting.run(name, await exporting.begin(name, f"arc_{name}", order))

    async def wipe(self) -> None:
        for table in ("handlings", "notifications", "notification_refs"):
            await self.world.change(f"DELETE FROM {table}")

    def selection(self, **members: Any) -> Selection:
        now_ms = self.world.clock.at_ms + 1
        return Selection(from_ms=0, to_ms=now_ms, archive="s3://kept/", **members)

    async def start(self, *, concurrency: int = 200, **members: Any) -> Operation:
        self.world.clock.at_ms += 1
        operation = new_operation(
            OperationKind.REPLAY,
            self.selection(**members),
            self.world.clock.at_ms,
            concurrency=concurrency,
        )
        await self.world.store.operations.start(operation)
        return operation

    async def handled(self) -> list[str]:
        """Amazon's ids of what is handled again; all of it is ended by this."""
        rows = await self.world.rows(
            "SELECT n.identity FROM handlings AS h JOIN notifications AS n"
            " ON n.id = h.notification_id WHERE h.operation_id IS NOT NULL ORDER BY n.identity"
        )
        await self.world.change(
            "UPDATE handlings SET state = 'handled' WHERE operation_id IS NOT NULL"
        )
        return [str(row[0]) for row in rows]

    async def finished(self, operation: Operation) -> Operation:
        process = self.process()
        for _ in range(100):
            await process.tick()
            await self.handled()
            found = await self.world.store.operations.get(operation.id)
            if found.state is not OperationState.RUNNING:
                return found
        raise AssertionError(found)


@pytest.fixture
def bulk(world: World) -> Bulk:
    return Bulk(world)


def names(count: int) -> list[str]:
    return [f"n-{number:02}" for number in range(count)]


async def archived(bulk: Bulk, count: int = 25, *, part_lines: int = 10) -> None:
    await bulk.come_in(*(pricing_health(one) for one in names(count)))
    await bulk.export(part_lines=part_lines)
    await bulk.wipe()


async def test_what_is_in_the_archive_is_brought_in_and_handled_once(bulk: Bulk) -> None:
    await archived(bulk)
    operation = await bulk.start()
    found = await bulk.finished(operation)
    assert (found.state, found.looked, found.done, found.skipped) == ("finished", 25, 25, 0)
    assert await bulk.handled() == names(25)
    [(run,)] = await bulk.world.rows("SELECT DISTINCT run FROM handlings")
    assert run == 1


async def test_one_that_is_stored_is_handled_as_it_stands_there(bulk: Bulk) -> None:
    await archived(bulk)
    [again] = await bulk.come_in(pricing_health("n-03"))
    await bulk.world.change("UPDATE handlings SET state = 'dead'")
    found = await bulk.finished(await bulk.start(state="dead"))
    assert (found.looked, found.done) == (25, 1)
    rows = await bulk.world.rows(
        "SELECT notification_id FROM handlings WHERE operation_id IS NOT NULL"
    )
    assert rows == [(again.id,)]


async def test_killed_between_any_two_steps_nothing_is_missed_or_repeated(bulk: Bulk) -> None:
    await archived(bulk)
    operation = await bulk.start(concurrency=4)
    ended = False
    for _ in range(30):  # each a process that comes, does a little and dies
        process = bulk.process()
        await process.tick()
        await bulk.handled()
        bulk.world.clock.at_ms += 60_000
        ended = (await bulk.world.store.operations.get(operation.id)).state == "finished"
    assert ended
    assert await bulk.handled() == names(25)


async def test_a_step_that_was_cut_off_behind_bringing_in_is_taken_again(
    bulk: Bulk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await archived(bulk)
    operation = await bulk.start()

    async def dies(*_: object) -> bool:
        raise ConnectionResetError

    monkeypatch.setattr(bulk.world.store.replays, "handle_again", dies)
    await bulk.process().tick()
    assert await bulk.world.rows("SELECT count(*) FROM notifications") == [(25,)]
    monkeypatch.undo()
    await bulk.world.store.operations.change(operation.id, OperationState.RUNNING)
    await bulk.finished(operation)
    assert await bulk.handled() == names(25)


async def test_a_fault_fails_it_with_its_line_and_it_goes_on_after_repair(bulk: Bulk) -> None:
    await archived(bulk)
    name = "nov.00002.jsonl"
    good = bulk.places.files[name]
    lines = good.splitlines(keepends=True)
    bulk.places.files[name] = b"".join([*lines[:6], lines[7], lines[6], *lines[8:]])
    operation = await bulk.start()
    found = await bulk.finished(operation)
    assert (found.state, found.done) == ("failed", 16)
    assert "nov.00002.jsonl: line 7:" in (found.last_error or "")
    bulk.places.files[name] = good
    await bulk.world.store.operations.change(operation.id, OperationState.RUNNING)
    found = await bulk.finished(operation)
    assert (found.state, found.done) == ("finished", 25)
    assert await bulk.handled() == names(25)


async def test_it_waits_while_the_place_is_away_and_holds_up_no_other(bulk: Bulk) -> None:
    await archived(bulk)
    first = await bulk.start()
    await bulk.come_in(pricing_health("other"))
    await bulk.world.change("UPDATE handlings SET state = 'handled'")
    stored = replace(bulk.selection(), archive=None, from_ms=START_MS)
    bulk.world.clock.at_ms += 1
    second = new_operation(OperationKind.REPLAY, stored, bulk.world.clock.at_ms)
    await bulk.world.store.operations.start(second)
    bulk.away = True
    process = bulk.process()
    for _ in range(3):
        await process.tick()
        await bulk.handled()
    assert (await bulk.world.store.operations.get(first.id)).state is OperationState.RUNNING
    assert (await bulk.world.store.operations.get(second.id)).done == 1
    bulk.away = False
    bulk.world.clock.at_ms += 60_000
    assert (await bulk.finished(first)).done == 25


async def test_only_what_is_selected_is_brought_in(bulk: Bulk) -> None:
    await bulk.come_in(pricing_health("n-1"), order_change("n-2", ORDER), pricing_health("n-3"))
    await bulk.export(part_lines=1)
    await bulk.wipe()
    found = await bulk.finished(await bulk.start(order_id=ORDER))
    assert (found.looked, found.done) == (3, 1)
    assert await bulk.world.rows("SELECT identity FROM notifications") == [("n-2",)]
    found = await bulk.finished(await bulk.start(notification_type="PRICING_HEALTH"))
    assert (found.looked, found.done) == (2, 2)  # the part without any is passed over
    seen = await preview(bulk.work(), OperationKind.REPLAY, bulk.selection())
    assert (seen.count, seen.complete) == (3, True)
    assert dict(seen.by_type) == {"PRICING_HEALTH": 2, "ORDER_CHANGE": 1}


async def test_erased_lines_before_the_cursor_move_nothing(bulk: Bulk) -> None:
    await archived(bulk)
    operation = await bulk.start(concurrency=14)
    process = bulk.process()
    await process.tick()
    await bulk.handled()
    erasing = Erasing(bulk.places, FakeSealer())
    gone = {"n-11", "n-12"}
    await erasing.run(Location(bucket=None, root="", name=""), lambda one: one.identity in gone)
    bulk.world.clock.at_ms += 60_000
    found = await bulk.finished(operation)
    assert found.done == 25
    assert await bulk.handled() == names(25)


def test_a_cursor_names_its_place() -> None:
    assert read_cursor("") == ("", 0, "")
    assert read_cursor("a#b/nov.manifest.json#12#ntf_1") == ("a#b/nov.manifest.json", 12, "ntf_1")


def test_a_redelivery_reads_no_archive() -> None:
    selection = Selection(from_ms=0, to_ms=1, archive="s3://kept/")
    with pytest.raises(InvalidInputError, match="archive"):
        new_operation(OperationKind.REDELIVER, selection, 1)


# ── messages that could not be read ──────────────────────────────────────────────────────────────


async def archived_messages(bulk: Bulk) -> list[str]:
    """Archive notifications, messages that can be read by now, and some that can't; wipe."""
    for number in range(0, 12, 3):
        await bulk.come_in(pricing_health(f"n-{number:02}"))
        await bulk.world.accept(
            bulk.world.unreadable(
                f"m-{number}", body=pricing_health(f"n-{number + 1:02}").encode()
            ),
            bulk.world.unreadable(f"m-{number + 1}"),
            bulk.world.unreadable(
                f"m-{number + 2}", body=order_change(f"n-{number + 2:02}", ORDER).encode()
            ),
        )
    await bulk.export(part_lines=5)
    await bulk.wipe()
    await bulk.world.change("DELETE FROM quarantine")
    return names(12)


@pytest.mark.parametrize("concurrency", [1, 200])
async def test_what_can_be_read_by_now_is_handled_and_the_rest_quarantined_once(
    bulk: Bulk, concurrency: int
) -> None:
    identities = await archived_messages(bulk)
    found = await preview(bulk.work(), OperationKind.REPLAY, bulk.selection())
    assert found.count == len(identities)
    for _ in range(2):
        operation = await bulk.start(concurrency=concurrency)
        process = bulk.process()
        handled: list[str] = []
        for _ in range(200):
            await process.tick()
            handled += await newly_handled(bulk, operation)
            state = (await bulk.world.store.operations.get(operation.id)).state
            if state is not OperationState.RUNNING:
                break
        assert state is OperationState.FINISHED
        assert sorted(handled) == identities
        assert await bulk.world.rows("SELECT count(*) FROM quarantine") == [(4,)]


async def newly_handled(bulk: Bulk, operation: Operation) -> list[str]:
    rows = await bulk.world.rows(
        "SELECT n.identity FROM handlings AS h JOIN notifications AS n"
        " ON n.id = h.notification_id"
        f" WHERE h.operation_id = '{operation.id}' AND h.state = 'pending'"
    )
    await bulk.world.change("UPDATE handlings SET state = 'handled' WHERE state = 'pending'")
    return [str(row[0]) for row in rows]


@pytest.mark.parametrize(
    ("members", "count"),
    [
        ({"notification_type": "ORDER_CHANGE"}, 4),
        ({"order_id": ORDER}, 4),
        ({"seller_id": "nobody"}, 0),
    ],
)
async def test_a_replay_of_some_takes_none_of_what_cannot_be_read(
    bulk: Bulk, members: dict[str, Any], count: int
) -> None:
    await archived_messages(bulk)
    found = await bulk.finished(await bulk.start(**members))
    assert found.state is OperationState.FINISHED
    assert await bulk.world.rows("SELECT count(*) FROM notifications") == [(count,)]
    assert await bulk.world.rows("SELECT count(*) FROM quarantine") == [(0,)]
