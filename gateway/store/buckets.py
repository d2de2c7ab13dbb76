"""Usage plans' token buckets, shared by all replicas: each request is one transaction.

Taking waits for no disk: a loss of power forgets the tokens of the last moments at most, and
Amazon, who counts too, says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.clock import Clock
from gateway.model import Grant, UsagePlan
from gateway.store import bucket_math
from gateway.store.bucket_math import Bucket
from gateway.store.driver import Driver
from gateway.store.statements import One, Plan, Row

_COLUMNS: Final = (
    "key, tokens, updated_at_ms, next_slot_ms, blocked_until_ms, rate_per_s, burst,"
    " plan_rate_per_s, plan_burst"
)
_GET: Final = One(f"SELECT {_COLUMNS} FROM buckets WHERE key = $1 {{lock}}")  # noqa: S608
_ADD: Final = One(
    f"""
    INSERT INTO buckets ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (key) DO NOTHING
    """  # noqa: S608 columns are ours
)
_SET: Final = One(
    """
    UPDATE buckets SET tokens = $2, updated_at_ms = $3, next_slot_ms = $4, blocked_until_ms = $5,
      rate_per_s = $6, burst = $7, plan_rate_per_s = $8, plan_burst = $9
    WHERE key = $1
    """
)


class Buckets:
    """See the module; the arithmetic is in `bucket_math`."""

    def __init__(self, driver: Driver, clock: Clock) -> None:
        self._driver = driver
        self._clock = clock

    async def take(self, needed: Mapping[str, UsagePlan], *, want: int, promised: bool) -> Grant:
        """Take tokens for up to `want` calls; each that is refused gets a time in `slots_ms`.

        Args:
            needed: The buckets of which each call takes a token, of all or of none, with rate and
                size as the caller states them; one that is not known yet starts full.
            want: How many calls.
            promised: Whether the caller comes back for tokens that were promised to it.

        Raises:
            StoreUnavailableError: No token was taken.
        """
        return await self._driver.write(
            lambda: self._take(needed, want, promised), brief=True, durable=False
        )

    async def correct(
        self, key: str, *, plan: UsagePlan | None = None, blocked_until_ms: int | None = None
    ) -> None:
        """Set what Amazon said: another plan, or that the bucket is empty until a time.

        A bucket that is not known is left alone, unless a plan is given to make it with.

        Raises:
            StoreUnavailableError: Nothing was set.
        """
        await self._driver.write(lambda: self._correct(key, plan, blocked_until_ms), brief=True)

    def _take(self, needed: Mapping[str, UsagePlan], want: int, promised: bool) -> Plan[Grant]:
        now_ms = self._clock.now_ms()
        found = []
        keys = sorted(needed)  # so that no two transactions hold what the other waits for
        for key in keys:
            bucket = yield from _bucket(key, needed[key], now_ms)
            found.append((bucket, needed[key]))
        after, grant = bucket_math.take_all(found, now_ms, want=want, promised=promised)
        for key, bucket in zip(keys, after, strict=True):
            yield _SET(*_row(key, bucket))
        return grant

    def _correct(
        self, key: str, plan: UsagePlan | None, blocked_until_ms: int | None
    ) -> Plan[None]:
        now_ms = self._clock.now_ms()
        rows = yield _GET(key)
        if rows:
            bucket = _of(rows[0])
        elif plan is not None:
            bucket = yield from _bucket(key, plan, now_ms)
        else:
            return
        bucket = bucket_math.correct(bucket, now_ms, plan=plan, blocked_until_ms=blocked_until_ms)
        yield _SET(*_row(key, bucket))


def _bucket(key: str, plan: UsagePlan, now_ms: int) -> Plan[Bucket]:
    rows = yield _GET(key)
    if not rows:
        # Another replica may add it in the same moment; who came second reads what the first left.
        yield _ADD(*_row(key, bucket_math.full(plan, now_ms)))
        rows = yield _GET(key)
    return _of(rows[0])


def _of(row: Row) -> Bucket:
    return Bucket(
        tokens=row[1],
        updated_at_ms=row[2],
        next_slot_ms=row[3],
        blocked_until_ms=row[4],
        plan=UsagePlan(rate_per_s=row[5], burst=row[6]),
        stated=UsagePlan(rate_per_s=row[7], burst=row[8]),
    )


def _row(key: str, bucket: Bucket) -> tuple[Any, ...]:
    return (
        key,
        bucket.tokens,
        bucket.updated_at_ms,
        bucket.next_slot_ms,
        bucket.blocked_until_ms,
        bucket.plan.rate_per_s,
        bucket.plan.burst,
        bucket.stated.rate_per_s,
        bucket.stated.burst,
    )
