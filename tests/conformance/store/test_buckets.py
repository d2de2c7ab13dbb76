from __future__ import annotations

import asyncio

from gateway.model import UsagePlan
from gateway.store import Store
from tests.conformance.store.world import FakeClock

PLAN = UsagePlan(rate_per_s=0.5, burst=3)


async def test_a_new_bucket_is_full_and_then_keeps_to_its_rate(
    store: Store, clock: FakeClock
) -> None:
    grant = await store.buckets.take({"k": PLAN}, want=5, promised=False)
    start_ms = clock.at_ms
    assert grant.granted == 3
    assert list(grant.slots_ms) == [start_ms + 2_000, start_ms + 4_000]
    assert grant.token_at_ms == start_ms + 2_000
    clock.at_ms += 2_000
    newcomer = await store.buckets.take({"k": PLAN}, want=1, promised=False)
    assert (newcomer.granted, list(newcomer.slots_ms)) == (0, [start_ms + 6_000])
    assert (await store.buckets.take({"k": PLAN}, want=1, promised=True)).granted == 1


async def test_buckets_are_apart(store: Store) -> None:
    await store.buckets.take({"a": PLAN}, want=3, promised=False)
    assert (await store.buckets.take({"b": PLAN}, want=3, promised=False)).granted == 3


async def test_takers_at_once_never_get_more_than_there_is(store: Store) -> None:
    grants = await asyncio.gather(
        *[store.buckets.take({"k": PLAN}, want=1, promised=False) for _ in range(20)]
    )
    assert sum(g.granted for g in grants) == 3
    slots = [slot for g in grants for slot in g.slots_ms]
    assert len(slots) == len(set(slots)) == 17


async def test_corrections_are_kept(store: Store, clock: FakeClock) -> None:
    await store.buckets.correct("unknown", blocked_until_ms=clock.at_ms + 1)
    await store.buckets.take({"k": PLAN}, want=3, promised=False)
    await store.buckets.correct("k", plan=UsagePlan(rate_per_s=2.0, burst=3))
    clock.at_ms += 500
    assert (await store.buckets.take({"k": PLAN}, want=1, promised=False)).granted == 1
    await store.buckets.correct("k", blocked_until_ms=clock.at_ms + 10_000)
    clock.at_ms += 9_999
    grant = await store.buckets.take({"k": PLAN}, want=1, promised=True)
    assert (grant.granted, grant.token_at_ms) == (0, clock.at_ms + 1)
    clock.at_ms += 1
    assert (await store.buckets.take({"k": PLAN}, want=1, promised=True)).granted == 1
    await store.buckets.correct("new", plan=PLAN)
    assert (await store.buckets.take({"new": PLAN}, want=9, promised=False)).granted == 3


async def test_a_call_takes_of_every_bucket_or_of_none(store: Store) -> None:
    pairs = [{"a": PLAN, "b": PLAN}, {"c": PLAN, "b": PLAN}, {"c": PLAN, "a": PLAN}] * 7
    grants = await asyncio.gather(
        *[store.buckets.take(pair, want=1, promised=False) for pair in pairs]
    )
    granted = [pair for pair, grant in zip(pairs, grants, strict=True) if grant.granted]
    left = {
        key: (await store.buckets.take({key: PLAN}, want=9, promised=True)).granted
        for key in ("a", "b", "c")
    }
    assert {key: 3 - sum(key in pair for pair in granted) for key in left} == left
    # Three buckets of three, two at a time: it can't be that a fifth call found two.
    assert 3 <= len(granted) <= 4
