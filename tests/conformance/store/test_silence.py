"""What came last, and each silence told once: over restarts, and by one replica of many."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from gateway.errors import InvalidInputError
from gateway.model import Seller
from gateway.operational import OperationalEvent
from gateway.store import Store
from gateway.store.arrivals import NEWEST_OF_TYPES
from gateway.store.silences import (
    HeardSeller,
    SilenceChange,
    SilenceCount,
    WatchPace,
    WatchState,
)
from tests.conformance.store.test_subscriptions import look
from tests.conformance.store.world import START_MS, FakeClock, World

KEY = ("ORDER_CHANGE", "*/*")
PACE = WatchPace(pause_ms=1_000, stalled_ms=10_000)


async def arrives(
    world: World, at: int, *, noted: tuple[bool, bool] = (True, True), seller: str | None = "A1"
) -> None:
    arrival = replace(world.arrival(seller=seller), received_at_ms=START_MS + at)
    await world.accept(replace(arrival, noted=noted[0], seller_noted=noted[1]))


async def joins(store: Store, *seller_ids: str) -> None:
    for one in seller_ids:
        await store.sellers.put_seller(
            Seller(id=one, application_id="app", region="eu", refresh_token="Atzr|1")
        )


def change(*, silent: bool = True, sellers: Sequence[str] | None = None) -> SilenceChange:
    return SilenceChange(
        key=KEY,
        silent=silent,
        sellers=None if sellers is None else dict.fromkeys(sellers, START_MS),
        since_ms=START_MS,
        event=OperationalEvent(type="notifications.silent", data={}),
    )


async def operator(store: Store, world: World) -> None:
    endpoint = await world.endpoint(events=["notifications.*"])
    await store.endpoints.update(replace(endpoint, operator=True))


async def test_the_newest_of_each_type_and_seller_is_known(store: Store, world: World) -> None:
    await joins(store, "A1", "A2")
    await arrives(world, 20)
    await arrives(world, 10)  # came through another process, and is older
    await arrives(world, 30, noted=(True, False), seller="A2")
    await arrives(world, 40, noted=(False, False), seller="A2")
    assert await store.silences.newest() == {"ORDER_CHANGE": START_MS + 30}
    heard, newest_at_ms = await store.silences.heard("ORDER_CHANGE")
    assert [(one.seller_id, one.newest_at_ms) for one in heard] == [
        ("A1", START_MS + 20),
        ("A2", None),
    ]
    assert newest_at_ms == START_MS + 30
    assert (await store.silences.heard("FEE_PROMOTION"))[1] is None


async def test_duplicates_show_that_notifications_come(store: Store, world: World) -> None:
    arrival = replace(world.arrival(), noted=True, received_at_ms=START_MS)
    await world.accept(arrival)
    again = replace(world.arrival(), envelope=arrival.envelope, noted=True)
    await world.accept(replace(again, received_at_ms=START_MS + 5))
    assert await store.silences.newest() == {"ORDER_CHANGE": START_MS + 5}


async def test_whose_subscription_it_is_tells_the_seller(store: Store, world: World) -> None:
    await joins(store, "A1", "A2")
    await store.subscriptions.looked(look("s1"))
    arrival = world.arrival(seller=None, subscription="s1")
    arrival = replace(arrival, received_at_ms=START_MS + 7, noted=True, seller_noted=True)
    await world.accept(arrival)
    heard, _ = await store.silences.heard("ORDER_CHANGE")
    assert heard[0] == HeardSeller(
        seller_id="A1",
        application_id="app",
        region="eu",
        newest_at_ms=START_MS + 7,
        subscribed_since_ms=START_MS,
    )
    await store.sellers.pause("A1", "revoked")
    assert [one.seller_id for one in (await store.silences.heard("ORDER_CHANGE"))[0]] == ["A2"]


async def test_one_replica_looks_and_another_waits_for_the_next_time(
    store: Store, clock: FakeClock
) -> None:
    assert await store.silences.begin({KEY: PACE}) == {}  # it is new: now begins its window
    clock.at_ms += 1_000
    begun = await asyncio.gather(*(store.silences.begin({KEY: PACE}) for _ in range(4)))
    assert sorted(len(one) for one in begun) == [0, 0, 0, 1]
    clock.at_ms += 1_000
    assert await store.silences.begin({KEY: PACE}) == {KEY: WatchState(since_ms=START_MS)}


async def test_after_a_long_pause_nobody_has_listened(store: Store, clock: FakeClock) -> None:
    await store.silences.begin({KEY: PACE})
    clock.at_ms += 9_999
    assert (await store.silences.begin({KEY: PACE}))[KEY].since_ms == START_MS
    clock.at_ms += 10_000
    assert (await store.silences.begin({KEY: PACE}))[KEY].since_ms == clock.at_ms


async def test_a_silence_is_told_once_and_so_is_its_end(
    store: Store, world: World, clock: FakeClock
) -> None:
    await operator(store, world)
    await store.silences.begin({KEY: PACE})
    told = await asyncio.gather(*(store.silences.settle([change()]) for _ in range(3)))
    assert sorted(len(one) for one in told) == [0, 0, 1]
    assert len(await world.rows("SELECT id FROM deliveries")) == 1
    assert await store.silences.counts() == {"ORDER_CHANGE": SilenceCount(whole=1)}
    clock.at_ms += 2_000
    state = (await store.silences.begin({KEY: PACE}))[KEY]
    assert state.silent_since_ms == START_MS
    assert len(await store.silences.settle([change(silent=False)])) == 1
    assert len(await store.silences.settle([change(silent=False)])) == 0
    clock.at_ms += 1_000
    state = (await store.silences.begin({KEY: PACE}))[KEY]
    assert (state.silent_since_ms, state.since_ms) == (None, clock.at_ms - 1_000)


async def test_single_sellers_are_told_once_and_counted(
    store: Store, world: World, clock: FakeClock
) -> None:
    await operator(store, world)
    await store.silences.begin({KEY: PACE})
    assert len(await store.silences.settle([change(sellers=["A1", "A2"])])) == 1
    assert len(await store.silences.settle([change(sellers=["A1", "A2"])])) == 0
    assert await store.silences.counts() == {"ORDER_CHANGE": SilenceCount(sellers=2)}
    told_at_ms = clock.at_ms
    clock.at_ms += 2_000
    state = (await store.silences.begin({KEY: PACE}))[KEY]
    assert state.silent_sellers == {"A1": START_MS, "A2": START_MS}
    assert state.told_at_ms == told_at_ms
    gone = replace(change(silent=False, sellers=["A1"]), event=None)
    assert len(await store.silences.settle([gone])) == 1
    assert await store.silences.counts() == {"ORDER_CHANGE": SilenceCount(sellers=1)}
    assert len(await world.rows("SELECT id FROM deliveries")) == 1


async def test_what_is_silent_is_listed_in_pages(store: Store) -> None:
    await store.silences.begin({KEY: PACE})
    await store.silences.settle([change(), change(sellers=["A1", "A2"])])
    listed = await store.silences.list()
    assert [one.seller_id for one in listed] == [None, "A1", "A2"]
    assert {one.silent_since_ms for one in listed} == {START_MS}
    assert await store.silences.list(after=listed[0].id, limit=1) == listed[1:2]
    assert await store.silences.list(after=listed[2].id) == []
    with pytest.raises(InvalidInputError):
        await store.silences.list(after="[1]")
    with pytest.raises(InvalidInputError):
        await store.silences.list(after="7")


async def test_thousands_of_sellers_are_told_at_once(store: Store) -> None:
    await store.silences.begin({KEY: PACE})
    await store.silences.settle([change(sellers=[f"A{n:05d}" for n in range(5_000)])])
    assert await store.silences.counts() == {"ORDER_CHANGE": SilenceCount(sellers=5_000)}


async def test_what_is_not_declared_any_more_is_forgotten(store: Store, clock: FakeClock) -> None:
    await store.silences.begin({KEY: PACE})
    await store.silences.settle([change(), change(sellers=["A1"])])
    assert await store.silences.begin({}) == {}
    assert await store.silences.counts() == {}
    await store.silences.begin({KEY: PACE})
    clock.at_ms += 1_000
    assert (await store.silences.begin({KEY: PACE}))[KEY].silent_sellers == {}


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_the_gauge_reads_one_row_for_each_type(store: Store, world: World) -> None:
    """Whatever number of sellers there is: the key's first column is looked up."""
    del store
    (plan,) = await world.rows(f"EXPLAIN QUERY PLAN {NEWEST_OF_TYPES.sqlite}", 200)
    assert plan[3] == "SEARCH arrivals USING PRIMARY KEY (seller_id=?)"
