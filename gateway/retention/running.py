"""One run of retention: every walk to its end, in small batches, by one process at a time.

It decides when a run is due and what comes next. What is done can be cut off anywhere: each batch
moves its walk's cursor in its own transaction, so the next run goes on where this one came to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from gateway.clock import Clock
from gateway.errors import ConflictError, StoreUnavailableError
from gateway.model import new_token
from gateway.retention.pacing import Pace, next_pace
from gateway.retention.rules import MEASURED, Kept, Rule, rules
from gateway.store.retention import Size, Walked
from gateway.store.retention_sql import Walk
from gateway.store.space import DatabaseSize

_LEASE_MS: Final = 60_000
_RENEW_AFTER_MS: Final = 20_000
_LOOK_EVERY_S: Final = 10.0
_TURN_S: Final = 1.0
_PAGES: Final = 64
# What is free up to this stays: the next rows are written there.
_FREE_SHARE: Final = 0.05
_FREE_BYTES: Final = 1024 * 1024

_log = structlog.get_logger("gateway.retention")


class Walks(Protocol):
    """What a run needs of the store; see `gateway.store.retention`."""

    async def step(
        self, walk: Walk, before: str, limit: int, *, spared: frozenset[str] = frozenset()
    ) -> Walked:
        """Do the next rows."""
        ...

    async def look_again(
        self, walk: Walk, after: str, limit: int, *, spared: frozenset[str] = frozenset()
    ) -> Walked:
        """Do what was left, as far as it has ended."""
        ...

    async def forget_references(self, before: str, limit: int) -> int:
        """Delete what notifications are found by."""
        ...

    async def rewind(self, walk: Walk) -> None:
        """Let a walk that deletes begin anew."""
        ...

    async def measure(self, walk: Walk) -> Size:
        """Count what there is of a kind."""
        ...

    async def begin(self, token: int, *, lease_ms: int, ended_before_ms: int) -> bool:
        """Begin a run."""
        ...

    async def renew(self, token: int, *, lease_ms: int) -> bool:
        """Keep a run."""
        ...

    async def end(self, token: int, *, whole: bool) -> None:
        """End a run."""
        ...

    async def note(self, size: Size) -> None:
        """Keep how much there is of a kind."""
        ...


class Shrinking(Protocol):
    """What gives space back; see `gateway.store.space`."""

    async def size(self) -> DatabaseSize:
        """Return how large the database is."""
        ...

    async def give_back(self, pages: int) -> bool:
        """Give free pages back; tell whether any went."""
        ...


class Recorder(Protocol):
    """Where it is counted what went."""

    def went(self, walk: str, rows: int) -> None:
        """Count rows that were deleted or emptied."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a run works on.

    Attributes:
        walks: The store's.
        space: The database's.
        busy: Whether other traffic waits.
        documents: Deletes documents that are too old, and returns how many they were.
        measure_documents: Counts documents.
        archived_before_ms: Tells up to when everything is archived; None where nothing is.
    """

    walks: Walks
    space: Shrinking
    busy: Callable[[], Awaitable[bool]]
    documents: Callable[[], Awaitable[int]]
    measure_documents: Callable[[], Awaitable[Size]]
    archived_before_ms: Callable[[], Awaitable[int]] | None = None


class RetentionRun:
    """See the module. A service calls `tick` again and again, a person `whole`."""

    def __init__(
        self, ground: Ground, kept: Kept, clock: Clock, recorder: Recorder, *, every_s: float
    ) -> None:
        self._ground = ground
        self._kept = kept
        self._clock = clock
        self._recorder = recorder
        self._every_ms = round(every_s * 1000)
        self._token = new_token()
        self._going: AsyncIterator[None] | None = None
        self._pace = Pace()
        self._look_at_s = 0.0
        self._renewed_at_ms = 0
        self._done: Counter[str] = Counter()

    async def tick(self) -> None:
        """Begin a run if one is due, and go on with it for a second.

        Raises:
            StoreUnavailableError, DocumentsUnavailableError: A later tick begins again.
        """
        if self._going is None:
            if self._clock.monotonic_s() < self._look_at_s:
                return
            self._look_at_s = self._clock.monotonic_s() + _LOOK_EVERY_S
            if not await self._begun(self._clock.now_ms() - self._every_ms):
                return
        until_s = self._clock.monotonic_s() + _TURN_S
        while self._clock.monotonic_s() < until_s and await self._went_on():
            pass

    async def whole(self) -> Mapping[str, int]:
        """Do a run from its beginning to its end; return how many rows went, by walk.

        Raises:
            ConflictError: Another process is at it.
            StoreUnavailableError, DocumentsUnavailableError: What went until then is gone.
        """
        if not await self._begun(self._clock.now_ms()):
            raise ConflictError("a run goes on already; a running gateway does one by itself")
        while await self._went_on():
            pass
        return dict(self._done)

    async def _begun(self, ended_before_ms: int) -> bool:
        begun = await self._ground.walks.begin(
            self._token, lease_ms=_LEASE_MS, ended_before_ms=ended_before_ms
        )
        if begun:
            self._done.clear()
            self._renewed_at_ms = self._clock.now_ms()
            asked = self._ground.archived_before_ms
            archived_before_ms = None if asked is None else await asked()
            self._going = self._batches(
                rules(self._kept, self._clock.now_ms(), archived_before_ms=archived_before_ms)
            )
        return begun

    async def _went_on(self) -> bool:
        """Do the next batch and rest; False once there is none."""
        assert self._going is not None
        started_s = self._clock.monotonic_s()
        try:
            await anext(self._going)
            await self._renew()
        except StopAsyncIteration:
            self._going = None
            await self._ground.walks.end(self._token, whole=True)
            _log.info(
                "retention.ended", **{walk: rows for walk, rows in self._done.items() if rows}
            )
            return False
        except BaseException:
            self._going = None
            raise
        took_s = self._clock.monotonic_s() - started_s
        self._pace = next_pace(self._pace, took_s=took_s, busy=await self._ground.busy())
        await self._clock.sleep(self._pace.rest_s)
        return True

    async def _renew(self) -> None:
        now_ms = self._clock.now_ms()
        if now_ms - self._renewed_at_ms > _RENEW_AFTER_MS:
            self._renewed_at_ms = now_ms
            if not await self._ground.walks.renew(self._token, lease_ms=_LEASE_MS):
                raise StoreUnavailableError("another process has taken over the run of retention")

    async def _batches(self, all_rules: Sequence[Rule]) -> AsyncIterator[None]:
        walks = self._ground.walks
        for rule in all_rules:
            after = ""
            while True:
                limit = self._pace.rows
                again = await walks.look_again(rule.walk, after, limit, spared=rule.spared)
                self._count(rule.walk.value, again.done)
                yield
                if again.looked < limit:
                    break
                after = again.last
            await walks.rewind(rule.walk)
            while True:
                limit = self._pace.rows
                walked = await walks.step(rule.walk, rule.before, limit, spared=rule.spared)
                self._count(rule.walk.value, walked.done)
                yield
                if walked.looked < limit:
                    break
            while rule.walk is Walk.NOTIFICATIONS and (
                forgotten := await walks.forget_references(rule.before, self._pace.rows)
            ):
                self._count("references", forgotten)
                yield
        self._count("documents", await self._ground.documents())
        yield
        for walk in MEASURED:
            await walks.measure(walk)
            yield
        await walks.note(await self._ground.measure_documents())
        while await self._wastes():
            await self._ground.space.give_back(_PAGES)
            yield

    async def _wastes(self) -> bool:
        size = await self._ground.space.size()
        return size.shrinks and size.free_bytes > max(_FREE_BYTES, size.bytes * _FREE_SHARE)

    def _count(self, walk: str, rows: int) -> None:
        if rows:
            self._done[walk] += rows
            self._recorder.went(walk, rows)
