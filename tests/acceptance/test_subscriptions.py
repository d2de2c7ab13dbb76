"""From nothing to notifications: what is declared is subscribed to, arrives, and stays so."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.model import UsagePlan
from gateway.simulator.spapi.accounts import Seller
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


async def test_an_apply_that_is_interrupted_by_hand_is_gone_on_with(tmp_path: Path) -> None:
    """A real process, Ctrl-C, and Amazon's own plan of one call a second for each seller."""
    sellers = [
        Seller(id=f"A1MANY{number:03d}", region="eu", refresh_token=f"Atzr|many-{number}")
        for number in range(40)
    ]
    async with open_world(tmp_path, simulator_options={"sellers": sellers}) as world:
        (queue,) = world.simulator.sqs.queues.all()
        types = [
            "PRICING_HEALTH",
            "TRANSACTION_UPDATE",
            "FEE_PROMOTION",
            "REPORT_PROCESSING_FINISHED",
            "FEED_PROCESSING_FINISHED",
        ]
        world.folder.extra_env.update(
            environ(queue.arn)
            | {
                "SPGW_SUBSCRIPTIONS": json.dumps([{"type": types, "destination": "main"}]),
                "SPGW_SPAPI__USAGE_PLANS": "{}",
            }
        )
        there = world.simulator.apis.subscriptions.all
        arguments = ("--config", str(world.folder.config), "subscriptions", "apply")
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gateway",
            *arguments,
            env=world.folder.environ(),
            cwd=tmp_path,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            await until(lambda: len(there()) >= 20, "it began")
            process.send_signal(signal.SIGINT)
            assert await process.wait() != 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        await pause(0.5)  # what was on its way when the process ended has come in
        made = len(there())
        assert 20 <= made < 200
        world.folder.extra_env["SPGW_RECONCILE__CONCURRENCY"] = "40"
        applied = await asyncio.to_thread(world.folder.cli, "subscriptions", "apply")
        summary = applied["summary"]
        # What was just made when the signal came is found there, and not made again.
        assert summary["created"] == 200 - made
        assert summary["passed_over"] + summary["looked_at"] == 200
        assert summary["passed_over"] > 0
        assert len(there()) == len({(one.seller, one.type) for one in there()}) == 200
        assert world.calls("createSubscription") == 200
        assert world.throttled() == 0


async def _loses_one(world: World, before: dict[str, str]) -> None:
    """Delete a subscription behind the gateway's back and wait until there is another."""
    lost = before[TWO_REGIONS[0]]
    del world.simulator.apis.subscriptions._by_id[lost]
    await until(lambda: subscribed(world).get(TWO_REGIONS[0]) not in {None, lost}, "it came back")
