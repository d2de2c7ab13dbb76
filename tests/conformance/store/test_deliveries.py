from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from gateway.endpoints import Endpoint, EndpointState
from gateway.model import DeliveryState
from gateway.store import Store
from tests.conformance.store.world import LEASE_MS, RecordedSignals, World


async def _states(world: World) -> Counter[str]:
    return Counter(str(row[0]) for row in await world.rows("SELECT state FROM deliveries"))


async def _set_state(store: Store, endpoint: Endpoint, state: EndpointState) -> None:
    await store.endpoints.update(replace(endpoint, state=state))


async def test_an_attempt_is_kept_with_its_delivery(world: World, store: Store) -> None:
    await world.endpoint()
    await world.publish(world.event())
    (claimed,) = (await world.claim_deliveries()).items
    failed = world.attempt(claimed, DeliveryState.PENDING, due_in_ms=5_000)
    await store.deliveries.settle([failed])
    claims = await world.claim_deliveries()
    assert (list(claims.items), claims.next_due_ms) == ([], world.clock.at_ms + 5_000)
    world.clock.at_ms += 5_000
    (claimed,) = (await world.claim_deliveries()).items
    assert (claimed.attempts, claimed.claims) == (1, 1)
    await store.deliveries.settle([world.attempt(claimed)])
    detail = await store.queries.delivery(claimed.id)
    assert detail.delivery.state is DeliveryState.DELIVERED
    assert (detail.delivery.attempts, detail.delivery.ended_at_ms) == (2, world.clock.at_ms)
    assert [(a.number, a.status, a.error_class) for a in detail.attempts] == [
        (1, 500, "server_error"),
        (2, 200, None),
    ]
    assert detail.attempts[0].next_due_ms == failed.due_at_ms


async def test_our_own_faults_are_not_charged(world: World, store: Store) -> None:
    await world.endpoint()
    await world.publish(world.event())
    (claimed,) = (await world.claim_deliveries()).items
    ours = world.attempt(claimed, DeliveryState.PENDING, due_in_ms=0, charged=False)
    await store.deliveries.settle([ours])
    (claimed,) = (await world.claim_deliveries()).items
    assert claimed.attempts == 0
    assert (await store.queries.endpoint_health())[0].consecutive_failures == 0


async def test_a_stale_attempt_writes_nothing(world: World, store: Store) -> None:
    await world.endpoint()
    await world.publish(world.event())
    (old,) = (await world.claim_deliveries(lease_ms=10)).items
    world.clock.at_ms += 10
    assert await store.deliveries.reap() == 1
    (new,) = (await world.claim_deliveries()).items
    stale = world.attempt(old, DeliveryState.DEAD, disable="gone")
    assert (await store.deliveries.settle([stale])).stale == {old.id}
    assert await world.rows("SELECT id FROM attempts") == []
    assert (await store.endpoints.get(old.endpoint_id)).state is EndpointState.ENABLED
    assert not (await store.deliveries.settle([world.attempt(new)])).stale
    assert (await store.deliveries.settle([world.attempt(new)])).stale == {new.id}


async def test_events_go_where_filters_say(world: World) -> None:
    everything = await world.endpoint()
    orders = await world.endpoint(events=["order.*"])
    one_seller = await world.endpoint(sellers=["A2"])
    await world.publish(world.event("order.changed", "A1"), world.event("report.ready", "A2"))
    claims = (await world.claim_deliveries()).items
    assert Counter((c.endpoint_id, c.event_type) for c in claims) == {
        (everything.id, "order.changed"): 1,
        (everything.id, "report.ready"): 1,
        (orders.id, "order.changed"): 1,
        (one_seller.id, "report.ready"): 1,
    }


async def test_a_new_filter_holds_from_the_next_event_on(world: World, store: Store) -> None:
    endpoint = await world.endpoint(events=["order.*"])
    assert (await world.publish(world.event())).deliveries == 1
    await store.endpoints.update(replace(endpoint, event_types=("report.*",)))
    assert (await world.publish(world.event())).deliveries == 0
    await store.endpoints.delete(endpoint.id)
    assert (await world.publish(world.event("report.ready"))).deliveries == 0


async def test_endpoints_take_turns(world: World) -> None:
    first = await world.endpoint(events=["a"])
    await world.publish(*[world.event("a") for _ in range(30)])
    others = [await world.endpoint(events=["b"]) for _ in range(3)]
    await world.publish(world.event("b"))
    claims = await world.claim_deliveries(8)
    served = Counter(c.endpoint_id for c in claims.items)
    assert sum(served.values()) == 8
    assert all(served[e.id] == 1 for e in others)
    assert served[first.id] == 5
    assert claims.more


async def test_room_is_asked_for_each_endpoint(world: World, store: Store) -> None:
    full, free = await world.endpoint(), await world.endpoint()
    await world.publish(*[world.event() for _ in range(5)])
    room = {full.id: 0, free.id: 3}
    claims = await store.deliveries.claim(room=room.__getitem__, limit=50, lease_ms=LEASE_MS)
    assert [c.endpoint_id for c in claims.items] == [free.id] * 3
    assert not claims.more


async def test_more_endpoints_than_one_scan_sees_all_get_their_turn(
    world: World, store: Store
) -> None:
    endpoints = [await world.endpoint() for _ in range(150)]
    await world.publish(world.event(), world.event())
    served: Counter[str] = Counter()
    for _ in range(15):
        claims = await store.deliveries.claim(room=lambda _: 4, limit=10, lease_ms=LEASE_MS)
        served.update(c.endpoint_id for c in claims.items)
    assert set(served) == {e.id for e in endpoints}


async def test_full_endpoints_dont_hide_those_behind_them(world: World, store: Store) -> None:
    endpoints = [await world.endpoint() for _ in range(140)]
    await world.publish(world.event())
    free = max(e.id for e in endpoints)
    claims = await store.deliveries.claim(
        room=lambda e: 1 if e == free else 0, limit=10, lease_ms=LEASE_MS
    )
    assert [c.endpoint_id for c in claims.items] == [free]


async def test_a_paused_endpoint_waits_and_says_until_when(world: World, store: Store) -> None:
    await world.endpoint()
    await world.publish(world.event(), world.event())
    first, second = (await world.claim_deliveries()).items
    busy = world.attempt(first, DeliveryState.PENDING, due_in_ms=0, pause_in_ms=30_000)
    await store.deliveries.settle([busy, world.attempt(second, DeliveryState.PENDING, due_in_ms=0)])
    claims = await world.claim_deliveries()
    assert (list(claims.items), claims.next_due_ms) == ([], busy.pause_endpoint_until_ms)
    world.clock.at_ms += 30_000
    assert len((await world.claim_deliveries()).items) == 2


async def test_an_earlier_pause_never_shortens_a_later_one(world: World, store: Store) -> None:
    await world.endpoint()
    await world.publish(world.event(), world.event())
    first, second = (await world.claim_deliveries()).items
    for claimed, pause_ms in ((first, 60_000), (second, 1_000)):
        again = world.attempt(claimed, DeliveryState.PENDING, due_in_ms=0, pause_in_ms=pause_ms)
        await store.deliveries.settle([again])
    (health,) = await store.queries.endpoint_health()
    assert health.paused_until_ms == world.clock.at_ms + 60_000


async def test_health_counts_failures_in_a_row(world: World, store: Store) -> None:
    await world.endpoint()
    await world.publish(*[world.event() for _ in range(4)])
    a, b, c, d = (await world.claim_deliveries()).items
    again = DeliveryState.PENDING
    await store.deliveries.settle([world.attempt(x, again, due_in_ms=1) for x in (a, b)])
    (health,) = await store.queries.endpoint_health()
    first_ms = health.first_failure_at_ms
    assert (health.consecutive_failures, first_ms) == (2, world.clock.at_ms + 5)
    world.clock.at_ms += 1_000
    await store.deliveries.settle([world.attempt(c, again, due_in_ms=1)])
    (health,) = await store.queries.endpoint_health()
    assert (health.consecutive_failures, health.first_failure_at_ms) == (3, first_ms)
    await store.deliveries.settle([world.attempt(d)])
    (health,) = await store.queries.endpoint_health()
    assert (health.consecutive_failures, health.first_failure_at_ms) == (0, None)
    assert health.last_success_at_ms == world.clock.at_ms + 5


async def test_a_success_followed_by_a_failure_in_one_batch(world: World, store: Store) -> None:
    await world.endpoint()
    await world.publish(world.event(), world.event())
    good, bad = (await world.claim_deliveries()).items
    await store.deliveries.settle(
        [world.attempt(good), world.attempt(bad, DeliveryState.PENDING, due_in_ms=1)]
    )
    (health,) = await store.queries.endpoint_health()
    assert health.consecutive_failures == 1
    assert None not in (health.first_failure_at_ms, health.last_success_at_ms)


async def test_gone_endpoints_are_disabled_and_theirs_held(
    world: World, store: Store, signals: RecordedSignals
) -> None:
    endpoint = await world.endpoint()
    version = await store.endpoints.version()
    await world.publish(world.event(), world.event())
    first, second = (await world.claim_deliveries()).items
    gone = world.attempt(first, DeliveryState.HELD, disable="410 Gone")
    signals.topics.clear()
    await store.deliveries.settle([gone, world.attempt(second, DeliveryState.PENDING, due_in_ms=0)])
    stored = await store.endpoints.get(endpoint.id)
    assert (stored.state, stored.disabled_reason) == (EndpointState.DISABLED, "410 Gone")
    assert await store.endpoints.version() != version
    assert "endpoints" in signals.topics
    assert (await world.claim_deliveries()).items == []
    assert await store.deliveries.hold_disabled(10) == 1
    assert await _states(world) == {"held": 2}
    assert (await world.publish(world.event())).deliveries == 1
    assert await _states(world) == {"held": 3}
    assert await store.deliveries.hold_disabled(10) == 0


async def test_what_was_held_goes_out_once_the_endpoint_is_enabled(
    world: World, store: Store
) -> None:
    endpoint = await world.endpoint()
    await _set_state(store, endpoint, EndpointState.DISABLED)
    await world.publish(*[world.event() for _ in range(5)])
    await _set_state(store, endpoint, EndpointState.ENABLED)
    assert [await store.deliveries.hold_disabled(2) for _ in range(4)] == [2, 2, 1, 0]
    assert len((await world.claim_deliveries()).items) == 5


async def test_deliveries_of_a_deleted_endpoint_are_cancelled(world: World, store: Store) -> None:
    endpoint, other = await world.endpoint(), await world.endpoint()
    await world.publish(world.event())
    await store.endpoints.delete(endpoint.id)
    assert [c.endpoint_id for c in (await world.claim_deliveries()).items] == [other.id]
    assert await store.deliveries.hold_disabled() == 1
    assert await _states(world) == {"cancelled": 1, "leased": 1}


async def test_what_kills_the_process_five_times_is_held(world: World, store: Store) -> None:
    await world.endpoint()
    await world.publish(world.event())
    for number in range(1, 6):
        (claimed,) = (await world.claim_deliveries(lease_ms=10)).items
        assert claimed.claims == number
        world.clock.at_ms += 5_000
        assert await store.deliveries.reap() == 1
    assert await _states(world) == {"held": 1}
    assert await store.deliveries.hold_disabled() == 0
    assert (await world.claim_deliveries()).items == []


async def test_what_died_with_the_culprit_is_delivered(world: World, store: Store) -> None:
    await world.endpoint()
    await world.publish(*(world.event() for _ in range(20)))
    culprit: str | None = None
    for _ in range(60):
        world.clock.at_ms += 5_000
        claimed = (await world.claim_deliveries(lease_ms=10)).items
        culprit = culprit or claimed[7].id
        if any(one.id == culprit for one in claimed):
            world.clock.at_ms += 10
            assert await store.deliveries.reap() == len(claimed)
        else:
            await store.deliveries.settle([world.attempt(one) for one in claimed])
    assert await _states(world) == {"held": 1, "delivered": 19}


async def test_release_and_extend(world: World, store: Store) -> None:
    await world.endpoint()
    await world.publish(world.event(), world.event())
    first, second = (await world.claim_deliveries(lease_ms=1_000)).items
    await store.deliveries.release([first])
    world.clock.at_ms += 500
    assert await store.deliveries.extend([first, second], lease_ms=1_000) == {first.id}
    world.clock.at_ms += 700
    assert await store.deliveries.reap() == 0
    (again,) = (await world.claim_deliveries()).items
    assert (again.id, again.claims) == (first.id, 1)
    assert await store.deliveries.release_all() == 2


@pytest.mark.parametrize("state", [DeliveryState.DEAD, DeliveryState.DELIVERED])
async def test_an_end_is_final(world: World, store: Store, state: DeliveryState) -> None:
    await world.endpoint()
    await world.publish(world.event())
    (claimed,) = (await world.claim_deliveries()).items
    await store.deliveries.settle([world.attempt(claimed, state)])
    world.clock.at_ms += 10**9
    assert await store.deliveries.reap() == 0
    assert (await world.claim_deliveries()).items == []
    assert await _states(world) == {state.value: 1}


async def test_ten_thousand_overdue_of_one_endpoint_take_no_turn_of_the_others(
    world: World, store: Store
) -> None:
    behind = await world.endpoint(events=["behind"])
    others = [await world.endpoint(events=["order.*"]) for _ in range(30)]
    await world.publish(world.event("behind"))
    (event_id,) = (await world.rows("SELECT id FROM events"))[0]
    await world.change(
        """
        INSERT INTO deliveries
          (id, event_id, endpoint_id, state, readiness, due_at_ms, created_at_ms)
        SELECT 'dlv_' || (a.n * 100 + b.n), $1, $2, 'pending', 2, 1, 1
        FROM (WITH RECURSIVE s(n) AS (SELECT 100 UNION ALL SELECT n + 1 FROM s WHERE n < 199)
              SELECT n FROM s) AS a
        CROSS JOIN (WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < 99)
              SELECT n FROM s) AS b
        """,
        event_id,
        behind.id,
    )
    await world.publish(*[world.event() for _ in range(2)])
    claims = await world.claim_deliveries(limit=62, room=1000)
    of = Counter(claimed.endpoint_id for claimed in claims.items)
    assert all(of[other.id] == 2 for other in others)
    assert of[behind.id] == 2
