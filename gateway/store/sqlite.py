"""The SQLite driver: one writer thread that commits in groups, one reader thread.

The writer takes every plan that waits, runs them in one transaction and commits once, so that the
cost of reaching the disk is shared by all that came while the last commit was under way. If one of
them fails, the transaction is rolled back and they run again one by one: a fault hits its own plan
only. A group that changed nothing reaches no disk.

Durability is `synchronous=FULL`: what was committed survives a loss of power. What is deleted is
overwritten (`secure_delete`), and the file can give back its free pages (`auto_vacuum`).
"""

from __future__ import annotations

import asyncio
import itertools
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import Executable
from sqlalchemy.dialects import sqlite as dialects

from gateway.errors import ConflictError, StoreUnavailableError
from gateway.store.driver import Signals
from gateway.store.statements import Cold, Each, Many, One, Plan, Row, Rows, Signal, Step

T = TypeVar("T")

_BUSY_TIMEOUT_MS: Final = 10_000
_CACHED_STATEMENTS: Final = 512
_GROUP_LIMIT: Final = 256
_CHECKPOINT_PAGES: Final = 4_000
_CACHE_KIB: Final = 32_768
# A log that a long read has let grow is cut down to this at its next turn.
_LOG_BYTES: Final = 64 * 1024 * 1024
_EMPTYING_TRIES: Final = 3
# Rows of one statement come in powers of two, so that few texts are prepared for any row count.
_LARGEST_CHUNK: Final = 64


@dataclass(slots=True)
class _Job:
    plan: Callable[[], Plan[Any]]
    future: asyncio.Future[Any]
    alone: Callable[[sqlite3.Connection], None] | None = None
    result: Any = None
    error: BaseException | None = None


class SqliteDriver:
    """Runs plans on one SQLite file.

    Open it with `SqliteDriver.open`; `close` finishes what waits.
    """

    def __init__(self, path: Path, signals: Signals) -> None:
        self._signals = signals
        self._loop = asyncio.get_running_loop()
        self._writer = _Thread(path, self._loop, self._resolve, writes=True)
        self._reader = _Thread(path, self._loop, self._resolve, writes=False)

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

    async def write(self, plan: Callable[[], Plan[T]]) -> T:
        """See `Driver`."""
        return await self._writer.run(plan)

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

    def _resolve(self, jobs: Sequence[_Job], topics: frozenset[str]) -> None:
        for job in jobs:
            if job.future.done():
                continue
            if job.error is None:
                job.future.set_result(job.result)
            else:
                job.future.set_exception(job.error)
        for topic in topics:
            self._signals.notify(topic)


class _Thread:
    """A connection with the thread that owns it."""

    def __init__(
        self,
        path: Path,
        loop: asyncio.AbstractEventLoop,
        resolve: Callable[[Sequence[_Job], frozenset[str]], None],
        *,
        writes: bool,
    ) -> None:
        self._path = path
        self._loop = loop
        self._resolve = resolve
        self._writes = writes
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._opened: asyncio.Future[None] = loop.create_future()
        self._ended: asyncio.Future[None] = loop.create_future()
        self._closing = False
        self._thread = threading.Thread(
            target=self._main, name="store-writer" if writes else "store-reader", daemon=True
        )

    async def start(self) -> None:
        self._thread.start()
        await self._opened

    async def run(self, plan: Callable[[], Plan[T]]) -> T:
        if self._closing:
            raise StoreUnavailableError("the database is closed")
        future: asyncio.Future[T] = self._loop.create_future()
        self._queue.put(_Job(plan, future))
        return await future

    async def run_alone(self, function: Callable[[sqlite3.Connection], None]) -> None:
        """Run what no transaction may be open for, in its turn."""
        if self._closing:
            raise StoreUnavailableError("the database is closed")
        future: asyncio.Future[None] = self._loop.create_future()
        self._queue.put(_Job(_nothing, future, alone=function))
        await future

    async def stop(self) -> None:
        if not self._closing and self._thread.ident is not None:
            self._closing = True
            self._queue.put(None)
            await self._ended
            self._thread.join()

    def _main(self) -> None:
        try:
            connection = connect(self._path, writes=self._writes)
        except sqlite3.Error as exc:
            self._tell(self._opened.set_exception, translated(exc, self._path))
        else:
            self._tell(self._opened.set_result, None)
            runner = _Runner(connection, self._path, writes=self._writes)
            try:
                for jobs in self._groups():
                    self._tell(self._resolve, jobs, runner.run_group(jobs))
            finally:
                connection.close()
        finally:
            self._tell(self._ended.set_result, None)

    def _groups(self) -> Iterator[list[_Job]]:
        while (job := self._queue.get()) is not None:
            jobs = [job]
            last = False
            while len(jobs) < _GROUP_LIMIT and not last and job.alone is None:
                try:
                    more = self._queue.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    last = True
                elif more.alone is not None:
                    yield jobs
                    jobs, job = [more], more
                else:
                    jobs.append(more)
            yield jobs
            if last:
                return

    def _tell(self, function: Callable[..., None], *args: Any) -> None:
        # A loop that is closed has nobody left who waits for the answer.
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *args)


class _Runner:
    """Runs groups of plans on one connection; lives in the connection's thread."""

    def __init__(self, connection: sqlite3.Connection, path: Path, *, writes: bool) -> None:
        self._connection = connection
        self._path = path
        self._begin = "BEGIN IMMEDIATE" if writes else "BEGIN"
        self._texts: dict[tuple[Many, int], str] = {}

    def run_group(self, jobs: Sequence[_Job]) -> frozenset[str]:
        """Run all jobs, note results and errors in them, and return the topics to signal."""
        topics: set[str] = set()
        try:
            self._transaction(jobs, topics)
        except Exception as exc:  # noqa: BLE001 whatever it is, it belongs to one of the jobs
            if len(jobs) == 1:
                jobs[0].error = self._translated(exc)
                return frozenset()
            topics.clear()
            for job in jobs:
                topics |= self.run_group([job])
        return frozenset(topics)

    def _transaction(self, jobs: Sequence[_Job], topics: set[str]) -> None:
        if (alone := jobs[0].alone) is not None:
            alone(self._connection)
            return
        self._connection.execute(self._begin)
        try:
            for job in jobs:
                job.result = self._run(job.plan(), topics)
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _run(self, plan: Plan[T], topics: set[str]) -> T:
        rows: Rows = ()
        send = plan.send
        try:
            step = next(plan)
            while True:
                statement = step.statement
                if type(statement) is Signal:
                    topics.add(statement.topic)
                    rows = ()
                else:
                    rows = self._execute(step)
                step = send(rows)
        except StopIteration as end:
            result: T = end.value
            return result

    def _execute(self, step: Step) -> Rows:
        execute = self._connection.execute
        match step.statement:
            case Many() as many:
                return self._execute_many(many, step.params)
            case One(sqlite=sql):
                return () if sql is None else execute(sql, step.params).fetchall()
            case Each(sqlite=sql):
                found: list[Row] = []
                for row in step.params:
                    found += execute(sql, row)
                return found
            case Cold(executable=executable):
                text, params = _compiled(executable)
                return execute(text, params).fetchall()
            case Signal():
                return ()

    def _execute_many(self, many: Many, rows: Sequence[Row]) -> Rows:
        found: list[Row] = []
        start, left = 0, len(rows)
        chunk = _LARGEST_CHUNK
        while left:
            while chunk > left:
                chunk //= 2
            params = tuple(itertools.chain.from_iterable(rows[start : start + chunk]))
            found += self._connection.execute(self._text(many, chunk), params)
            start += chunk
            left -= chunk
        return found

    def _text(self, many: Many, count: int) -> str:
        text = self._texts.get((many, count))
        if text is None:
            text = self._texts[many, count] = many.sqlite(count)
        return text

    def _translated(self, exc: Exception) -> Exception:
        return translated(exc, self._path) if isinstance(exc, sqlite3.Error) else exc


def _compiled(executable: Executable) -> tuple[str, tuple[Any, ...]]:
    compiled = executable.compile(  # type: ignore[attr-defined]
        dialect=dialects.dialect(), compile_kwargs={"render_postcompile": True}
    )
    params = compiled.construct_params()
    return str(compiled), tuple(params[name] for name in compiled.positiontup or ())


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
