"""The writer's groups: faults hit only their own plan, and nothing is written by halves."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
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


# ── brief plans ──────────────────────────────────────────────────────────────────────────────────


def _where(threads: list[str]) -> Callable[[], Plan[None]]:
    def plan() -> Plan[None]:
        threads.append(threading.current_thread().name)
        yield COUNT()

    return plan


async def test_brief_plans_run_in_the_loops_thread_unless_others_are_among_them(
    driver: SqliteDriver,
) -> None:
    threads: list[str] = []
    await driver.write(_where(threads), brief=True)
    await driver.write(_where(threads))
    await asyncio.gather(driver.write(_where(threads), brief=True), driver.write(_where(threads)))
    here = threading.current_thread().name
    assert threads == [here, *["store-writer"] * 3]


async def test_brief_plans_commit_together_and_one_with_a_fault_is_alone(
    driver: SqliteDriver, signals: Signals
) -> None:
    results = await asyncio.gather(
        driver.write(_adding(1), brief=True),
        driver.write(_adding(2, ValueError("no")), brief=True),
        driver.write(_adding(1), brief=True),
        driver.write(_adding(3), brief=True),
        return_exceptions=True,
    )
    assert [results[0], results[3]] == [1, 3]
    assert isinstance(results[1], ValueError)
    assert isinstance(results[2], ConflictError)
    assert await _count(driver) == 2
    assert sorted(signals.topics) == ["added 1", "added 3"]


async def test_a_brief_plan_waits_for_another_process_without_holding_up_the_loop(
    driver: SqliteDriver, tmp_path: Path
) -> None:
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    work = asyncio.create_task(driver.write(_adding(1), brief=True))
    for _ in range(20):
        await asyncio.sleep(0.001)
    assert not work.done()
    other.execute("COMMIT")
    other.close()
    assert await work == 1
    assert await _count(driver) == 1


async def test_plans_that_were_not_so_brief_are_followed_by_a_while_in_the_thread(
    driver: SqliteDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []
    now_s = 100.0
    monkeypatch.setattr(driver._writer, "_loop", _Loop(driver._loop, lambda: now_s))

    def slow() -> Plan[None]:
        nonlocal now_s
        now_s += 0.1
        yield COUNT()

    await driver.write(slow, brief=True)
    await driver.write(_where(threads), brief=True)
    now_s += 5.1
    await driver.write(_where(threads), brief=True)
    assert threads == ["store-writer", threading.current_thread().name]


class _Loop:
    """A loop whose time is told."""

    def __init__(self, loop: asyncio.AbstractEventLoop, time: Callable[[], float]) -> None:
        self._loop = loop
        self.time = time

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)


async def test_a_commit_that_fails_is_done_again(
    driver: SqliteDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = driver._writer._thread.runner
    assert runner is not None
    monkeypatch.setattr(runner, "_connection", _FailingOnce(runner._connection))
    work = [driver.write(_adding(n), brief=True) for n in range(3)]
    assert await asyncio.gather(*work) == [0, 1, 2]
    assert await _count(driver) == 3


class _FailingOnce:
    """A connection whose first commit fails, as on a full disk."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._failed = False

    def execute(self, text: str, *params: Any) -> Any:
        if text == "COMMIT" and not self._failed:
            self._failed = True
            raise sqlite3.OperationalError("database or disk is full")
        return self._connection.execute(text, *params)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


async def test_closing_finishes_brief_plans_too(tmp_path: Path, signals: Signals) -> None:
    driver = await SqliteDriver.open(tmp_path / "z.db", signals)
    await driver.write(_plan(One("CREATE TABLE t (n INTEGER PRIMARY KEY)")))
    work = [asyncio.create_task(driver.write(_adding(n), brief=True)) for n in range(5)]
    await asyncio.sleep(0)
    await driver.close()
    assert await asyncio.gather(*work) == list(range(5))
    with pytest.raises(StoreUnavailableError, match="closed"):
        await driver.write(_plan(COUNT), brief=True)


def test_faults_are_told_apart() -> None:
    path = Path("x.db")
    assert isinstance(translated(sqlite3.OperationalError("disk"), path), StoreUnavailableError)
    assert isinstance(translated(sqlite3.DatabaseError("malformed"), path), StoreUnavailableError)
    assert isinstance(translated(sqlite3.IntegrityError("unique"), path), ConflictError)
    bug = sqlite3.ProgrammingError("bindings")
    assert translated(bug, path) is bug
    cause = sqlite3.OperationalError("disk")
    assert translated(cause, path).__cause__ is cause


async def test_what_waits_for_no_disk_waits_for_no_thread(
    driver: SqliteDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed_over: list[object] = []
    do = driver._writer._thread.do

    def noted(task: Any, done: Any) -> None:
        handed_over.append(task)
        do(task, done)

    monkeypatch.setattr(driver._writer._thread, "do", noted)
    await driver.write(_adding(1), brief=True, durable=False)
    assert not handed_over
    assert sqlite3.connect(tmp_path / "x.db").execute("SELECT n FROM t").fetchall() == [(1,)]
    await driver.write(_adding(2), brief=True)
    assert len(handed_over) == 1


async def test_only_a_commit_that_waits_brings_the_log_home(driver: SqliteDriver) -> None:
    pages = One("PRAGMA wal_autocheckpoint")
    found = [
        await driver.write(_plan(pages), brief=True, durable=durable)
        for durable in (True, False, True)
    ]
    (first,), (second,), (third,) = (rows[0] for rows in found)
    assert first == third > 0 == second
