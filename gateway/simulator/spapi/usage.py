"""Usage plans: who has calls left, and who called how often; decides which call is one too many.

A bucket belongs to one (application, seller, region, operation), as Amazon's page "Usage Plans and
Rate Limits" says; where Amazon states a limit for the application over all its sellers, a second
one belongs to (application, region, operation).
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from gateway.clock import rfc3339
from gateway.model import UsagePlan
from gateway.spapi.catalog import UNKNOWN_PLAN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.clock import Clock
    from gateway.spapi.catalog import Operation

SANDBOX = "sandbox"
# Amazon's page "Selling Partner API Sandbox" states it for every operation.
_SANDBOX_PLAN = UsagePlan(rate_per_s=5.0, burst=15)
_TIMES_KEPT = 1_000
_THROTTLED = 429


class Caller(NamedTuple):
    """Whose bucket a call draws from.

    `seller` is None for a grantless call; `region` begins with `sandbox-` in a sandbox.
    """

    application: str
    seller: str | None
    region: str
    operation: str


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at_s: float


@dataclass(slots=True)
class Calls:
    """The calls of one caller.

    Attributes:
        count: Every call that came with a good token, refused ones included.
        statuses: Calls by HTTP status; 0 where no whole answer was sent.
        times_ms: When the last of them came.
    """

    count: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    times_ms: deque[int] = field(default_factory=lambda: deque(maxlen=_TIMES_KEPT))

    @property
    def throttled(self) -> int:
        """Calls answered 429."""
        return self.statuses[_THROTTLED]


class Usage:
    """Buckets and counts of all callers.

    Args:
        clock: Time by which buckets fill.
        plans: Plans that win over the operations' own, by full name or by operation id.
    """

    def __init__(self, *, clock: Clock, plans: Mapping[str, UsagePlan]) -> None:
        self.plans = dict(plans)
        self._clock = clock
        self._buckets: dict[tuple[str, ...] | Caller, _Bucket] = {}
        self._calls: dict[Caller, Calls] = {}

    def plan(self, operation: Operation, region: str = "") -> UsagePlan:
        """Return the plan that an operation runs under; all have one and the same in a sandbox."""
        given = self.plans.get(operation.name) or self.plans.get(operation.id)
        if given is None and region.startswith(SANDBOX):
            return _SANDBOX_PLAN
        return given or operation.plan or UNKNOWN_PLAN

    def take(self, caller: Caller, operation: Operation) -> bool:
        """Draw one call from the caller's buckets; False where one of them is empty."""
        now_s = self._clock.monotonic_s()
        buckets = [self._bucket(caller, self.plan(operation, caller.region), now_s)]
        if (shared := operation.application_plan) is not None:
            key = (caller.application, caller.region, caller.operation)
            buckets.append(self._bucket(key, shared, now_s))
        if any(bucket.tokens < 1 for bucket in buckets):
            return False
        for bucket in buckets:
            bucket.tokens -= 1
        return True

    def _bucket(self, key: tuple[str, ...] | Caller, plan: UsagePlan, now_s: float) -> _Bucket:
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(plan.burst, now_s)
        gained = (now_s - bucket.filled_at_s) * plan.rate_per_s
        bucket.tokens = min(float(plan.burst), bucket.tokens + gained)
        bucket.filled_at_s = now_s
        return bucket

    def came(self, caller: Caller) -> None:
        """Count a call that came in."""
        calls = self._calls.setdefault(caller, Calls())
        calls.count += 1
        calls.times_ms.append(self._clock.now_ms())

    def answered(self, caller: Caller, status: int) -> None:
        """Count how a call was answered."""
        self._calls.setdefault(caller, Calls()).statuses[status] += 1

    def calls(self) -> Mapping[Caller, Calls]:
        """Return the counts so far, by caller."""
        return self._calls

    def show(self) -> Sequence[Mapping[str, Any]]:
        """Return the counts as plain data, one item per caller."""
        return [
            {
                **caller._asdict(),
                "count": calls.count,
                "throttled": calls.throttled,
                "statuses": {str(status): count for status, count in calls.statuses.items()},
                "times": [rfc3339(at_ms) for at_ms in calls.times_ms],
            }
            for caller, calls in sorted(self._calls.items(), key=lambda item: str(item[0]))
        ]
