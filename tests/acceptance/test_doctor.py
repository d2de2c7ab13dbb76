"""A trial of `gateway doctor`: through a real queue, by a real gateway, into its store, no further."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.world import World, open_world

pytestmark = [pytest.mark.acceptance]

TRIAL = ("doctor", "--only", "trial")


async def examined(world: World, *arguments: str, within_s: int = 120) -> list[dict[str, Any]]:
    limit = ("--time-limit", str(within_s))
    report = await asyncio.to_thread(world.folder.cli, *TRIAL, *limit, *arguments, check=False)
    findings: list[dict[str, Any]] = report["findings"]
    return findings


async def test_a_trial_is_stored_by_a_gateway_that_runs_and_reaches_nobody(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.add_endpoint("/hook")
        (missed,) = await examined(world, "--trial", within_s=8)
        assert missed["id"] == "trial.not_seen"
        assert "role ingest" in missed["mend"]

        (queue,) = world.simulator.sqs.queues.all()
        made = await asyncio.to_thread(
            world.folder.cli,
            *("destinations", "create", "main", "--arn", queue.arn, "--region", "na"),
        )
        destination = made["items"][0]["id"]
        sandbox = ("--sandbox", "PRICING_HEALTH", "any", destination)
        gateway = world.folder.start()
        try:
            await gateway.ready()
            (came,) = await examined(world, "--trial")
            assert (came["id"], came["level"]) == ("trial.ok", "ok")
            _, told = await examined(world, *sandbox)
            assert told["id"] == "trial.no_sandbox"
            place = f"{world.simulator.spapi_url}/sandbox"
            world.folder.extra_env["SPGW_SPAPI__ENDPOINT"] = place
            both = await examined(world, *sandbox)
            assert [one["id"] for one in both] == ["trial.ok", "trial.ok"]
            hook = world.receiver.received["/hook"]
            await hook.wait_for(lambda got: len(got.ids) >= 1, timeout_s=60, what="the health")
            assert await gateway.terminate() == 0
        finally:
            gateway.stop()
        listed = await asyncio.to_thread(
            world.folder.cli, "notifications", "list", "--type", "GATEWAY_TRIAL"
        )
        # The one that no gateway was there for had waited in the queue.
        assert [one["state"] for one in listed["items"]] == ["ignored"] * 4
        sent = [json.loads(body) for body in hook.bodies.values()]
        assert {one["type"] for one in sent} == {"offer.disqualified"}
