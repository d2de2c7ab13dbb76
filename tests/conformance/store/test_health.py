"""Breaker, pauses, rates, early warnings and giving up, kept by the store."""

from __future__ import annotations

import dataclasses
import json

import pytest

from gateway.breaker import HealthRules
from gateway.endpoints import Endpoint, EndpointState
from gateway.model import ClaimedDelivery, DeliveryState
from gateway.operational import OperationalEvent
from tests.conformance.store.world import World

RULES = HealthRules()
DAY_MS = 86_400_000


async def owed(world: World, count: int, **fields: object) -> Endpoint:
    endpoint = await world.endpoint(events=["order.*"])
    if fields:
        endpoint = dataclasses.replace(endpoint, **fields)  # type: ignore[arg-type]
        await world.store.endpoints.update(endpoint)
    await world.publish(*[world.event() for _ in range(count)])
    return endpoint


async def fail(world: World, *claimed: ClaimedDelivery, due_in_ms: int = 1000) -> None:
    results = [
        dataclasses.replace(
            world.attempt(one, DeliveryState.PENDING, due_in_ms=due_in_ms), probe=one.probe
        )
        for one in claimed
    ]
    await world.store.deliveries.settle(results)


async def claimed(world: World, **wanted: int) -> list[ClaimedDelivery]:
    return list((await world.claim_deliveries(**wanted)).items)


async def opened(world: World, count: int = 12, **fields: object) -> Endpoint:
    """An endpoint whose breaker ten failures in a row have opened."""
    endpoint = await owed(world, count, **fields)
    for one in await claimed(world, limit=10):
        await fail(world, one)
    return endpoint


async def health(world: World, endpoint: Endpoint):
    of = {one.endpoint_id: one for one in await world.store.queries.endpoint_health()}
    return of[endpoint.id]


async def test_ten_failures_open_the_breaker_and_one_probe_goes_through(world: World) -> None:
    endpoint = await opened(world)
    found = await health(world, endpoint)
    assert (found.consecutive_failures, found.openings) == (10, 1)
    claims = await world.claim_deliveries()
    assert claims.items == []
    assert claims.next_due_ms is not None
    world.clock.at_ms = found.open_until_ms
    (probe,) = await claimed(world)
    assert probe.probe
    # Nobody else gets one while the probe is out.
    assert await claimed(world) == []


async def test_failed_probes_double_the_wait_up_to_an_hour(world: World) -> None:
    endpoint = await opened(world)
    waits_s = []
    for _ in range(10):
        found = await health(world, endpoint)
        waits_s.append((found.open_until_ms - world.clock.at_ms) / 1000)
        world.clock.at_ms = found.open_until_ms
        (probe,) = await claimed(world)
        await fail(world, probe)
    assert [round(wait) for wait in waits_s] == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


async def test_a_success_closes_it_and_everything_flows(world: World) -> None:
    endpoint = await opened(world, 30)
    world.clock.at_ms = (await health(world, endpoint)).open_until_ms
    (probe,) = await claimed(world)
    await world.store.deliveries.settle(
        [dataclasses.replace(world.attempt(probe), probe=probe.probe)]
    )
    found = await health(world, endpoint)
    assert (found.consecutive_failures, found.open_until_ms, found.openings) == (0, None, 0)
    assert len(await claimed(world)) == 29


async def test_a_probe_that_met_a_fault_of_ours_says_nothing(world: World) -> None:
    endpoint = await opened(world)
    world.clock.at_ms = (await health(world, endpoint)).open_until_ms
    (probe,) = await claimed(world)
    result = world.attempt(probe, DeliveryState.PENDING, due_in_ms=1000, charged=False)
    await world.store.deliveries.settle([dataclasses.replace(result, probe=True)])
    found = await health(world, endpoint)
    assert (found.consecutive_failures, found.openings) == (10, 1)
    assert found.open_until_ms > world.clock.at_ms


async def test_faults_of_ours_never_open_it(world: World) -> None:
    endpoint = await owed(world, 30)
    for one in await claimed(world):
        result = world.attempt(one, DeliveryState.PENDING, due_in_ms=1000, charged=False)
        await world.store.deliveries.settle([result])
    found = await health(world, endpoint)
    assert (found.consecutive_failures, found.open_until_ms) == (0, None)


async def test_time_behind_an_open_breaker_burns_no_attempt(world: World) -> None:
    endpoint = await owed(world, 50)
    for one in await claimed(world, limit=10):
        await fail(world, one, due_in_ms=10 * DAY_MS)
    for _ in range(5):
        world.clock.at_ms = (await health(world, endpoint)).open_until_ms
        (probe,) = await claimed(world)
        await fail(world, probe, due_in_ms=10 * DAY_MS)
    made = await world.rows("SELECT sum(attempts), max(attempts), max(claims) FROM deliveries")
    assert made == [(15, 1, 0)]


async def test_an_endpoint_that_fails_for_days_is_warned_of_and_given_up(world: World) -> None:
    watcher = await world.endpoint(events=["endpoint.*"])
    await world.store.endpoints.update(dataclasses.replace(watcher, operator=True))
    endpoint = await opened(world, 400)
    first_ms = (await health(world, endpoint)).first_failure_at_ms
    while (await world.store.endpoints.get(endpoint.id)).state is EndpointState.ENABLED:
        world.clock.at_ms = (await health(world, endpoint)).open_until_ms
        probes = [one for one in await claimed(world) if one.endpoint_id == endpoint.id]
        await fail(world, *probes, due_in_ms=10_000_000_000)
        assert world.clock.at_ms - first_ms < 6 * DAY_MS
    assert world.clock.at_ms - first_ms >= 5 * DAY_MS
    given_up = await world.store.endpoints.get(endpoint.id)
    assert given_up.disabled_reason == "no success for 5 days"
    told = await operational(world)
    assert [kind for kind, _ in told] == ["endpoint.failing"] * 3 + ["endpoint.disabled"]
    assert [data["warnings"] for kind, data in told[:3]] == [0, 1, 2]
    assert told[-1][1]["reason"] == "no success for 5 days"
    assert {data["endpoint"]["id"] for _, data in told} == {endpoint.id}


async def operational(world: World) -> list[tuple[str, dict]]:
    rows = await world.rows(
        "SELECT type, body FROM events WHERE operational ORDER BY created_at_ms, id"
    )
    return [(str(kind), json.loads(bytes(body))["data"]) for kind, body in rows]  # type: ignore[arg-type]


async def test_operators_hear_of_failing_recovered_dead_and_held(world: World) -> None:
    watcher = await world.endpoint(events=["endpoint.*", "delivery.*"])
    await world.store.endpoints.update(dataclasses.replace(watcher, operator=True))
    endpoint = await opened(world)
    world.clock.at_ms = (await health(world, endpoint)).open_until_ms
    probe = next(one for one in await claimed(world) if one.endpoint_id == endpoint.id)
    await world.store.deliveries.settle([dataclasses.replace(world.attempt(probe), probe=True)])
    (last,) = [one for one in await claimed(world, limit=1000) if one.endpoint_id == endpoint.id][
        :1
    ]
    world.clock.at_ms += 1
    dead = dataclasses.replace(world.attempt(last, DeliveryState.DEAD), reason="no attempts left")
    await world.store.deliveries.settle([dead])
    told = await operational(world)
    assert [kind for kind, _ in told] == ["endpoint.failing", "endpoint.recovered", "delivery.dead"]
    assert told[-1][1]["delivery"]["id"] == last.id
    assert told[-1][1]["event"] == {"id": last.event_id, "type": "order.changed"}
    assert told[-1][1]["reason"] == "no attempts left: 500"


async def test_a_dead_notice_makes_no_further_notice(world: World) -> None:
    watcher = await world.endpoint(events=["delivery.*"])
    other = await world.endpoint(events=["delivery.*"])
    for one in (watcher, other):
        await world.store.endpoints.update(dataclasses.replace(one, operator=True))
    await owed(world, 1)
    await world.store.deliveries.settle(
        [world.attempt(one, DeliveryState.DEAD) for one in await claimed(world)]
    )
    assert len(await operational(world)) == 1
    for _ in range(5):
        await world.store.deliveries.settle(
            [world.attempt(one, DeliveryState.DEAD) for one in await claimed(world)]
        )
    assert len(await operational(world)) == 1


async def test_without_an_operator_nothing_is_kept(world: World) -> None:
    await opened(world)
    assert await operational(world) == []
    assert len(await world.rows("SELECT 1 FROM events")) == 12


async def test_any_room_can_announce(world: World) -> None:
    event = OperationalEvent(type="seller.paused", data={"seller": "A1"}, seller_id="A1")
    assert await world.store.announcements.announce([event]) == 0
    watcher = await world.endpoint(events=["seller.*"])
    await world.store.endpoints.update(dataclasses.replace(watcher, operator=True))
    assert await world.store.announcements.announce([event, event]) == 2
    (first, _) = await claimed(world)
    assert first.event_type == "seller.paused"
    assert json.loads(first.body)["data"] == {"seller": "A1"}


# ── rate ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("rate", "burst"), [(5.0, 5), (2.0, 1), (0.5, 3), (100.0, 10)])
async def test_claims_never_exceed_the_rate(world: World, rate: float, burst: int) -> None:
    await owed(world, 150, rate_per_s=rate, burst=burst)
    start_ms, taken = world.clock.at_ms, 0
    while world.clock.at_ms - start_ms < 5_000:
        claims = await world.claim_deliveries(limit=1000, room=1000)
        taken += len(claims.items)
        passed_s = (world.clock.at_ms - start_ms) / 1000
        assert taken <= burst + rate * passed_s + 1e-6
        if taken == 150:
            break
        assert claims.next_due_ms is not None
        assert claims.next_due_ms > world.clock.at_ms
        world.clock.at_ms = claims.next_due_ms
    passed_s = (world.clock.at_ms - start_ms) / 1000
    assert taken >= min(150, int(burst + rate * passed_s) - 1)


async def test_a_rate_is_one_endpoints_own_and_can_be_changed(world: World) -> None:
    limited = await owed(world, 20, rate_per_s=1.0)
    free = await world.endpoint(events=["order.*"])
    await world.publish(*[world.event() for _ in range(20)])
    found = await claimed(world, limit=1000)
    assert sum(one.endpoint_id == free.id for one in found) == 20
    assert sum(one.endpoint_id == limited.id for one in found) == 1
    await world.store.endpoints.update(dataclasses.replace(limited, rate_per_s=None))
    assert len(await claimed(world, limit=1000)) == 39


async def test_waiting_for_the_rate_burns_no_attempt_and_no_claim(world: World) -> None:
    await owed(world, 5, rate_per_s=1.0)
    for _ in range(20):
        await claimed(world)
    rows = await world.rows(
        "SELECT max(claims), max(attempts) FROM deliveries WHERE state = 'pending'"
    )
    assert rows == [(0, 0)]
