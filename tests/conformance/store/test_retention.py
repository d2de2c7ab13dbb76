from __future__ import annotations

import pytest

from gateway.model import DeliveryState, HandlingState
from gateway.operations import first_id
from gateway.retention.rules import DAY_MS, rules
from gateway.store import Store
from gateway.store.retention import Walked
from gateway.store.retention_sql import Walk
from tests.conformance.store.world import World
from tests.support.retention import KEPT


async def _walk(store: Store, walk: Walk, before: str, limit: int = 2) -> int:
    """Take a walk to its end, what it left included, and return how many rows it did."""
    done, after = 0, ""
    while (again := await store.retention.look_again(walk, after, limit)).looked:
        done, after = done + again.done, again.last
    while (step := await store.retention.step(walk, before, limit)).looked:
        done += step.done
    return done


async def _run(world: World, store: Store) -> dict[Walk, int]:
    found = {
        rule.walk: await _walk(store, rule.walk, rule.before)
        for rule in rules(KEPT, world.clock.at_ms)
    }
    return {walk: rows for walk, rows in found.items() if rows}


async def _delivered(world: World) -> None:
    """Bring one notification all the way."""
    await world.publish(world.event())
    (delivery,) = (await world.claim_deliveries()).items
    await world.store.deliveries.settle([world.attempt(delivery)])


async def test_what_is_old_is_emptied_and_its_rows_go_later(world: World, store: Store) -> None:
    await world.endpoint()
    for _ in range(5):
        await _delivered(world)
    assert await _run(world, store) == {}
    world.clock.at_ms += 31 * DAY_MS
    await _delivered(world)
    assert await _run(world, store) == {Walk.MESSAGES: 5, Walk.PAYLOADS: 5, Walk.ATTEMPTS: 5}
    assert await _run(world, store) == {}
    sizes = "SELECT length(body) > 0, count(*) FROM {} GROUP BY 1 ORDER BY 2"
    for table in ("notifications", "events"):
        assert [row[1] for row in await world.rows(sizes.format(table))] == [1, 5]
    world.clock.at_ms += 60 * DAY_MS
    gone = await _run(world, store)
    assert {walk: rows for walk, rows in gone.items() if rows == 5} == {
        Walk.DELIVERIES: 5,
        Walk.EVENTS: 5,
        Walk.HANDLINGS: 5,
        Walk.NOTIFICATIONS: 5,
    }
    for table in ("notifications", "handlings", "events", "deliveries"):
        assert (await world.rows(f"SELECT count(*) FROM {table}"))[0][0] == 1


async def test_what_has_not_ended_stays_until_it_has(world: World, store: Store) -> None:
    await world.endpoint()
    await world.publish(world.event())
    await world.accept(world.arrival())
    world.clock.at_ms += 200 * DAY_MS
    # That of the event has been handled, and the event needs it no more.
    handled = {Walk.MESSAGES: 1, Walk.HANDLINGS: 1, Walk.NOTIFICATIONS: 1}
    assert await _run(world, store) == handled
    (due,) = (await world.claim_deliveries()).items
    assert due.body == b'{"type":"order.changed"}'
    (owed,) = (await world.claim()).items
    assert owed.notification.body == b'{"n":1}'
    assert await _run(world, store) == {}
    await store.deliveries.settle([world.attempt(due, DeliveryState.DEAD)])
    await world.settle(world.result(owed, HandlingState.DEAD, error="x"))
    assert await _run(world, store) == {
        **handled,
        Walk.PAYLOADS: 1,
        Walk.DELIVERIES: 1,
        Walk.EVENTS: 1,
    }
    for table in ("notifications", "handlings", "events", "deliveries", "retention_left"):
        assert (await world.rows(f"SELECT count(*) FROM {table}"))[0][0] == 0


async def test_a_repeated_notification_is_known_while_its_row_stays(
    world: World, store: Store
) -> None:
    await world.accept(world.arrival("same", owed=[]))
    world.clock.at_ms += 59 * DAY_MS
    assert await _run(world, store) == {Walk.MESSAGES: 1}
    await world.accept(world.arrival("same"))
    assert (await world.rows("SELECT count(*) FROM handlings"))[0][0] == 0


async def test_receipts_go_with_their_notification(world: World, store: Store) -> None:
    for _ in range(3):
        await world.accept(world.arrival("old", owed=[]))
    world.clock.at_ms += 100 * DAY_MS
    for _ in range(2):
        await world.accept(world.arrival("young", owed=[]))
    assert (await world.rows("SELECT count(*) FROM receipts"))[0][0] == 3
    await _run(world, store)
    young = await world.rows("SELECT id FROM notifications")
    assert await world.rows("SELECT notification_id FROM receipts") == young


async def test_a_plan_says_what_a_run_does(world: World, store: Store) -> None:
    await world.endpoint()
    for _ in range(3):
        await _delivered(world)
    await world.accept(world.arrival())
    world.clock.at_ms += 31 * DAY_MS
    before = first_id("ntf", world.clock.at_ms - 30 * DAY_MS)
    ahead = await store.retention.ahead(Walk.MESSAGES, before)
    assert (ahead.rows, ahead.bytes, ahead.kept) == (3, 21, 1)
    assert await _walk(store, Walk.MESSAGES, before) == 3
    after = await store.retention.ahead(Walk.MESSAGES, before)
    assert (after.rows, after.kept, after.oldest_id) == (0, 1, None)


async def test_types_that_are_spared_are_passed_by(world: World, store: Store) -> None:
    await world.accept(world.arrival(owed=[]))
    before = first_id("ntf", world.clock.at_ms + 1)
    spared = frozenset({"ORDER_CHANGE"})
    walked = await store.retention.step(Walk.PERSONAL_MESSAGES, before, 10, spared=spared)
    assert (walked.looked, walked.done) == (1, 0)
    assert await _walk(store, Walk.MESSAGES, before) == 1


async def test_what_is_put_back_is_met_again(world: World, store: Store) -> None:
    await world.accept(*[world.arrival(owed=[]) for _ in range(3)])
    ((second,),) = await world.rows("SELECT id FROM notifications ORDER BY id LIMIT 1 OFFSET 1")
    archived = await store.archiving.whole([str(second)])
    await world.change("DELETE FROM notifications WHERE id = $1", second)
    assert await _walk(store, Walk.MESSAGES, "ntf_f") == 2
    assert await store.archiving.restore(archived) == 1
    assert await _walk(store, Walk.MESSAGES, "ntf_f") == 1


async def test_quarantine_and_log_go_as_well(world: World, store: Store) -> None:
    await world.accept(world.unreadable())
    world.clock.at_ms += 31 * DAY_MS
    assert await _run(world, store) == {Walk.QUARANTINE: 1}


async def test_what_is_kept_is_counted(world: World, store: Store) -> None:
    await world.endpoint()
    first_ms = world.clock.at_ms + 1
    for _ in range(3):
        await _delivered(world)
    size = await store.retention.measure(Walk.MESSAGES)
    assert (size.rows, size.bytes, size.oldest_ms) == (3, 21, first_ms)
    await _walk(store, Walk.MESSAGES, first_id("ntf", world.clock.at_ms + 1))
    size = await store.retention.measure(Walk.MESSAGES)
    assert (size.rows, size.oldest_ms) == (0, None)
    assert await store.retention.sizes() == [size]
    assert (await store.retention.measure(Walk.DELIVERIES)).rows == 3
    assert (await store.space.size()).bytes > 0


async def test_one_run_goes_on_at_a_time(world: World, store: Store) -> None:
    runs = store.retention
    now_ms = world.clock.at_ms
    assert await runs.begin(1, lease_ms=1_000, ended_before_ms=now_ms)
    assert not await runs.begin(2, lease_ms=1_000, ended_before_ms=now_ms)
    assert await runs.renew(1, lease_ms=1_000)
    world.clock.at_ms += 1_001
    assert await runs.begin(2, lease_ms=1_000, ended_before_ms=now_ms)
    assert not await runs.renew(1, lease_ms=1_000)
    await runs.end(1, whole=True)
    assert await runs.renew(2, lease_ms=1_000)
    await runs.end(2, whole=True)
    assert not await runs.begin(1, lease_ms=1_000, ended_before_ms=now_ms)
    assert await runs.begin(1, lease_ms=1_000, ended_before_ms=world.clock.at_ms)


async def test_a_step_with_nothing_to_do_says_so(store: Store) -> None:
    walked = await store.retention.step(Walk.EVENTS, "evt_f", 10)
    assert walked == Walked(looked=0, done=0, last="")


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_a_sqlite_file_gives_space_back(world: World, store: Store) -> None:
    arrivals = [world.arrival(owed=[], body=b"x" * 20_000) for _ in range(200)]
    await world.accept(*arrivals)
    full = (await store.space.size()).bytes
    await _walk(store, Walk.MESSAGES, "ntf_f", limit=500)
    while await store.space.give_back(64):
        pass
    assert (await store.space.size()).bytes < full - 3_000_000


@pytest.mark.postgres
@pytest.mark.parametrize("url", ["postgres"], indirect=True)
async def test_postgres_uses_the_space_of_what_went_again(world: World, store: Store) -> None:
    """Without a vacuum in between each round would need space of its own."""
    sizes = []
    for _ in range(4):
        await world.accept(*[world.arrival(owed=[], body=b"x" * 1_000) for _ in range(1_000)])
        for walk in (Walk.MESSAGES, Walk.NOTIFICATIONS):
            await store.retention.rewind(walk)
            await _walk(store, walk, "ntf_f", limit=500)
        await store.space.scrub(rewrite=False)
        ((size,),) = await world.rows("SELECT pg_relation_size('notifications')")
        sizes.append(int(str(size)))
    assert sizes[-1] <= 1.25 * max(sizes[0], 1_000_000), sizes


@pytest.mark.postgres
@pytest.mark.parametrize("url", ["postgres"], indirect=True)
async def test_postgres_vacuums_hot_tables_sooner(world: World) -> None:
    rows = await world.rows(
        "SELECT relname::text FROM pg_class"
        " WHERE array_to_string(reloptions, ',') LIKE '%autovacuum_vacuum_scale_factor=0.01%'"
    )
    assert {row[0] for row in rows} == {
        "notifications",
        "handlings",
        "events",
        "deliveries",
        "attempts",
    }
