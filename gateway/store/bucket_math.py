"""Token buckets as arithmetic: how many calls may be made, and when the others' turns come. Pure.

Two kinds of callers meet at a bucket: newcomers, and those who come back for a token that was
promised to them. Promises stand on a ladder of times, one token apart. While the ladder is not
empty, a newcomer gets a token only where another is left beside it, so that a promise is never sold
twice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from gateway.model import Grant, UsagePlan

# Floats add up to a hair less than a whole token at the very time the token exists.
_HAIR: Final = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A bucket at `updated_at_ms`.

    Attributes:
        next_slot_ms: First step of the ladder that is free.
        blocked_until_ms: Nothing is given before.
        plan: What is in force: as stated, or as corrected since.
        stated: What callers stated; another statement replaces corrections.
    """

    tokens: float
    updated_at_ms: int
    next_slot_ms: int
    blocked_until_ms: int
    plan: UsagePlan
    stated: UsagePlan


def full(plan: UsagePlan, now_ms: int) -> Bucket:
    """Return a bucket that nobody has used yet."""
    return Bucket(
        tokens=float(plan.burst),
        updated_at_ms=now_ms,
        next_slot_ms=0,
        blocked_until_ms=0,
        plan=plan,
        stated=plan,
    )


def take(
    bucket: Bucket, plan: UsagePlan, now_ms: int, *, want: int, promised: bool
) -> tuple[Bucket, Grant]:
    """Return the bucket after a request for `want` tokens, and what was granted."""
    (after,), grant = take_all([(bucket, plan)], now_ms, want=want, promised=promised)
    return after, grant


def take_all(
    needed: Sequence[tuple[Bucket, UsagePlan]], now_ms: int, *, want: int, promised: bool
) -> tuple[Sequence[Bucket], Grant]:
    """Return several buckets after `want` calls that need a token of each, and what was granted.

    A call takes a token of each bucket or of none: one that was taken before the other is there
    would be used later than it was counted, and calls would bunch up beyond the plan.
    """
    filled = [_filled(_stated(bucket, plan), now_ms) for bucket, plan in needed]
    free = [min(want, _free(bucket, promised=promised)) for bucket in filled]
    granted = min(free)
    slots = [0] * (want - granted)
    after = []
    token_ms = 0
    for bucket, could in zip(filled, free, strict=True):
        next_ms = _next_token_ms(replace(bucket, tokens=bucket.tokens - could))
        token_ms = max(token_ms, next_ms)
        left = replace(bucket, tokens=bucket.tokens - granted)
        kept, promises = _promise(left, next_ms, want - could, promised=promised)
        after.append(kept)
        for place, slot_ms in enumerate(promises, start=could - granted):
            slots[place] = max(slots[place], slot_ms)
    return after, Grant(granted=granted, slots_ms=slots, token_at_ms=token_ms)


def _free(bucket: Bucket, *, promised: bool) -> int:
    """Return how many tokens may be taken now."""
    now_ms = bucket.updated_at_ms
    if now_ms < bucket.blocked_until_ms:
        return 0
    reserve = 0 if promised or bucket.next_slot_ms <= now_ms else 1
    return max(0, math.floor(bucket.tokens + _HAIR) - reserve)


def _promise(
    bucket: Bucket, next_ms: int, count: int, *, promised: bool
) -> tuple[Bucket, Sequence[int]]:
    """Return the bucket with `count` further steps on its ladder, and their times."""
    if not count:
        return bucket, ()
    # Who was promised a token and came too early gets the very next one, not the ladder's end.
    first_ms = next_ms if promised else max(bucket.next_slot_ms, next_ms)
    spacing_ms = 1000 / bucket.plan.rate_per_s
    slots = [math.ceil(first_ms + n * spacing_ms) for n in range(count)]
    free_ms = max(bucket.next_slot_ms, math.ceil(first_ms + count * spacing_ms))
    return replace(bucket, next_slot_ms=free_ms), slots


def correct(
    bucket: Bucket, now_ms: int, *, plan: UsagePlan | None, blocked_until_ms: int | None
) -> Bucket:
    """Return the bucket after Amazon said another plan, or that it is empty until a time."""
    bucket = _filled(bucket, now_ms)
    if plan is not None:
        bucket = replace(bucket, plan=plan, tokens=min(bucket.tokens, float(plan.burst)))
    if blocked_until_ms is not None:
        blocked_ms = max(bucket.blocked_until_ms, blocked_until_ms)
        bucket = replace(bucket, blocked_until_ms=blocked_ms, tokens=min(bucket.tokens, 0.0))
    return bucket


def _stated(bucket: Bucket, plan: UsagePlan) -> Bucket:
    if plan in (bucket.stated, bucket.plan):
        return bucket
    tokens = min(bucket.tokens, float(plan.burst))
    return replace(bucket, plan=plan, stated=plan, tokens=tokens)


def _filled(bucket: Bucket, now_ms: int) -> Bucket:
    # Another replica's clock may be ahead; time then stands still here until ours has caught up.
    elapsed_ms = max(0, now_ms - bucket.updated_at_ms)
    tokens = bucket.tokens + elapsed_ms * bucket.plan.rate_per_s / 1000
    return replace(
        bucket,
        tokens=min(float(bucket.plan.burst), tokens),
        updated_at_ms=bucket.updated_at_ms + elapsed_ms,
    )


def _next_token_ms(bucket: Bucket) -> int:
    missing = max(0.0, 1.0 - bucket.tokens - _HAIR)
    exists_ms = bucket.updated_at_ms + math.ceil(missing * 1000 / bucket.plan.rate_per_s)
    return max(exists_ms, bucket.blocked_until_ms)
