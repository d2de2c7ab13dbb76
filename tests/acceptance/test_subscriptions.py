"""From nothing to notifications: what is declared is subscribed to, arrives, and stays so."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.model import UsagePlan
from tests.support.world import World, open_world, pause

pytestmark = [pytest.mark.acceptance]

OPERATIONS = (
    "getSubscriptions",
    "createSubscription",
    "deleteSubscriptionById",
    "getDestinations",
    "createDestination",
)
FAST = {"rate": 500.0, "burst": 5_000}
TWO_REGIONS = ["A1SIMULATORNA1", "A1SIMULATOREU1"]


def environ(arn: str) -> dict[str, str]:
    plans = dict.fromkeys((*OPERATIONS, "getOrder"), FAST)
    return {
        "SPGW_DESTINATIONS": json.dumps([{"name": "main", "arn": arn}]),
        "SPGW_SUBSCRIPTIONS": json.dumps(
            [
                {
                    "type": "ORDER_CHANGE",
                    "sellers": TWO_REGIONS,
                    "filter": {"order_change_types": ["OrderStatusChange"]},
                    "destination": "main",
                }
            ]
        ),
        "SPGW_RECONCILE__EVERY_S": "1",
        "SPGW_SPAPI__USAGE_PLANS": json.dumps(plans),
    }


async def until(true: Callable[[], bool], what: str) -> None:
    for _ in range(600):
        if true():
            return
        await pause(0.1)
    raise AssertionError(f"never came to pass: {what}")


def subscribed(world: World) -> dict[str, str]:
    """Whose subscriptions Amazon has, by id."""
    return {one.seller: one.id for one in world.simulator.apis.subscriptions.all()}


async def test_what_is_declared_arrives_and_comes_back_when_somebody_deletes_it(
    tmp_path: Path,
) -> None:
    plans = {name: UsagePlan(rate_per_s=500, burst=5_000) for name in (*OPERATIONS, "getOrder")}
    async with open_world(tmp_path, simulator_options={"usage_plans": plans}) as world:
        (queue,) = world.simulator.sqs.queues.all()
        world.folder.extra_env.update(environ(queue.arn))
        world.add_endpoint("/orders", "--events", "order.*")
        world.add_endpoint("/ops", "--events", "subscriptions.*", "--set", "operator=true")
        applied = await asyncio.to_thread(world.folder.cli, "subscriptions", "apply")
        assert [one["action"] for one in applied["items"] if one["object"] == "subscription"] == [
            "created",
            "created",
        ]
        before = subscribed(world)
        assert sorted(before) == sorted(TWO_REGIONS)
        gateway = world.folder.start()
        try:
            await gateway.ready()
            for seller in world.simulator.sellers:
                if seller.id in TWO_REGIONS:
                    world.simulator.apis.traffic.place(
                        seller, at_ms=SystemClock().now_ms(), speed=100_000.0, withhold=0.0
                    )
            orders = world.receiver.received["/orders"]
            await orders.wait_for(
                lambda got: (
                    {json.loads(one)["data"]["seller"] for one in got.bodies.values()}
                    == set(TWO_REGIONS)
                ),
                timeout_s=60,
                what="orders of both sellers",
            )
            await _loses_one(world, before)
            told = world.receiver.received["/ops"]
            await told.wait_for(lambda got: len(got.ids) >= 1, timeout_s=60, what="the drift")
            (body, *_) = [json.loads(one) for one in told.bodies.values()]
            assert (body["type"], body["data"]["created"]) == ("subscriptions.drifted", 1)
            assert body["data"]["examples"][0]["seller"] == TWO_REGIONS[0]
            assert await gateway.terminate() == 0
        finally:
            gateway.stop()
        assert not orders.unverified
        assert not told.unverified
        planned = await asyncio.to_thread(world.folder.cli, "subscriptions", "plan")
        assert planned["items"] == []


async def _loses_one(world: World, before: dict[str, str]) -> None:
    """Delete a subscription behind the gateway's back and wait until there is another."""
    lost = before[TWO_REGIONS[0]]
    del world.simulator.apis.subscriptions._by_id[lost]
    await until(lambda: subscribed(world).get(TWO_REGIONS[0]) not in {None, lost}, "it came back")
