"""The SQLite driver: one connection that writes, one that reads, and groups of plans for each.

The plans that wait are run in one transaction and committed once, so that the cost of reaching the
disk is shared by all that came while the last commit was under way. A group that changed nothing
reaches no disk.

Each connection has a thread. A group of brief plans runs in the event loop's thread all the same,
and only its commit, where that waits for the disk, in the connection's: two threads that both run
Python take the interpreter's lock from each other at every row, and lose more time by that than
the rows cost. Where a brief group turns out to take long, as its pages have to be read from a slow
disk, those behind it go to the thread for a while.

Durability is `synchronous=FULL`: what was committed survives a loss of power. A group of plans that
all need none is committed without waiting for the disk; the next that waits takes it along. What is
deleted is overwritten (`secure_delete`), and the file can give back its free pages (`auto_vacuum`).
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from gateway.errors import ConflictError, StoreUnavailableError
from gateway.store.driver import Signals
from gateway.store.sqlite_runner import Job, Runner
from gateway.store.statements import Plan

T = TypeVar("T")

_BUSY_TIMEOUT_MS: Final = 10_000
_CACHED_STATEMENTS: Final = 512
_GROUP_LIMIT: Final = 256
_CHECKPOINT_PAGES: Final = 4_000
_CACHE_KIB: Final = 32_768
# A log that a long read has let grow is cut down to this at its next turn.
_LOG_BYTES: Final = 64 * 1024 * 1024
_EMPTYING_TRIES: Final = 3
# A group that holds up the event loop for longer was not brief; those behind it keep out of there.
_BRIEF_S: Final = 0.025
_AWAY_S: Final = 5.0


class SqliteDriver:
    """Runs plans on one SQLite file.

    Open it with `SqliteDriver.open`; `close` finishes what waits.
    """

    def __init__(self, path: Path, signals: Signals) -> None:
        self._signals = signals
        self._loop = asyncio.get_running_loop()
        self._writer = _Plans(_Thread(path, self._loop, writes=True), self._resolve)
        self._reader = _Plans(_Thread(path, self._loop, writes=False), self._resolve)

    @classmethod
    async def open(cls, path: Path, signals: Signals) -> SqliteDriver:
        """Return a driver whose connections are open.

        Raises:
            StoreUnavailableError: The file can't be opened.
        """
        driver = cls(path, signals)
        try:
            await driver._writer.start()
            await driver._reader.start()
        except BaseException:
            await driver.close()
            raise
        return driver

    async def write(
        self, plan: Callable[[], Plan[T]], *, brief: bool = False, durable: bool = True
    ) -> T:
        """See `Driver`."""
        return await self._writer.run(plan, brief=brief, durable=durable)

    async def read(self, plan: Callable[[], Plan[T]]) -> T:
        """See `Driver`."""
        return await self._reader.run(plan)

    async def scrub(self, *, rewrite: bool) -> None:
        """See `Scrubber`: the log is emptied, and a rewrite leaves no page as it was."""
        await self._writer.run_alone(rewritten if rewrite else _emptied_log)

    async def close(self) -> None:
        """See `Driver`."""
        # The writer goes last: the last connection to close folds the log back into the file.
        await self._reader.stop()
        await self._writer.stop()

    def _resolve(self, jobs: Sequence[Job], topics: frozenset[str]) -> None:
        for job in jobs:
            if job.future.done():
                continue
            if job.error is None:
                job.future.set_result(job.result)
            else:
                job.future.set_exception(job.error)
        for topic in topics:
            self._signals.notify(topic)


class _Plans:
    """What waits for one connection, and where it is run."""

    def __init__(
        self, thread: _Thread, resolve: Callable[[Sequence[Job], frozenset[str]], None]
    ) -> None:
        self._thread = thread
        self._resolve = resolve
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Job] = deque()
        self._under_way = False
        self._closing = False
        self._away_until_s = 0.0
        self._idle = asyncio.Event()

    async def start(self) -> None:
        await self._thread.start()

    async def run(
        self, plan: Callable[[], Plan[T]], *, brief: bool = False, durable: bool = True
    ) -> T:
        future: asyncio.Future[T] = self._loop.create_future()
        self._add(Job(plan, future, brief=brief, durable=durable))
        return await future

    async def run_alone(self, function: Callable[[sqlite3.Connection], None]) -> None:
        """Run what no transaction may be open for, in its turn."""
        future: asyncio.Future[None] = self._loop.create_future()
        self._add(Job(_nothing, future, alone=function))
        await future

    def _add(self, job: Job) -> None:
        if self._closing:
            raise StoreUnavailableError("the database is closed")
        self._waiting.append(job)
        if not self._under_way:
            self._under_way = True
            # Those who ask in the same turn of the loop go together.
            self._loop.call_soon(self._next)

    async def stop(self) -> None:
        self._closing = True
        while self._under_way:
            self._idle.clear()
            await self._idle.wait()
        await self._thread.stop()

    def _next(self) -> None:
        if not self._waiting:
            self._under_way = False
            self._idle.set()
            return
        jobs = self._group()
        topics: set[str] = set()
        runner = self._thread.runner
        if runner is not None and self._are_brief(jobs) and self._run_ahead(runner, jobs, topics):
            if not runner.has_open_transaction:
                self._done(jobs, frozenset(topics))
                return
            task = partial(runner.commit, jobs, topics)
        else:
            task = partial(self._thread.run_group, jobs)
        self._thread.do(task, partial(self._done, jobs))

    def _group(self) -> Sequence[Job]:
        waiting = self._waiting
        jobs = [waiting.popleft()]
        while waiting and len(jobs) < _GROUP_LIMIT and jobs[0].alone is None is waiting[0].alone:
            jobs.append(waiting.popleft())
        return jobs

    def _are_brief(self, jobs: Sequence[Job]) -> bool:
        return all(job.brief for job in jobs) and self._loop.time() >= self._away_until_s

    def _run_ahead(self, runner: Runner, jobs: Sequence[Job], topics: set[str]) -> bool:
        began_s = self._loop.time()
        ran = runner.run_ahead(jobs, topics)
        ended_s = self._loop.time()
        if ended_s - began_s > _BRIEF_S:
            self._away_until_s = ended_s + _AWAY_S
        return ran

    def _done(self, jobs: Sequence[Job], topics: frozenset[str]) -> None:
        self._resolve(jobs, topics)
        self._loop.call_soon(self._next)


_Task = tuple[Callable[[], frozenset[str]], Callable[[frozenset[str]], None]]


class _Thread:
    """A connection with its thread. One task at a time; nobody else touches it meanwhile."""

    def __init__(self, path: Path, loop: asyncio.AbstractEventLoop, *, writes: bool) -> None:
        self._path = path
        self._loop = loop
        self._writes = writes
        self._queue: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._opened: asyncio.Future[None] = loop.create_future()
        self._ended: asyncio.Future[None] = loop.create_future()
        self._thread = threading.Thread(
            target=self._main, name="store-writer" if writes else "store-reader", daemon=True
        )
        self.runner: Runner | None = None

    async def start(self) -> None:
        self._thread.start()
        await self._opened

    def run_group(self, jobs: Sequence[Job]) -> frozenset[str]:
        assert self.runner is not None
        return self.runner.run_group(jobs)

    def do(
        self, task: Callable[[], frozenset[str]], done: Callable[[frozenset[str]], None]
    ) -> None:
        """Run `task` in the thread, then `done` with its result in the loop's."""
        self._queue.put((task, done))

    async def stop(self) -> None:
        if self._thread.ident is not None:
            self._queue.put(None)
            await self._ended
            self._thread.join()

    def _main(self) -> None:
        try:
            connection = connect(self._path, writes=self._writes)
        except sqlite3.Error as exc:
            self._tell(self._opened.set_exception, translated(exc, self._path))
        else:
            self.runner = Runner(
                connection,
                partial(translated, path=self._path),
                writes=self._writes,
                waits_ms=_BUSY_TIMEOUT_MS,
                log_pages=_CHECKPOINT_PAGES,
            )
            self._tell(self._opened.set_result, None)
            try:
                while (given := self._queue.get()) is not None:
                    task, done = given
                    self._tell(done, task())
            finally:
                connection.close()
        finally:
            self._tell(self._ended.set_result, None)

    def _tell(self, function: Callable[..., None], *args: Any) -> None:
        # A loop that is closed has nobody left who waits for the answer.
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *args)


def connect(path: Path, *, writes: bool = True) -> sqlite3.Connection:
    """Return a connection in the mode that every user of the file shares.

    Raises:
        sqlite3.Error: The file can't be opened or is no database.
    """
    connection = sqlite3.connect(
        path,
        timeout=_BUSY_TIMEOUT_MS / 1000,
        isolation_level=None,
        cached_statements=_CACHED_STATEMENTS,
        check_same_thread=False,
    )
    try:
        # Of a file that has tables it changes nothing until the file is rewritten.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")
        if not writes:
            connection.execute("PRAGMA query_only = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def rewritten(connection: sqlite3.Connection) -> None:
    """Write a whole database anew, without a trace of what was deleted, able to shrink later.

    Nobody else writes meanwhile, and there must be room on the disk for the database twice more.

    Raises:
        sqlite3.Error: It is as it was, or its log is not empty.
    """
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA temp_store = FILE")  # the copy may be larger than the memory
    try:
        connection.execute("VACUUM")
    finally:
        connection.execute("PRAGMA temp_store = MEMORY")
    _emptied_log(connection)


def _emptied_log(connection: sqlite3.Connection) -> None:
    for _ in range(_EMPTYING_TRIES):
        if not connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            return
    raise sqlite3.OperationalError("somebody reads for long; the log could not be emptied")


def _nothing() -> Plan[None]:
    yield from ()


def translated(exc: sqlite3.Error, path: Path) -> Exception:
    """Return what a fault of SQLite means to the store's callers; a bug of ours stays itself."""
    if isinstance(exc, (sqlite3.ProgrammingError, sqlite3.InterfaceError)):
        return exc
    kind = ConflictError if isinstance(exc, sqlite3.IntegrityError) else StoreUnavailableError
    error = kind(f"{path}: {exc} ({getattr(exc, 'sqlite_errorname', type(exc).__name__)})")
    error.__cause__ = exc
    return error
