"""An apply of many sellers, by a real process that is interrupted."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path

import pytest

from gateway.simulator.spapi.accounts import Seller
from tests.support.world import open_world, pause, until

pytestmark = [pytest.mark.acceptance]


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
            {
                "SPGW_DESTINATIONS": json.dumps([{"name": "main", "arn": queue.arn}]),
                "SPGW_SUBSCRIPTIONS": json.dumps([{"type": types, "destination": "main"}]),
                "SPGW_SPAPI__USAGE_PLANS": "{}",
            }
        )
        there = world.simulator.apis.subscriptions.all
        # So slow that it can't be through before anybody has looked.
        world.simulator.faults.add("stall=0.5", operation="createSubscription")
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
        await pause(1.5)  # what was on its way when the process ended has come in
        world.simulator.faults.clear()
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
