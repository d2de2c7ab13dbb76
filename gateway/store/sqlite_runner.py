"""Runs groups of plans on one SQLite connection, whichever thread it is in.

A group is one transaction. If one of its plans fails, all is rolled back and they run again one by
one: a fault hits its own plan only.
"""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from sqlalchemy import Executable
from sqlalchemy.dialects import sqlite as dialects

from gateway.store.statements import Cold, Each, Many, One, Plan, Row, Rows, Signal, Step

T = TypeVar("T")

# Rows of one statement come in powers of two, so that few texts are prepared for any row count.
_LARGEST_CHUNK: Final = 64


@dataclass(slots=True)
class Job:
    """A plan that somebody waits for.

    Attributes:
        brief: See `Driver.write`; `durable` too.
        alone: Is called instead of the plan, outside any transaction.
    """

    plan: Callable[[], Plan[Any]]
    future: asyncio.Future[Any]
    brief: bool = False
    durable: bool = True
    alone: Callable[[sqlite3.Connection], None] | None = None
    result: Any = None
    error: BaseException | None = None


class Runner:
    """See the module.

    Args:
        translate: What a fault of SQLite means to the store's callers.
        waits_ms: How long a transaction waits for another process's to end.
        log_pages: How long the log grows until a commit that waits brings it home.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        translate: Callable[[sqlite3.Error], Exception],
        *,
        writes: bool,
        waits_ms: int,
        log_pages: int,
    ) -> None:
        self._connection = connection
        self._translate = translate
        self._waits_ms = waits_ms
        self._log_pages = log_pages
        self._begin = "BEGIN IMMEDIATE" if writes else "BEGIN"
        self._waits_for_disk = True
        self._texts: dict[tuple[Many, int], str] = {}

    def run_group(self, jobs: Sequence[Job]) -> frozenset[str]:
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

    def _transaction(self, jobs: Sequence[Job], topics: set[str]) -> None:
        self._set_durability(jobs)
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

    def run_ahead(self, jobs: Sequence[Job], topics: set[str]) -> bool:
        """Run all jobs, and commit them where that waits for no disk; never wait.

        Returns:
            Whether they ran. If not (another process writes, or one of them failed), nothing is
            left of it, and `run_group` does it all.
        """
        connection = self._connection
        self._set_durability(jobs)
        connection.execute("PRAGMA busy_timeout = 0")
        try:
            connection.execute(self._begin)
        except sqlite3.Error:
            return False
        finally:
            connection.execute(f"PRAGMA busy_timeout = {self._waits_ms}")
        before = connection.total_changes
        try:
            for job in jobs:
                job.result = self._run(job.plan(), topics)
            if not self._waits_for_disk or connection.total_changes == before:
                connection.execute("COMMIT")
        except Exception:  # noqa: BLE001 `run_group` finds out whose it is
            topics.clear()
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            return False
        return True

    @property
    def has_open_transaction(self) -> bool:
        """Whether `run_ahead` left something to commit."""
        return self._connection.in_transaction

    def commit(self, jobs: Sequence[Job], topics: set[str]) -> frozenset[str]:
        """Commit what `run_ahead` did; where that fails, run all of it again."""
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            return self.run_group(jobs)
        return frozenset(topics)

    def _set_durability(self, jobs: Sequence[Job]) -> None:
        """Have the next commit wait for the disk, and bring the log home, if a job asks for it."""
        waits = any(job.durable for job in jobs)
        if waits is not self._waits_for_disk:
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if waits else 'NORMAL'}")
            self._connection.execute(f"PRAGMA wal_autocheckpoint = {self._log_pages * waits}")
            self._waits_for_disk = waits

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
        return self._translate(exc) if isinstance(exc, sqlite3.Error) else exc


def _compiled(executable: Executable) -> tuple[str, tuple[Any, ...]]:
    compiled = executable.compile(  # type: ignore[attr-defined]
        dialect=dialects.dialect(), compile_kwargs={"render_postcompile": True}
    )
    params = compiled.construct_params()
    return str(compiled), tuple(params[name] for name in compiled.positiontup or ())
