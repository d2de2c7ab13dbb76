"""The writer's groups: faults hit only their own plan, and nothing is written by halves."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import ConflictError, StoreUnavailableError
from gateway.store.sqlite import SqliteDriver, translated
from gateway.store.statements import Many, One, Plan, Signal

INSERT = One("INSERT INTO t VALUES ($1)")
INSERT_MANY = Many("INSERT INTO t {rows} RETURNING n", ("bigint",))
COUNT = One("SELECT count(*) FROM t")


class Signals:
    def __init__(self) -> None:
        self.topics: list[str] = []

    def notify(self, topic: str) -> None:
        self.topics.append(topic)


@pytest.fixture
def signals() -> Signals:
    return Signals()


@pytest.fixture
async def driver(tmp_path: Path, signals: Signals) -> AsyncIterator[SqliteDriver]:
    opened = await SqliteDriver.open(tmp_path / "x.db", signals)
    await opened.write(_plan(One("CREATE TABLE t (n INTEGER PRIMARY KEY)")))
    yield opened
    await opened.close()


def _plan(statement: One, *params: Any) -> Callable[[], Plan[Any]]:
    def plan() -> Plan[Any]:
        return (yield statement(*params))

    return plan


def _adding(number: int, fault: Exception | None = None) -> Callable[[], Plan[int]]:
    def plan() -> Plan[int]:
        yield INSERT(number)
        yield Signal(f"added {number}")()
        if fault is not None:
            raise fault
        return number

    return plan


async def _count(driver: SqliteDriver) -> int:
    count: int = (await driver.read(_plan(COUNT)))[0][0]
    return count


async def test_a_fault_hits_its_own_plan_only(driver: SqliteDriver, signals: Signals) -> None:
    work = [
        driver.write(_adding(1)),
        driver.write(_adding(2, ValueError("mine"))),
        driver.write(_adding(1)),
        driver.write(_adding(3)),
    ]
    results = await asyncio.gather(*work, return_exceptions=True)
    assert results[0] == 1
    assert isinstance(results[1], ValueError)
    assert isinstance(results[2], ConflictError)
    assert results[3] == 3
    assert await _count(driver) == 2
    assert sorted(signals.topics) == ["added 1", "added 3"]


async def test_what_waits_together_is_committed_together(
    driver: SqliteDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups: list[int] = []
    resolve = driver._writer._resolve

    def noted(jobs: Sequence[Any], topics: frozenset[str]) -> None:
        groups.append(len(jobs))
        resolve(jobs, topics)

    monkeypatch.setattr(driver._writer, "_resolve", noted)
    let_go = asyncio.Event()

    def slow() -> Plan[None]:
        # All that is asked for meanwhile waits in the queue.
        yield COUNT()
        asyncio.run_coroutine_threadsafe(_wait(let_go), driver._loop).result()

    work = [asyncio.create_task(driver.write(slow))]
    await asyncio.sleep(0)
    work += [asyncio.create_task(driver.write(_adding(n))) for n in range(20)]
    await asyncio.sleep(0)
    let_go.set()
    await asyncio.gather(*work)
    assert sum(groups) == 21
    assert len(groups) <= 2
    assert await _count(driver) == 20


async def _wait(event: asyncio.Event) -> None:
    await event.wait()


async def test_a_caller_that_gives_up_disturbs_nobody(driver: SqliteDriver) -> None:
    gone = asyncio.create_task(driver.write(_adding(1)))
    stays = asyncio.create_task(driver.write(_adding(2)))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays == 2
    with pytest.raises(asyncio.CancelledError):
        await gone


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 200])
async def test_sets_of_any_size(driver: SqliteDriver, count: int) -> None:
    def plan() -> Plan[list[int]]:
        rows = yield INSERT_MANY([(n,) for n in range(count)])
        return [row[0] for row in rows]

    assert await driver.write(plan) == list(range(count))
    assert await _count(driver) == count


async def test_readers_cant_write(driver: SqliteDriver) -> None:
    with pytest.raises(StoreUnavailableError, match="readonly"):
        await driver.read(_adding(1))
    assert await _count(driver) == 0


async def test_closing_finishes_what_was_asked_for(tmp_path: Path, signals: Signals) -> None:
    driver = await SqliteDriver.open(tmp_path / "y.db", signals)
    work = asyncio.create_task(driver.write(_plan(One("CREATE TABLE t (n INTEGER PRIMARY KEY)"))))
    await asyncio.sleep(0)
    await driver.close()
    await work
    with pytest.raises(StoreUnavailableError, match="closed"):
        await driver.write(_plan(COUNT))
    assert not (tmp_path / "y.db-wal").exists()


async def test_an_idle_group_reaches_no_disk(driver: SqliteDriver, tmp_path: Path) -> None:
    log = tmp_path / "x.db-wal"
    before = log.stat()
    await driver.write(_plan(One("UPDATE t SET n = 1 WHERE n = 99")))
    await driver.write(_plan(COUNT))
    after = log.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def test_faults_are_told_apart() -> None:
    path = Path("x.db")
    assert isinstance(translated(sqlite3.OperationalError("disk"), path), StoreUnavailableError)
    assert isinstance(translated(sqlite3.DatabaseError("malformed"), path), StoreUnavailableError)
    assert isinstance(translated(sqlite3.IntegrityError("unique"), path), ConflictError)
    bug = sqlite3.ProgrammingError("bindings")
    assert translated(bug, path) is bug
    cause = sqlite3.OperationalError("disk")
    assert translated(cause, path).__cause__ is cause
