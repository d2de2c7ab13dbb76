"""A letter is deleted only after it is safe; what is not meant stays."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from gateway.errors import ConflictError
from gateway.replay.dlq.exporting import Export
from gateway.replay.dlq.filters import LetterFilter
from gateway.replay.dlq.homes import HOMELESS, Homes
from gateway.replay.dlq.pace import Pace
from gateway.replay.dlq.settling import Limits, Nowhere, Tally, settle
from tests.unit.replay.dlq.queues import MemoryQueue, SetClock, letter

MEANT = LetterFilter(text="yes")


class KilledError(Exception):
    """Stands for the end of the process."""


def queues(count: int) -> tuple[MemoryQueue, MemoryQueue]:
    """A dead-letter queue where every second letter is meant, and an empty target."""
    dead, target = MemoryQueue(SetClock()), MemoryQueue(SetClock())
    dead.put(
        *(letter(number, f"{'no' if number % 2 else 'yes'} {number}") for number in range(count))
    )
    return dead, target


async def moved(
    dead: MemoryQueue, homes: Homes, wanted: LetterFilter = MEANT, limits: Limits | None = None
) -> Tally:
    return await settle(
        dead, homes, wanted, limits or Limits(), clock=dead.clock, told=lambda _: None
    )


def bodies(queue: MemoryQueue) -> list[str]:
    return [each.body for each in queue.letters.values()]


async def test_what_is_meant_is_moved_and_the_rest_given_back() -> None:
    dead, target = queues(250)
    tally = await moved(dead, Homes({}, otherwise=target))
    assert (tally.seen, tally.matched, tally.done) == (250, 125, 125)
    assert sorted(bodies(target)) == sorted(f"yes {n}" for n in range(0, 250, 2))
    assert len(dead.visible) == 125
    assert all(body.startswith("no") for body in bodies(dead))


async def test_a_kill_between_send_and_delete_repeats_and_loses_nothing() -> None:
    dead, target = queues(250)
    steps = iter((None, KilledError))

    def killed_at_the_second() -> None:
        if step := next(steps, None):
            raise step

    dead.before_delete = killed_at_the_second
    with pytest.raises(KilledError):
        await moved(dead, Homes({}, otherwise=target))
    sent_before = len(target.letters)
    assert sent_before == 100
    dead.before_delete = None
    await moved(dead, Homes({}, otherwise=target))
    everything = {f"yes {number}" for number in range(0, 250, 2)}
    assert set(bodies(target)) == everything
    assert len(target.letters) == len(everything) + 50


async def test_a_refused_letter_stays_and_is_counted() -> None:
    dead, target = queues(10)
    target.refuses = frozenset({"m0"})
    tally = await moved(dead, Homes({}, otherwise=target))
    assert (tally.done, dict(tally.refused)) == (4, {"too long": 1})
    assert "yes 0" in bodies(dead)


async def test_a_letter_goes_home_and_one_without_a_home_stays() -> None:
    dead, first = queues(0)
    second = MemoryQueue(SetClock())
    dead.put(
        letter(1, "yes", source_arn="arn:1"),
        letter(2, "yes", source_arn="arn:2"),
        letter(3, "yes"),
    )
    tally = await moved(dead, Homes({"arn:1": first, "arn:2": second}, otherwise=None))
    assert (len(first.letters), len(second.letters)) == (1, 1)
    assert dict(tally.refused) == {HOMELESS: 1}
    assert list(dead.letters) == ["m3"]


async def test_a_letter_that_dies_again_meanwhile_is_not_moved_for_ever() -> None:
    dead, _ = queues(20)
    # The target is the queue itself: whatever is sent is a dead letter again at once.
    tally = await moved(dead, Homes({}, otherwise=dead))
    assert (tally.done, tally.came_back) == (10, 10)
    assert len(dead.letters) == 20


async def test_a_limit_takes_so_many() -> None:
    dead, target = queues(250)
    tally = await moved(dead, Homes({}, otherwise=target), limits=Limits(most=60))
    assert (tally.matched, len(target.letters), len(dead.visible)) == (60, 60, 190)


async def test_a_rate_is_kept_over_the_whole_run() -> None:
    dead, target = queues(200)
    began_s = dead.clock.at_s
    await moved(dead, Homes({}, otherwise=target), LetterFilter(), Limits(rate=10))
    assert dead.clock.at_s - began_s == pytest.approx(19, abs=1)


def test_a_slow_rate_takes_few_at_a_time() -> None:
    assert [Pace(rate, SetClock()).chunk for rate in (None, 0.1, 7.5, 5000)] == [100, 1, 7, 100]


async def test_deleting_without_keeping_leaves_the_rest() -> None:
    dead, _ = queues(10)
    tally = await settle(dead, Nowhere(), MEANT, Limits(), clock=dead.clock, told=lambda _: None)
    assert tally.done == 5
    assert all(body.startswith("no") for body in bodies(dead))


async def test_a_letter_is_on_the_disk_before_it_is_deleted(tmp_path: Path) -> None:
    dead, _ = queues(10)
    file = tmp_path / "out.jsonl"
    written: list[int] = []
    part = tmp_path / "out.jsonl.part"
    dead.before_delete = lambda: written.append(len(part.read_bytes().splitlines()))
    with Export(file, reveal=True, clock=dead.clock) as made:
        await settle(dead, made, MEANT, Limits(), clock=dead.clock, told=lambda _: None)
        assert not file.exists()
        manifest = made.finish({"queue": "q"})
    assert written == [5]
    assert manifest["messages"] == 5
    assert {json.loads(line)["body"] for line in file.read_text().splitlines()} == {
        f"yes {number}" for number in range(0, 10, 2)
    }
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_a_run_that_dies_leaves_what_it_deleted_in_a_file_nobody_overwrites(
    tmp_path: Path,
) -> None:
    dead, _ = queues(10)
    file = tmp_path / "out.jsonl"
    with Export(file, reveal=True, clock=dead.clock) as made:
        await settle(dead, made, MEANT, Limits(), clock=dead.clock, told=lambda _: None)
    assert len((tmp_path / "out.jsonl.part").read_text().splitlines()) == 5
    with pytest.raises(ConflictError):
        Export(file, reveal=True, clock=dead.clock)


async def test_a_file_that_somebody_made_meanwhile_is_left_alone(tmp_path: Path) -> None:
    dead, _ = queues(10)
    file, part = tmp_path / "out.jsonl", tmp_path / "out.jsonl.part"
    with Export(file, reveal=True, clock=dead.clock) as made:
        await settle(dead, made, MEANT, Limits(), clock=dead.clock, told=lambda _: None)
        file.write_text("somebody's")
        with pytest.raises(ConflictError, match=r"out\.jsonl\.part"):
            made.finish({})
    assert file.read_text() == "somebody's"
    assert len(part.read_text().splitlines()) == 5
