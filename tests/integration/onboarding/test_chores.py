"""What a running gateway does for authorisations, against the local SP-API over HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.endpoints import Endpoint
from gateway.model import PausedBy, Seller
from gateway.simulator.server import Simulator
from tests.integration.onboarding.world import World, open_world
from tests.support.clock import FakeClock

EUROPE, AMERICA = "A1SIMULATOREU1", "A1SIMULATORNA1"
DAY_S = 86_400


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def simulator(clock: FakeClock) -> AsyncIterator[Simulator]:
    async with Simulator(strict=True, clock=clock) as running:
        yield running


@pytest.fixture
async def world(tmp_path: Path, simulator: Simulator, clock: FakeClock) -> AsyncIterator[World]:
    regions = {name: f"{simulator.spapi_url}/{name}" for name in ("na", "eu", "fe")}
    spapi = {"endpoints": regions, "lwa_endpoint": simulator.lwa_url}
    sweep = {"types": ["ORDER_CHANGE"]}
    async with open_world(tmp_path, simulator, clock=clock, spapi=spapi, sweep=sweep) as opened:
        await opened.store.endpoints.add(
            Endpoint(id="ep_1", url="https://example.com", operator=True, event_types=("seller.*",))
        )
        yield opened


async def put(world: World, seller_id: str, **fields: object) -> None:
    known = next(one for one in world.simulator.sellers if one.id == seller_id)
    seller = Seller(
        id=seller_id,
        application_id="main",
        region=known.region,
        refresh_token=known.refresh_token,
    )
    await world.store.sellers.put_seller(replace(seller, **fields))  # type: ignore[arg-type]


async def told(world: World) -> list[tuple[str, dict[str, object]]]:
    events = await world.store.lists.events(limit=100)
    bodies = [json.loads((await world.store.queries.event(one.id)).body) for one in events]
    return [(body["type"], body["data"]) for body in bodies]


async def check(world: World) -> dict[str, tuple[str, str | None]]:
    """Check whoever is due; return each one's state and fault."""
    await world.chores()["sellers.check"]()
    return {one.id: (one.state, one.check_fault) for one in await world.store.sellers.list()}


async def test_what_was_declared_is_held_against_what_amazon_says(world: World) -> None:
    await put(world, EUROPE)
    await put(world, AMERICA, marketplace_ids=("A2EUQ1WTGCTBG2",))
    await put(world, "A1SIMULATORFE1", region="eu")
    found = await check(world)
    assert found[EUROPE] == ("active", None)
    assert found[AMERICA] == (
        "active",
        "Amazon says that the seller does not take part in A2EUQ1WTGCTBG2, but in ATVPDKIKX0DER",
    )
    state, fault = found["A1SIMULATORFE1"]
    assert state == "paused"
    assert fault is not None
    assert fault.startswith("wrong region: the authorisation is for fe, not for eu")
    (europe,) = await world.store.sellers.of(EUROPE)
    assert europe.marketplace_ids == ("A1PA6795UKMFR9",)
    assert await world.store.jobs.list(job="sweep", limit=10) == []  # nobody authorised just now
    calls = sum(one.count for one in world.simulator.calls.values())
    await check(world)
    assert sum(one.count for one in world.simulator.calls.values()) == calls
    world.clock.advance(DAY_S)
    await check(world)
    assert sum(one.count for one in world.simulator.calls.values()) == calls + 2


async def test_a_missing_role_is_named_and_nobody_is_paused(world: World) -> None:
    await put(world, EUROPE)
    world.simulator.faults.add("status=403", operation="getMarketplaceParticipations", times=99)
    state, fault = (await check(world))[EUROPE]
    assert (state, "Selling Partner Insights" in (fault or "")) == ("active", True)


async def test_a_revoked_seller_is_paused_by_the_check_and_comes_back_by_a_link(
    world: World,
) -> None:
    await put(world, EUROPE)
    world.simulator.accounts.revoke(EUROPE)
    assert (await check(world))[EUROPE][0] == "paused"
    (seller,) = await world.store.sellers.of(EUROPE)
    assert "invalid_grant" in (seller.paused_reason or "")
    assert seller.paused_by is PausedBy.GATEWAY
    back = await world.consent(EUROPE, world.link(seller_id=EUROPE))
    assert (await world.browser.open(back.location)).status == 200
    assert (await check(world))[EUROPE] == ("active", None)
    (swept,) = await world.store.jobs.list(job="sweep", limit=10)
    assert swept.seller_id == EUROPE
    await check(world)
    assert len(await world.store.jobs.list(job="sweep", limit=10)) == 1


async def test_one_whom_an_operator_paused_is_told_that_its_work_still_waits(world: World) -> None:
    await put(world, EUROPE)
    await world.store.sellers.pause(EUROPE, "they owe us", by=PausedBy.OPERATOR)
    back = await world.consent(EUROPE, world.link(seller_id=EUROPE))
    done = await world.browser.open(back.location)
    assert (done.status, done.title) == (200, "Connected")
    assert "operator resumes it" in done.text
    assert "owe" not in done.text
    assert await world.sellers() == [(EUROPE, "eu", "paused")]
    await check(world)
    assert await world.store.jobs.list(job="sweep", limit=10) == []
    await world.store.sellers.resume(EUROPE)
    assert (await check(world))[EUROPE] == ("active", None)
    (swept,) = await world.store.jobs.list(job="sweep", limit=10)
    assert swept.seller_id == EUROPE


async def test_warnings_carry_a_link_that_still_works(world: World) -> None:
    back = await world.consent(EUROPE, world.link())
    assert (await world.browser.open(back.location)).status == 200
    for days in (335, 16, 11):
        world.clock.advance(days * DAY_S)
        await world.chores()["sellers.warn"]()
        await world.chores()["sellers.warn"]()
    warnings = [data for kind, data in await told(world) if kind == "seller.authorisation_ending"]
    assert sorted(int(str(one["days_left"])) for one in warnings) == [3, 14, 30]
    world.simulator.accounts.revoke(EUROPE)  # as it is after its end
    world.clock.advance(20 * DAY_S)
    for one in warnings:
        renewed = await world.consent(EUROPE, str(one["link"]))
        assert (await world.browser.open(renewed.location)).status == 200
    (seller,) = await world.store.sellers.of(EUROPE)
    assert seller.authorised_at_ms == world.clock.now_ms()
    await world.chores()["sellers.warn"]()
    assert len([kind for kind, _ in await told(world) if kind.endswith("_ending")]) == 3
