"""Retention: walks through what is old, a batch of rows in each transaction, on both databases.

Ids sort by time, so what is too old is a range of a primary key and no walk needs an index of its
own. A walk keeps its cursor, which moves in the very transaction that does the work before it. What
has not ended is passed over and noted, and each run looks at the noted again. It decides neither
how old too old is nor how fast it goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.clock import Clock
from gateway.store.driver import Driver
from gateway.store.references import forget
from gateway.store.retention_sql import WALKS, Walk, WalkSql
from gateway.store.statements import Many, One, Plan, Row, Rows, one_step

_RUN: Final = 1
_PAGE: Final = 2_000

# A replay makes handlings of notifications whose bodies it has seen, under the same lock.
_LOCK: Final = One(None, "SELECT pg_advisory_xact_lock(hashtextextended('replay', 0))")
_CURSOR: Final = One("SELECT cursor FROM retention_walks WHERE walk = $1")
_MOVE: Final = One(
    """
    INSERT INTO retention_walks (walk, cursor, rows, bytes) VALUES ($1, $2, 0, 0)
    ON CONFLICT (walk) DO UPDATE SET cursor = excluded.cursor
    """
)
_REWIND: Final = One(
    "UPDATE retention_walks SET cursor = $2 WHERE walk = $1 AND cursor > $2 RETURNING walk"
)
_LEAVE: Final = Many(
    "INSERT INTO retention_left (walk, id) {rows} ON CONFLICT DO NOTHING", ("text", "text")
)
_LEFT: Final = One("SELECT id FROM retention_left WHERE walk = $1 AND id > $2 ORDER BY id LIMIT $3")
_FOUND: Final = Many(
    """
    WITH v(walk, id) AS ({rows})
    DELETE FROM retention_left WHERE (walk, id) IN (SELECT walk, id FROM v)
    """,
    ("text", "text"),
)
_LEFT_COUNT: Final = One("SELECT count(*), min(id) FROM retention_left WHERE walk = $1")
_MEASURED: Final = One(
    """
    INSERT INTO retention_walks (walk, cursor, rows, bytes, oldest_ms, measured_at_ms)
    VALUES ($1, '', $2, $3, $4, $5)
    ON CONFLICT (walk) DO UPDATE SET rows = excluded.rows, bytes = excluded.bytes,
      oldest_ms = excluded.oldest_ms, measured_at_ms = excluded.measured_at_ms
    """
)
_SIZES: Final = One(
    """
    SELECT walk, rows, bytes, oldest_ms, measured_at_ms FROM retention_walks
    WHERE measured_at_ms IS NOT NULL ORDER BY walk
    """
)
_TAKE: Final = One(
    """
    INSERT INTO retention_runs (id, token, lease_until_ms, started_at_ms) VALUES ($1, $2, $3, $4)
    ON CONFLICT (id) DO UPDATE SET token = excluded.token,
      lease_until_ms = excluded.lease_until_ms, started_at_ms = excluded.started_at_ms
    WHERE retention_runs.lease_until_ms <= $4
      AND (retention_runs.ended_at_ms IS NULL OR retention_runs.ended_at_ms <= $5)
    RETURNING id
    """
)
_LAST_RUN: Final = One("SELECT lease_until_ms, ended_at_ms FROM retention_runs WHERE id = $1")
_RENEW: Final = One(
    "UPDATE retention_runs SET lease_until_ms = $3 WHERE id = $1 AND token = $2 RETURNING id"
)
_END: Final = One(
    """
    UPDATE retention_runs SET lease_until_ms = 0, ended_at_ms = coalesce($3, ended_at_ms)
    WHERE id = $1 AND token = $2
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """What one batch did.

    Attributes:
        looked: Rows that were looked at; fewer than were asked for when there are no more.
        done: Rows that were deleted or emptied.
        last: Id of the last one looked at.
    """

    looked: int
    done: int
    last: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """What a walk would do now.

    Attributes:
        rows: How many it would delete or empty.
        bytes: How much they hold.
        kept: How many are old enough and have not ended.
        oldest_id: Of those that would go, or None.
    """

    rows: int = 0
    bytes: int = 0
    kept: int = 0
    oldest_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much of a walk's kind there was when it was measured.

    Attributes:
        bytes: By the average of some hundred rows.
        oldest_ms: When the oldest one was made; None if there is none.
    """

    walk: str
    rows: int
    bytes: int
    oldest_ms: int | None
    measured_at_ms: int


class Retention:
    """See the module."""

    def __init__(self, driver: Driver, clock: Clock) -> None:
        self._driver = driver
        self._clock = clock

    async def step(
        self, walk: Walk, before: str, limit: int, *, spared: frozenset[str] = frozenset()
    ) -> Walked:
        """Do the next rows of a walk that are older than the id `before`.

        Args:
            walk: Which.
            before: Exclusive.
            limit: Most rows to look at.
            spared: Types that this walk passes by.

        Raises:
            StoreUnavailableError: Nothing was done.
        """
        return await self._driver.write(lambda: _step(walk, before, limit, spared))

    async def look_again(
        self, walk: Walk, after: str, limit: int, *, spared: frozenset[str] = frozenset()
    ) -> Walked:
        """Do what a walk has left behind the id `after`, as far as it has ended by now.

        Raises:
            StoreUnavailableError: Nothing was done.
        """
        return await self._driver.write(lambda: _look_again(walk, after, limit, spared))

    async def forget_references(self, before: str, limit: int) -> int:
        """Delete, of what notifications older than an id are found by, so many rows; whole weeks.

        Raises:
            StoreUnavailableError: None was deleted.
        """
        return await self._driver.write(lambda: forget(before, limit))

    async def rewind(self, walk: Walk) -> None:
        """Let a walk that deletes begin anew: what it passed is gone, what it left it meets again.

        Nothing for a walk that empties, as it would read all that it has emptied.
        """
        if not WALKS[walk].empties:
            await self._driver.write(lambda: one_step(_REWIND(walk.value, "")))

    async def ahead(
        self, walk: Walk, before: str, *, spared: frozenset[str] = frozenset()
    ) -> Ahead:
        """Return what a walk would do now; it is looked at page by page, and nothing is changed."""
        total = Ahead()
        after = (await self._cursor(walk)) or ""
        while True:
            rows = await self._read(WALKS[walk].look(after, before, _PAGE))
            total = _added(total, _meant(WALKS[walk], rows, spared))
            if len(rows) < _PAGE:
                break
            after = rows[-1][0]
        after = ""
        while left := await self._read(_LEFT(walk.value, after, _PAGE)):
            ids = [(row[0],) for row in left]
            found = await self._read(WALKS[walk].again(ids))
            total = _added(total, _meant(WALKS[walk], found, spared))
            after = left[-1][0]
        return total

    async def measure(self, walk: Walk) -> Size:
        """Count what there is of a walk's kind, page by page, note it and return it.

        Raises:
            StoreUnavailableError: It was not noted.
        """
        sql = WALKS[walk]
        after = (await self._cursor(walk) or "") if sql.empties else ""
        first = await self._read(sql.first(after))
        left = (await self._read(_LEFT_COUNT(walk.value)))[0] if sql.empties else (0, None)
        rows = left[0]
        while page := (await self._read(sql.count(after, _PAGE)))[0]:
            rows += page[0]
            if page[0] < _PAGE:
                break
            after = page[1]
        sampled, held = (await self._read(sql.sample()))[0]
        oldest = min((one for one in (left[1], *(row[0] for row in first)) if one), default=None)
        size = Size(
            walk=walk.value,
            rows=rows,
            bytes=round(rows * (held or 0) / sampled) if sampled else 0,
            oldest_ms=None if oldest is None else made_at_ms(oldest),
            measured_at_ms=self._clock.now_ms(),
        )
        await self.note(size)
        return size

    async def note(self, size: Size) -> None:
        """Keep how much there is of a kind.

        Raises:
            StoreUnavailableError: It was not noted.
        """
        values = (size.rows, size.bytes, size.oldest_ms, size.measured_at_ms)
        await self._driver.write(lambda: one_step(_MEASURED(size.walk, *values)))

    async def sizes(self) -> Sequence[Size]:
        """Return what was measured last of each kind."""
        return [
            Size(walk=row[0], rows=row[1], bytes=row[2], oldest_ms=row[3], measured_at_ms=row[4])
            for row in await self._read(_SIZES())
        ]

    async def begin(self, token: int, *, lease_ms: int, ended_before_ms: int) -> bool:
        """Begin a run, unless one goes on or the last one ended later; tell whether it did.

        Raises:
            StoreUnavailableError: It was not begun.
        """
        now_ms = self._clock.now_ms()
        last = await self._read(_LAST_RUN(_RUN))
        if last and (last[0][0] > now_ms or (last[0][1] or 0) > ended_before_ms):
            return False
        step = _TAKE(_RUN, token, now_ms + lease_ms, now_ms, ended_before_ms)
        return bool(await self._driver.write(lambda: one_step(step)))

    async def renew(self, token: int, *, lease_ms: int) -> bool:
        """Keep the lease of a run; False if it is another's by now."""
        step = _RENEW(_RUN, token, self._clock.now_ms() + lease_ms)
        return bool(await self._driver.write(lambda: one_step(step)))

    async def end(self, token: int, *, whole: bool) -> None:
        """End a run; one that is not `whole` is due again at once."""
        ended_ms = self._clock.now_ms() if whole else None
        await self._driver.write(lambda: one_step(_END(_RUN, token, ended_ms)))

    async def _cursor(self, walk: Walk) -> str | None:
        rows = await self._read(_CURSOR(walk.value))
        return rows[0][0] if rows else None

    async def _read(self, step: Any) -> Rows:
        return await self._driver.read(lambda: one_step(step))


def rewound(first: str) -> Plan[None]:
    """Let the next run meet notifications from the id `first` on: such were put back just now."""
    for walk in (Walk.PERSONAL_MESSAGES, Walk.MESSAGES):
        yield _REWIND(walk.value, first[:-1])


def made_at_ms(prefixed_id: str) -> int:
    """Return when an id of ours was made."""
    return int(prefixed_id.rpartition("_")[2][:12], 16)


def _step(walk: Walk, before: str, limit: int, spared: frozenset[str]) -> Plan[Walked]:
    sql = WALKS[walk]
    yield _LOCK()
    found = yield _CURSOR(walk.value)
    rows = yield sql.look(found[0][0] if found else "", before, limit)
    if not rows:
        return Walked(looked=0, done=0, last="")
    ready, busy = _parted(sql, rows, spared)
    done = yield from _do(sql, ready)
    if busy:
        yield _LEAVE([(walk.value, one) for one in busy])
    yield _MOVE(walk.value, rows[-1][0])
    return Walked(looked=len(rows), done=done, last=rows[-1][0])


def _look_again(walk: Walk, after: str, limit: int, spared: frozenset[str]) -> Plan[Walked]:
    sql = WALKS[walk]
    yield _LOCK()
    left = yield _LEFT(walk.value, after, limit)
    if not left:
        return Walked(looked=0, done=0, last="")
    rows = yield sql.again([(row[0],) for row in left])
    ready, busy = _parted(sql, rows, spared)
    done = yield from _do(sql, ready)
    gone = {row[0] for row in left}.difference(busy)
    if gone:
        yield _FOUND([(walk.value, one) for one in sorted(gone)])
    return Walked(looked=len(left), done=done, last=left[-1][0])


def _meant(sql: WalkSql, rows: Rows, spared: frozenset[str]) -> Sequence[Row]:
    """Return those of `rows` that a walk is about: not what is empty already, where it empties."""
    return [row for row in rows if row[3] not in spared and (row[2] or not sql.empties)]


def _parted(
    sql: WalkSql, rows: Rows, spared: frozenset[str]
) -> tuple[Sequence[str], Sequence[str]]:
    """Return which of `rows` are to be done, and which have not ended."""
    meant = _meant(sql, rows, spared)
    return [row[0] for row in meant if not row[1]], [row[0] for row in meant if row[1]]


def _do(sql: WalkSql, ids: Sequence[str]) -> Plan[int]:
    """Do rows and what hangs on them; return how many rows there were to do."""
    if not ids:
        return 0
    done = yield sql.action([(one,) for one in ids])
    if done:
        for statement in sql.hanging:
            yield statement([(row[0],) for row in done])
    return len(done)


def _added(total: Ahead, meant: Sequence[Row]) -> Ahead:
    going = [row for row in meant if not row[1]]
    oldest = [row[0] for row in going] + ([total.oldest_id] if total.oldest_id else [])
    return Ahead(
        rows=total.rows + len(going),
        bytes=total.bytes + sum(row[2] or 0 for row in going),
        kept=total.kept + len(meant) - len(going),
        oldest_id=min(oldest, default=None),
    )
