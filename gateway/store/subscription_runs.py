"""Who goes through all sellers' subscriptions now, so that one does at a time, and what is left.

A run that ended early is gone on with: the next one with the same declaration keeps its start, and
what was settled since then needs no second look.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.clock import Clock
from gateway.store.driver import Driver
from gateway.store.statements import One, Plan, Rows, one_step

LEASE_MS: Final = 60_000
_ID: Final = "subscriptions"
_DAY_MS: Final = 86_400_000

_SELECT: Final = """
    SELECT owner, lease_until_ms, digest, started_at_ms, ended_at_ms, asked_at_ms
    FROM subscription_runs WHERE id = $1
    """
_LAST: Final = One(_SELECT)
_LOCK: Final = One(f"{_SELECT} {{lock}}")
_TAKE: Final = One(
    """
    INSERT INTO subscription_runs (id, owner, lease_until_ms, digest, started_at_ms)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, lease_until_ms = excluded.lease_until_ms,
      digest = excluded.digest, started_at_ms = excluded.started_at_ms, ended_at_ms = NULL,
      asked_at_ms = CASE WHEN subscription_runs.asked_at_ms < excluded.started_at_ms THEN NULL
        ELSE subscription_runs.asked_at_ms END
    WHERE subscription_runs.lease_until_ms <= $6
    RETURNING started_at_ms
    """
)
_JOIN: Final = One(
    """
    UPDATE subscription_runs SET owner = $2, lease_until_ms = $3
    WHERE id = $1 AND lease_until_ms <= $4 RETURNING started_at_ms
    """
)
_ASK: Final = One("UPDATE subscription_runs SET asked_at_ms = $2 WHERE id = $1 RETURNING id")
_RENEW: Final = One(
    """
    UPDATE subscription_runs SET lease_until_ms = $3
    WHERE id = $1 AND owner = $2 AND lease_until_ms > 0 RETURNING id
    """
)
_RELEASE: Final = One(
    """
    UPDATE subscription_runs SET lease_until_ms = 0, ended_at_ms = COALESCE($3, ended_at_ms)
    WHERE id = $1 AND owner = $2
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run through all sellers.

    Attributes:
        owner: Who does it, for a person.
        lease_until_ms: Nobody else begins before.
        digest: Of everything that is declared.
        ended_at_ms: When it was through; None while it goes on, and where it was cut off.
        asked_at_ms: When somebody asked for another one.
    """

    owner: str
    lease_until_ms: int
    digest: str
    started_at_ms: int
    ended_at_ms: int | None
    asked_at_ms: int | None = None

    @property
    def asked(self) -> bool:
        """Whether somebody asked for another one since it began."""
        return self.asked_at_ms is not None and self.asked_at_ms >= self.started_at_ms


class SubscriptionRuns:
    """See the module."""

    def __init__(self, driver: Driver, clock: Clock) -> None:
        self._driver = driver
        self._clock = clock

    async def last(self) -> Run | None:
        """Return the run that goes on, or the last one, or None."""
        rows = await self._driver.read(lambda: one_step(_LAST(_ID)))
        return _run(rows)

    async def begin(self, owner: str, digest: str, *, whole: bool = True) -> Run | None:
        """Begin a run, or go on with one that was cut off; None while somebody else is at it.

        The lease ends a minute after the last `renew`. A run that is not `whole` holds the lease
        alone: when the last whole one ended, or that it was cut off, stays known.
        """
        now_ms = self._clock.now_ms()
        if whole:
            return await self._driver.write(lambda: _begin(owner, digest, now_ms))
        return await self._driver.write(lambda: _join(owner, digest, now_ms))

    async def ask(self) -> int:
        """Ask for another whole run; return when. Before the first one there is nothing to ask."""
        now_ms = self._clock.now_ms()
        await self._driver.write(lambda: one_step(_ASK(_ID, now_ms)))
        return now_ms

    async def renew(self, owner: str) -> bool:
        """Keep the lease for another minute; False where it is somebody else's by now."""
        params = (_ID, owner, self._clock.now_ms() + LEASE_MS)
        return bool(await self._driver.write(lambda: one_step(_RENEW(*params))))

    async def release(self, owner: str, *, through: bool) -> None:
        """Give the lease back; `through` says whether every seller was looked at."""
        params = (_ID, owner, self._clock.now_ms() if through else None)
        await self._driver.write(lambda: one_step(_RELEASE(*params)))


def _begin(owner: str, digest: str, now_ms: int) -> Plan[Run | None]:
    last = _run((yield _LOCK(_ID)))
    started_at_ms = now_ms
    if last is not None and last.ended_at_ms is None and last.digest == digest:
        started_at_ms = last.started_at_ms if now_ms - last.started_at_ms < _DAY_MS else now_ms
    taken = yield _TAKE(_ID, owner, now_ms + LEASE_MS, digest, started_at_ms, now_ms)
    return _taken(owner, digest, now_ms, started_at_ms) if taken else None


def _join(owner: str, digest: str, now_ms: int) -> Plan[Run | None]:
    taken = yield _JOIN(_ID, owner, now_ms + LEASE_MS, now_ms)
    if not taken:
        if (yield _LAST(_ID)):
            return None
        # The first of all; its digest is nobody's, so the first whole one begins anew.
        taken = yield _TAKE(_ID, owner, now_ms + LEASE_MS, "", now_ms, now_ms)
    return _taken(owner, digest, now_ms, now_ms) if taken else None


def _taken(owner: str, digest: str, now_ms: int, started_at_ms: int) -> Run:
    return Run(
        owner=owner,
        lease_until_ms=now_ms + LEASE_MS,
        digest=digest,
        started_at_ms=started_at_ms,
        ended_at_ms=None,
    )


def _run(rows: Rows) -> Run | None:
    if not rows:
        return None
    owner, lease_until_ms, digest, started_at_ms, ended_at_ms, asked_at_ms = rows[0]
    return Run(
        owner=owner,
        lease_until_ms=lease_until_ms,
        digest=digest,
        started_at_ms=started_at_ms,
        ended_at_ms=ended_at_ms,
        asked_at_ms=asked_at_ms,
    )
