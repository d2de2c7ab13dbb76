"""Checks run side by side; what one meets costs no other one anything."""

from __future__ import annotations

import asyncio
import string
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from gateway.doctor.check import Before, Check
from gateway.doctor.examination import Doctor, Report
from gateway.doctor.kinds import KINDS, found, well
from gateway.errors import DependencyError, InvalidInputError
from gateway.findings import Finding, Level
from tests.support.clock import FakeClock

Looks = Callable[[Before], AsyncGenerator[Finding]]


@dataclass
class Scripted:
    """A check that does as it is told."""

    name: str
    looks: Looks
    needs: Sequence[str] = ()
    runs: list[Before] = field(default_factory=list)

    def look(self, before: Before) -> AsyncGenerator[Finding]:
        self.runs.append(before)
        return self.looks(before)


async def fine(before: Before) -> AsyncGenerator[Finding]:
    yield well("x", "it", "is well")


async def unmigrated(before: Before) -> AsyncGenerator[Finding]:
    yield found("store.unmigrated", "store", "is empty")


async def low(before: Before) -> AsyncGenerator[Finding]:
    yield found("space.low", "disk", "is nearly full", folder="/data")


def doctor(*checks: Check, limit_s: float = 60.0) -> Doctor:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Sequence[Check]]:
        yield checks

    names = [check.name for check in checks]
    return Doctor(opened, names=names, clock=FakeClock(), limit_s=limit_s)


def ids(report: Report) -> list[str]:
    return [one.id for one in report.all]


async def test_findings_are_told_in_the_order_of_the_checks() -> None:
    gate = asyncio.Event()

    async def late(before: Before) -> AsyncGenerator[Finding]:
        await gate.wait()
        yield well("late", "it", "is well")

    async def opens(before: Before) -> AsyncGenerator[Finding]:
        gate.set()  # so they must run side by side
        yield well("opens", "it", "is well")

    report = await doctor(Scripted("late", late), Scripted("opens", opens)).examine()
    assert ids(report) == ["late.ok", "opens.ok"]
    assert report.level is Level.OK


async def test_what_a_check_needs_is_run_first_and_handed_to_it() -> None:
    first, second = Scripted("first", low), Scripted("second", fine, needs=("first",))
    report = await doctor(first, second).examine()
    assert [one.id for one in second.runs[0]["first"]] == ["space.low"], "a warning blocks nothing"
    assert report.level is Level.WARNING


async def test_a_check_whose_ground_is_missing_says_so_and_is_not_run() -> None:
    base = Scripted("base", unmigrated)
    above, top = Scripted("above", fine, needs=("base",)), Scripted("top", fine, needs=("above",))
    report = await doctor(base, above, top).examine()
    assert not above.runs
    assert not top.runs
    (skipped,), (higher,) = report.findings["above"], report.findings["top"]
    assert (skipped.id, skipped.level) == ("above.skipped", Level.SKIPPED)
    assert skipped.what == higher.what == "was not run, for store.unmigrated is in its way"
    assert skipped.mend == higher.mend == "gateway db upgrade"
    assert report.level is Level.FAULT


async def test_chosen_checks_are_told_alone_and_what_they_need_is_run() -> None:
    base, above = Scripted("base", unmigrated), Scripted("above", fine, needs=("base",))
    other = Scripted("other", fine)
    report = await doctor(base, above, other).examine(only=["above"])
    assert list(report.findings) == ["above"]
    assert report.level is Level.WARNING, "nobody knows, so it is not well"
    assert not other.runs
    assert list((await doctor(base, above, other).examine(skip=["above"])).findings) == [
        "base",
        "other",
    ]
    with pytest.raises(InvalidInputError, match="base, above, other"):
        await doctor(base, above, other).examine(only=["abvoe"])


async def test_a_check_that_hangs_is_cut_off_and_what_it_found_stands() -> None:
    async def hangs(before: Before) -> AsyncGenerator[Finding]:
        yield found("space.full", "disk", "is full", folder="/data")
        await asyncio.Event().wait()

    checks = Scripted("hangs", hangs), Scripted("fine", fine)
    report = await doctor(*checks, limit_s=0.01).examine(only=["hangs"])
    assert ids(report) == ["space.full", "check.timed_out"]
    assert "--only hangs" in report.all[1].mend


@pytest.mark.parametrize(
    "fault", [DependencyError("refuses Atza|abcdef"), ValueError("Atza|abcdef")]
)
async def test_a_check_that_raises_costs_the_others_nothing(fault: Exception) -> None:
    async def raises(before: Before) -> AsyncGenerator[Finding]:
        yield well("raises", "it", "is well")
        raise fault

    report = await doctor(Scripted("raises", raises), Scripted("fine", fine)).examine()
    assert ids(report) == ["raises.ok", "check.failed", "x.ok"]
    assert "abcdef" not in report.all[1].what
    assert report.level is Level.WARNING


async def test_a_report_is_one_object_with_its_findings_in_a_list() -> None:
    report = await doctor(Scripted("base", low), Scripted("fine", fine)).examine()
    data = report.as_data()
    assert data["summary"] == {
        "level": "warning",
        "ok": 1,
        "skipped": 0,
        "warning": 1,
        "fault": 0,
        "checks": ["base", "fine"],
        "examined_at": "2027-01-15T08:00:00.000Z",
        "took_s": 0.0,
    }
    assert data["findings"][0] == {
        "check": "base",
        "id": "space.low",
        "level": "warning",
        "subject": "disk",
        "what": "is nearly full",
        "why": "once it is full, no message is taken from the queue",
        "mend": "free space on the disk of /data, or make it larger",
    }


def test_each_kind_says_what_it_means_and_what_mends_it() -> None:
    for kind in KINDS.values():
        assert kind.level in {Level.WARNING, Level.FAULT}
        assert kind.meaning.endswith("."), kind.id
        assert kind.why, kind.id
        assert kind.mend, kind.id
        assert not kind.why.endswith("."), kind.id
        fields = [name for _, name, _, _ in string.Formatter().parse(kind.mend) if name is not None]
        assert all(name.isidentifier() for name in fields), kind.id
