"""Usage-plan buckets in memory with the store's own arithmetic; and Amazon's count of calls."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.clock import Clock
from gateway.model import Grant, UsagePlan
from gateway.store import bucket_math
from gateway.store.bucket_math import Bucket


@dataclass
class MemoryBuckets:
    """A `BucketStore`; `takes` lists (keys, want, promised) of every request."""

    clock: Clock
    takes: list[tuple[str, int, bool]] = field(default_factory=list)
    buckets: dict[str, Bucket] = field(default_factory=dict)
    turns: int = 1  # of the loop that one request takes

    async def take(self, needed: Mapping[str, UsagePlan], *, want: int, promised: bool) -> Grant:
        self.takes.append((" ".join(needed), want, promised))
        for _ in range(self.turns):
            await asyncio.sleep(0)
        now_ms = self.clock.now_ms()
        found = [
            (self.buckets.get(key) or bucket_math.full(plan, now_ms), plan)
            for key, plan in needed.items()
        ]
        after, grant = bucket_math.take_all(found, now_ms, want=want, promised=promised)
        self.buckets.update(zip(needed, after, strict=True))
        return grant

    async def correct(
        self, key: str, *, plan: UsagePlan | None = None, blocked_until_ms: int | None = None
    ) -> None:
        self.buckets[key] = bucket_math.correct(
            self.buckets[key], self.clock.now_ms(), plan=plan, blocked_until_ms=blocked_until_ms
        )


@dataclass
class AmazonsBucket:
    """What Amazon counts: a whole plan, by the time a request arrives."""

    plan: UsagePlan
    clock: Clock
    tokens: float = 0.0
    at_s: float = 0.0
    served: int = 0
    refused: int = 0

    def __post_init__(self) -> None:
        self.tokens = self.plan.burst
        self.at_s = self.clock.monotonic_s()

    def request(self) -> bool:
        now_s = self.clock.monotonic_s()
        gained = (now_s - self.at_s) * self.plan.rate_per_s
        self.tokens, self.at_s = min(self.plan.burst, self.tokens + gained), now_s
        if self.tokens < 1 - 1e-6:
            self.refused += 1
            return False
        self.tokens -= 1
        self.served += 1
        return True
