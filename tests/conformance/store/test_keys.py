from __future__ import annotations

from gateway.model import HandlingState, Owed
from gateway.store import Store
from tests.conformance.store.world import HANDLER, START_MS, World


async def _count(world: World, state: str) -> int:
    ((count,),) = await world.rows(f"SELECT count(*) FROM handlings WHERE state = '{state}'")
    return int(str(count))


async def test_one_at_a_time_in_the_order_of_events(world: World) -> None:
    ids = [await world.keyed("k", coalesce=False, at=n) for n in (5, 9, 7)]
    order = []
    while claims := (await world.claim()).items:
        (claimed,) = claims
        order.append(claimed.notification.id)
        await world.settle(world.result(claimed))
    assert order == [ids[0], ids[2], ids[1]]


async def test_keys_are_apart_by_seller_and_handler(world: World) -> None:
    await world.keyed("k", seller="A1")
    await world.keyed("k", seller="A2")
    await world.keyed("other", seller="A1")
    assert len((await world.claim()).items) == 3


async def test_a_batch_orders_its_own(world: World) -> None:
    owed = [Owed(handler=HANDLER, key="k")]
    late = world.arrival(owed=owed, event_time_ms=START_MS + 9)
    early = world.arrival(owed=owed, event_time_ms=START_MS + 1)
    await world.accept(late, early)
    (claimed,) = (await world.claim()).items
    assert claimed.notification.id == early.id
    await world.settle(world.result(claimed, HandlingState.DEAD))
    assert [c.notification.id for c in (await world.claim()).items] == [late.id]


async def test_a_retry_keeps_its_place(world: World) -> None:
    first = await world.keyed("k", coalesce=False, at=5)
    await world.keyed("k", coalesce=False, at=1)
    (claimed,) = (await world.claim()).items
    await world.settle(world.result(claimed, HandlingState.PENDING, due_in_ms=100, tries=1))
    assert (await world.claim()).items == []
    world.clock.at_ms += 100
    assert [c.notification.id for c in (await world.claim()).items] == [first]


async def test_twenty_changes_cost_one_run(world: World) -> None:
    ids = [await world.keyed("k", at=n) for n in range(20)]
    (claimed,) = (await world.claim()).items
    assert claimed.notification.id == ids[-1]
    assert await _count(world, "coalesced") == 19
    rows = await world.rows("SELECT DISTINCT coalesced_into FROM handlings WHERE state='coalesced'")
    assert rows == [(claimed.id,)]
    await world.settle(world.result(claimed))
    assert (await world.claim()).items == []


async def test_what_a_handling_took_along_is_found_over_every_step(
    world: World, store: Store
) -> None:
    early = [await world.keyed("k", at=n) for n in (1, 2, 3)]
    (claimed,) = (await world.claim()).items
    await world.settle(world.result(claimed, HandlingState.PENDING, due_in_ms=100))
    late = [await world.keyed("k", at=n) for n in (9, 8)]
    alone = await world.keyed("other", at=7)
    world.clock.at_ms += 100
    claims = {one.notification.id: one for one in (await world.claim()).items}
    assert claims.keys() == {late[0], alone}

    ids = await store.coalesced.taken_along(claims[late[0]].id)
    assert ids == [late[1], *reversed(early)]
    assert await store.coalesced.taken_along(claims[alone].id) == []
    found = await store.coalesced.notifications(["ntf_gone", *ids])
    assert [one.id for one in found] == ids
    assert await store.coalesced.notifications([]) == []


async def test_those_that_come_during_a_run_collapse_behind_it(world: World) -> None:
    await world.keyed("k", at=1)
    (running,) = (await world.claim()).items
    ids = [await world.keyed("k", at=n) for n in (3, 9, 4)]
    assert (await world.claim()).items == []
    await world.settle(world.result(running))
    (claimed,) = (await world.claim()).items
    assert claimed.notification.id == ids[1]
    assert await _count(world, "coalesced") == 2


async def test_an_older_event_never_replaces_a_newer_head(world: World) -> None:
    newest = await world.keyed("k", at=9)
    await world.keyed("k", at=3)
    (claimed,) = (await world.claim()).items
    assert claimed.notification.id == newest


async def test_the_survivor_inherits_the_promised_slot(world: World) -> None:
    await world.keyed("k", at=1)
    (claimed,) = (await world.claim()).items
    await world.settle(world.result(claimed, HandlingState.PENDING, due_in_ms=100, slot="bucket"))
    newer = await world.keyed("k", at=2)
    assert (await world.claim()).items == []
    world.clock.at_ms += 100
    (survivor,) = (await world.claim()).items
    assert (survivor.notification.id, survivor.slot, survivor.claims) == (newer, "bucket", 1)


async def test_a_later_in_progress_finishes_first(world: World) -> None:
    first = await world.keyed("k", at=1)
    (claimed,) = (await world.claim()).items
    later = world.result(claimed, HandlingState.PENDING, due_in_ms=0, saved_state=b"{}")
    await world.settle(later)
    newer = await world.keyed("k", at=2)
    (claimed,) = (await world.claim()).items
    assert claimed.notification.id == first
    assert await _count(world, "coalesced") == 0
    await world.settle(world.result(claimed))
    assert [c.notification.id for c in (await world.claim()).items] == [newer]


async def test_those_that_dont_coalesce_are_never_collapsed(world: World, store: Store) -> None:
    await world.keyed("k", at=1, coalesce=True)
    await world.keyed("k", at=2, coalesce=False)
    await world.keyed("k", at=3, coalesce=True)
    (claimed,) = (await world.claim()).items
    assert await _count(world, "coalesced") == 1
    await world.settle(world.result(claimed))
    assert len((await world.claim()).items) == 1
    assert (await store.queries.counts()).handlings.parked == 0


async def test_a_released_head_stays_the_head(world: World) -> None:
    await world.keyed("k", coalesce=False, at=2)
    await world.keyed("k", coalesce=False, at=1)
    claims = (await world.claim()).items
    await world.store.handlings.release(claims)
    assert [c.id for c in (await world.claim()).items] == [c.id for c in claims]


async def test_without_an_event_time_the_receipt_counts(world: World) -> None:
    owed = [Owed(handler=HANDLER, key="k", coalesce=True)]
    await world.accept(world.arrival(owed=owed))
    last = world.arrival(owed=owed)
    await world.accept(last)
    assert [c.notification.id for c in (await world.claim()).items] == [last.id]
