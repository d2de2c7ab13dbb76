from __future__ import annotations

import pytest

from gateway.model import Claims, HandlingState, Owed
from gateway.store import Store
from tests.conformance.store.world import HANDLER, LEASE_MS, RecordedSignals, World

LIVED_MS = 5_000  # for so long a process must have lived to be believed


async def _states(world: World) -> list[str]:
    return sorted(str(row[0]) for row in await world.rows("SELECT state FROM handlings"))


async def test_first_in_first_out_within_a_seller(world: World) -> None:
    ids = []
    for _ in range(5):
        arrival = world.arrival()
        await world.accept(arrival)
        ids.append(arrival.id)
    assert [c.notification.id for c in (await world.claim(3)).items] == ids[:3]
    assert [c.notification.id for c in (await world.claim(3)).items] == ids[3:]


async def test_room_and_limit_bound_a_claim(world: World, store: Store) -> None:
    owed = [Owed(handler="a"), Owed(handler="b"), Owed(handler="c")]
    await world.accept(*[world.arrival(owed=owed) for _ in range(4)])
    claims = await store.handlings.claim(room={"a": 2, "b": 0}, limit=10, lease_ms=LEASE_MS)
    assert [c.handler for c in claims.items] == ["a", "a"]
    claims = await store.handlings.claim(room={"a": 9, "c": 9}, limit=3, lease_ms=LEASE_MS)
    assert len(claims.items) == 3
    assert claims.more
    assert (await store.handlings.claim(room={}, limit=3, lease_ms=LEASE_MS)).items == []


async def test_handlers_take_turns_where_the_limit_is_short(world: World, store: Store) -> None:
    owed = [Owed(handler="a"), Owed(handler="b"), Owed(handler="c")]
    await world.accept(*[world.arrival(owed=owed) for _ in range(2)])
    served = []
    for _ in range(6):
        room = dict.fromkeys("abc", 9)
        claims = await store.handlings.claim(room=room, limit=1, lease_ms=LEASE_MS)
        served += [c.handler for c in claims.items]
    assert sorted(served[:3]) == ["a", "b", "c"]
    assert sorted(served) == sorted("aabbcc")


async def test_sellers_take_turns(world: World) -> None:
    await world.accept(*[world.arrival(seller="big") for _ in range(50)])
    await world.accept(*[world.arrival(seller=f"s{n}") for n in range(5)])
    first = [c.notification.seller_id for c in (await world.claim(12)).items]
    assert len(first) == 12
    assert {f"s{n}" for n in range(5)} < set(first)


async def test_a_seller_alone_fills_the_room(world: World) -> None:
    await world.accept(*[world.arrival(seller="big") for _ in range(50)])
    assert len((await world.claim(40)).items) == 40


async def test_more_sellers_than_places_all_get_their_turn(world: World) -> None:
    for _ in range(2):
        await world.accept(*[world.arrival(seller=f"s{n:03}") for n in range(150)])
    served: list[str | None] = []
    for _ in range(15):
        claims = await world.claim(10)
        assert len(claims.items) == 10
        served += [c.notification.seller_id for c in claims.items]
    assert len(set(served)) == 150


async def test_an_idle_claim_says_when_to_come_back(world: World) -> None:
    assert await world.claim() == Claims(items=[])
    await world.accept(world.arrival())
    (claimed,) = (await world.claim()).items
    await world.settle(world.result(claimed, HandlingState.PENDING, due_in_ms=700))
    claims = await world.claim()
    assert (list(claims.items), claims.next_due_ms) == ([], world.clock.at_ms + 700)
    assert not claims.more


async def test_what_a_run_leaves_comes_back_with_the_next(world: World) -> None:
    await world.accept(world.arrival())
    (claimed,) = (await world.claim()).items
    later = world.result(
        claimed, HandlingState.PENDING, due_in_ms=0, saved_state=b"{}", slot="bucket", tries=2
    )
    await world.settle(later)
    (claimed,) = (await world.claim()).items
    assert (claimed.saved_state, claimed.slot, claimed.tries, claimed.claims) == (
        b"{}",
        "bucket",
        2,
        1,
    )
    await world.settle(world.result(claimed, HandlingState.PENDING, due_in_ms=0))
    (claimed,) = (await world.claim()).items
    assert (claimed.saved_state, claimed.slot) == (None, None)


@pytest.mark.parametrize(
    "state",
    [
        HandlingState.HANDLED,
        HandlingState.SKIPPED,
        HandlingState.DUPLICATE,
        HandlingState.DEAD,
    ],
)
async def test_an_end_is_final(world: World, state: HandlingState) -> None:
    await world.accept(world.arrival())
    (claimed,) = (await world.claim()).items
    ended = world.result(claimed, state, error="why")
    assert not (await world.settle(ended)).stale
    assert (await world.settle(ended)).stale == {claimed.id}
    assert (await world.claim()).items == []
    rows = await world.rows("SELECT state, error, ended_at_ms FROM handlings")
    assert rows == [(state.value, "why", world.clock.at_ms)]


async def test_a_stale_result_writes_nothing(world: World) -> None:
    await world.endpoint()
    await world.accept(world.arrival())
    (old,) = (await world.claim(lease_ms=1_000)).items
    world.clock.at_ms += 1_000
    assert await world.store.handlings.reap() == 1
    (new,) = (await world.claim()).items
    assert (new.id, new.claims) == (old.id, 2)
    settled = await world.settle(world.result(old, events=[world.event()]))
    assert (settled.stale, settled.events, settled.deliveries) == ({old.id}, 0, 0)
    for table in ("events", "deliveries"):
        assert await world.rows(f"SELECT id FROM {table}") == []
    assert not (await world.settle(world.result(new, events=[world.event()]))).stale
    assert await _states(world) == ["handled"]


async def test_only_the_stale_ones_of_a_batch_are_dropped(world: World) -> None:
    await world.accept(world.arrival(), world.arrival())
    mine, lost = (await world.claim(lease_ms=1_000)).items
    await world.store.handlings.extend([mine], lease_ms=5_000)
    world.clock.at_ms += 1_000
    assert await world.store.handlings.reap() == 1
    settled = await world.settle(world.result(lost), world.result(mine))
    assert settled.stale == {lost.id}
    assert await _states(world) == ["handled", "pending"]


async def test_release_gives_back_without_counting(world: World, signals: RecordedSignals) -> None:
    await world.accept(world.arrival())
    claims = (await world.claim()).items
    signals.topics.clear()
    await world.store.handlings.release(claims)
    assert signals.topics == ["handlings"]
    (again,) = (await world.claim()).items
    assert again.claims == 1
    await world.store.handlings.release(claims)
    assert (await world.claim()).items == []


async def test_extend_keeps_a_lease_alive(world: World) -> None:
    await world.accept(world.arrival(), world.arrival())
    kept, lost = (await world.claim(lease_ms=1_000)).items
    world.clock.at_ms += 900
    assert await world.store.handlings.extend([kept], lease_ms=1_000) == frozenset()
    world.clock.at_ms += 900
    assert await world.store.handlings.reap() == 1
    assert await world.store.handlings.extend([kept, lost], lease_ms=1_000) == {lost.id}
    assert not (await world.settle(world.result(kept))).stale


async def test_what_kills_the_process_five_times_is_buried(world: World) -> None:
    await world.keyed("k", coalesce=False)
    await world.keyed("k", coalesce=False)
    for number in range(1, 6):
        (claimed,) = (await world.claim(lease_ms=10)).items
        assert claimed.claims == number
        world.clock.at_ms += LIVED_MS
        assert await world.store.handlings.reap() == 1
    assert await _states(world) == ["dead", "pending"]
    ((error,),) = await world.rows("SELECT error FROM handlings WHERE state = 'dead'")
    assert "5 times" in str(error)
    (after,) = (await world.claim()).items
    assert after.id != claimed.id


async def test_a_recorded_result_forgets_earlier_claims(world: World) -> None:
    await world.accept(world.arrival())
    for _ in range(7):
        (claimed,) = (await world.claim(lease_ms=10)).items
        await world.settle(world.result(claimed, HandlingState.PENDING, due_in_ms=0))
    assert claimed.claims == 1


async def test_release_all_frees_the_leases_of_a_dead_process(world: World) -> None:
    await world.accept(world.arrival(), world.arrival())
    assert len((await world.claim()).items) == 2
    assert await world.store.handlings.release_all() == 2
    assert [c.claims for c in (await world.claim()).items] == [2, 2]


async def test_release_all_buries_what_killed_the_process(world: World) -> None:
    await world.accept(world.arrival())
    for _ in range(5):
        world.clock.at_ms += LIVED_MS
        assert len((await world.claim()).items) == 1
        await world.store.handlings.release_all()
    assert await _states(world) == ["dead"]


async def test_what_died_with_the_culprit_ends_well(world: World) -> None:
    await world.accept(*(world.arrival() for _ in range(20)))
    culprit: str | None = None
    for _ in range(60):
        world.clock.at_ms += LIVED_MS
        claimed = (await world.claim(lease_ms=10)).items
        culprit = culprit or claimed[7].id
        if any(one.id == culprit for one in claimed):
            world.clock.at_ms += 10
            assert await world.store.handlings.reap() == len(claimed)
        else:
            await world.settle(*(world.result(one) for one in claimed))
    assert sorted(await _states(world)) == ["dead", *["handled"] * 19]


async def test_processes_that_die_young_blame_nobody(world: World) -> None:
    await world.accept(*(world.arrival() for _ in range(3)))
    for _ in range(20):
        await world.claim(lease_ms=10)
        world.clock.at_ms += 10
        await world.store.handlings.reap()
    assert await _states(world) == ["pending"] * 3
    rows = await world.rows("SELECT claims FROM handlings")
    assert [claims for (claims,) in rows] == [2, 2, 2]


async def test_a_suspect_that_is_given_back_stays_one(world: World) -> None:
    await world.accept(world.arrival())
    for _ in range(2):
        await world.claim(lease_ms=10)
        world.clock.at_ms += LIVED_MS
        await world.store.handlings.reap()
    (alone,) = (await world.claim()).items
    await world.store.handlings.release([alone])
    assert await world.rows("SELECT claims, readiness FROM handlings") == [(2, 3)]
    (again,) = (await world.claim()).items
    assert again.id == alone.id


async def test_events_deliveries_and_state_stand_or_fall_together(world: World) -> None:
    await world.endpoint()
    await world.accept(world.arrival())
    (claimed,) = (await world.claim()).items
    twice = world.event()
    with pytest.raises(Exception, match=r"(?i)unique"):
        await world.settle(world.result(claimed, events=[twice, twice]))
    assert await _states(world) == ["leased"]
    assert await world.rows("SELECT id FROM events") == []
    assert await world.rows("SELECT id FROM deliveries") == []
    assert not (await world.settle(world.result(claimed, events=[twice]))).stale


async def test_signals_come_with_new_work(world: World, signals: RecordedSignals) -> None:
    await world.accept(world.arrival(), world.arrival())
    assert signals.topics == ["handlings"]
    await world.accept(world.arrival(owed=()))
    first, second = (await world.claim()).items
    assert signals.topics == ["handlings"]
    await world.settle(world.result(first))
    assert signals.topics == ["handlings"]
    await world.settle(world.result(second, HandlingState.PENDING, due_in_ms=5))
    assert signals.topics == ["handlings", "handlings"]


async def test_an_unknown_handler_stays_where_it_is(world: World) -> None:
    await world.accept(world.arrival(owed=[Owed(handler="gone"), Owed(handler=HANDLER)]))
    assert [c.handler for c in (await world.claim()).items] == [HANDLER]
    assert await _states(world) == ["leased", "pending"]
