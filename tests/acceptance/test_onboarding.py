"""Sellers come, and come back, by a browser while a gateway runs; nothing is restarted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.model import UsagePlan
from tests.integration.onboarding.world import browser
from tests.support.emulators import free_port
from tests.support.world import World, open_world, order_change, pause

pytestmark = [pytest.mark.acceptance]

KNOWN, NEW = "A1SIMULATORNA1", "A1SIMULATOREU1"
OPERATIONS = ("getSubscriptions", "createSubscription", "getDestinations", "createDestination")
HOUR_MS = 3_600_000


def configure(world: World, port: int) -> None:
    """Know one seller, want orders of all that are gold, and let sellers come."""
    folder = world.folder
    (application,) = folder.applications
    application["solution_id"] = world.simulator.applications[0].id
    folder.sellers = [one for one in folder.sellers if one["id"] == KNOWN]
    folder.write()
    (queue,) = world.simulator.sqs.queues.all()
    subscription = {
        "type": "ORDER_CHANGE",
        "tags": "gold",
        "filter": {"order_change_types": ["OrderStatusChange"]},
        "destination": "main",
    }
    fast = {"rate": 500.0, "burst": 5_000}
    plans = dict.fromkeys((*OPERATIONS, "getOrder"), fast)
    folder.extra_env.update(
        {
            "SPGW_ONBOARDING__PUBLIC_URL": f"http://127.0.0.1:{port}",
            "SPGW_ONBOARDING__CONSENT_URL": world.simulator.spapi_url,
            "SPGW_DESTINATIONS": json.dumps([{"name": "main", "arn": queue.arn}]),
            "SPGW_SUBSCRIPTIONS": json.dumps([subscription]),
            "SPGW_SWEEP__TYPES": '["ORDER_CHANGE"]',
            "SPGW_SPAPI__USAGE_PLANS": json.dumps(plans),
        }
    )


async def authorise(world: World, seller: str, *arguments: str) -> None:
    """Get a link by command, and walk it as a seller."""
    printed = await asyncio.to_thread(world.folder.cli, "sellers", "authorize", *arguments)
    async with browser() as person:
        begun = await person.open(printed["url"])
        back = await person.open(begun.location, seller=seller)
        done = await person.open(back.location)
    assert (done.status, done.title) == (200, "Connected"), done.text


async def state_of(world: World, seller: str) -> str:
    shown = await asyncio.to_thread(world.folder.cli, "sellers", "show", seller)
    return str(shown["authorisations"][0]["state"])


async def until(true: Callable[[], bool], what: str) -> None:
    for _ in range(600):
        if true():
            return
        await pause(0.1)
    raise AssertionError(f"never came to pass: {what}")


async def test_sellers_come_and_come_back_while_a_gateway_runs(tmp_path: Path) -> None:
    plans = {name: UsagePlan(rate_per_s=500, burst=5_000) for name in (*OPERATIONS, "getOrder")}
    async with open_world(tmp_path, simulator_options={"usage_plans": plans}) as world:
        port = free_port()
        configure(world, port)
        world.add_endpoint("/orders", "--events", "order.*")
        world.add_endpoint("/ops", "--events", "seller.*", "--set", "operator=true")
        gateway = world.folder.start(port=port)
        try:
            await gateway.ready()
            await _comes_back(world)
            await _comes(world)
            assert await gateway.terminate() == 0
        finally:
            gateway.stop()
        for path in ("/orders", "/ops"):
            assert not world.receiver.received[path].unverified
        log = gateway.log.read_text()
        assert "onboarding.authorised" in log
        assert not [one for one in ("Atzr|", "Atza|", "spapi_oauth_code") if one in log]


async def _comes_back(world: World) -> None:
    """A seller revokes: its work waits. It authorises again: its work goes on at once."""
    seller = next(one for one in world.simulator.sellers if one.id == KNOWN)
    traffic, orders = world.simulator.apis.traffic, world.receiver.received["/orders"]
    told = world.receiver.received["/ops"]
    traffic.place(seller, at_ms=SystemClock().now_ms(), speed=100_000.0, withhold=1.0)
    await until(lambda: bool(traffic.changes), "an order")
    order = traffic.changes[0].order
    world.simulator.accounts.revoke(KNOWN)
    await world.send([order_change("held-1", order, KNOWN)])
    await told.wait_for(lambda got: got.types["seller.paused"] == 1, timeout_s=60, what="the pause")
    for _ in range(300):
        listed = await asyncio.to_thread(world.folder.cli, "handlings", "list")
        if any("SellerPausedError" in (one["error"] or "") for one in listed["items"]):
            break
        await pause(0.2)
    else:
        raise AssertionError(f"nothing waits for the seller: {listed}")
    shown = (await asyncio.to_thread(world.folder.cli, "sellers", "list"))["items"]
    assert [(one["state"], "invalid_grant" in one["reason"]) for one in shown] == [("paused", True)]
    assert not orders.ids
    await authorise(world, KNOWN, "--seller", KNOWN)
    # Without being told it would look again in five to ten minutes.
    await orders.wait_for(lambda got: len(got.ids) >= 1, timeout_s=60, what="the order that waited")
    assert await state_of(world, KNOWN) == "active"
    await told.wait_for(
        lambda got: got.types["seller.authorised"] == 1, timeout_s=60, what="the authorisation"
    )


async def _comes(world: World) -> None:
    """A new seller authorises: it is subscribed, and what nobody told of it is swept in."""
    seller = next(one for one in world.simulator.sellers if one.id == NEW)
    traffic, orders = world.simulator.apis.traffic, world.receiver.received["/orders"]
    before = SystemClock().now_ms() - HOUR_MS
    traffic.place(seller, at_ms=before, speed=100_000.0, withhold=1.0)
    await authorise(world, NEW, "--marketplace", "DE", "--tag", "gold")
    subscriptions = world.simulator.apis.subscriptions
    await until(lambda: [one.seller for one in subscriptions.all()] == [NEW], "a subscription")
    await orders.wait_for(
        lambda got: NEW in {json.loads(one)["data"]["seller"] for one in got.bodies.values()},
        timeout_s=60,
        what="the order that was swept in",
    )
    shown = await asyncio.to_thread(world.folder.cli, "sellers", "list", "--tag", "gold")
    (gold,) = shown["items"]
    assert (gold["id"], gold["region"], gold["marketplace_ids"]) == (NEW, "eu", ["A1PA6795UKMFR9"])
    sweeps = (await asyncio.to_thread(world.folder.cli, "sweeps", "list"))["items"]
    assert NEW in {one["seller_id"] for one in sweeps}
