"""SIGKILL in the middle of a replay: each selected notification is handled again once, none missed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.truth import Received
from tests.support.world import World, numbered, open_world, pause, pricing_health

pytestmark = [pytest.mark.acceptance]

COUNT = 300


async def test_kills_in_the_middle_of_a_replay_miss_and_repeat_nothing(
    tmp_path: Path, store_url: str | None
) -> None:
    async with open_world(tmp_path, store_url=store_url) as world:
        if store_url is not None:
            world.folder.cli("db", "upgrade")
        world.add_endpoint("/hook")
        received = world.receiver.received["/hook"]
        ids = list(numbered("n", COUNT))
        await _handled_live(world, received, ids)
        span = ("--from", "1h", "--type", "PRICING_HEALTH")
        dry = world.folder.cli("replay", "start", *span, "--dry-run")
        assert (dry["count"], dry["complete"]) == (COUNT, True)
        assert len(received.bodies) == COUNT
        operation = world.folder.cli("replay", "start", *span, "--rate", "60")["id"]
        for share in (1, 2):
            await _killed_at(world, received, COUNT + share * COUNT // 4)
        await _finished(world, operation)
        again = {one: _replayed(received, one) for one in ids}
        assert {one: len(found) for one, found in again.items() if len(found) != 1} == {}
        assert {len(events) for events in received.events_of.values()} == {2}
        assert not received.unverified


async def _handled_live(world: World, received: Received, ids: list[str]) -> None:
    gateway = world.folder.start()
    try:
        await gateway.ready()
        await world.send([pricing_health(one) for one in ids])
        await received.wait_for(
            lambda got: len(got.events_of) == len(ids), timeout_s=60, what="the live events"
        )
        assert await gateway.terminate() == 0, gateway.tail()
    finally:
        gateway.stop()


async def _killed_at(world: World, received: Received, events: int) -> None:
    gateway = world.folder.start()
    try:
        await gateway.ready()
        await received.wait_for(
            lambda got: len(got.bodies) >= events, timeout_s=60, what=f"{events} events"
        )
        gateway.kill()
        assert len(received.bodies) < 2 * COUNT
    finally:
        gateway.stop()


async def _finished(world: World, operation: str) -> None:
    gateway = world.folder.start()
    try:
        await gateway.ready()
        shown: dict[str, Any] = {"state": "running"}
        while shown["state"] == "running":
            await pause(0.2)
            shown = world.folder.cli("replay", "show", operation)
        assert (shown["state"], shown["done"], shown["skipped"]) == ("finished", COUNT, 0)
        assert shown["handlings"] == {"handled": COUNT}
        received = world.receiver.received["/hook"]
        await received.wait_for(
            lambda got: len(got.bodies) >= 2 * COUNT, timeout_s=60, what="the replayed events"
        )
        assert await gateway.terminate() == 0, gateway.tail()
    finally:
        gateway.stop()


def _replayed(received: Received, notification: str) -> list[str]:
    events = received.events_of[notification]
    return [
        one
        for one in events
        if json.loads(received.bodies[one])["data"]["replayed_from"] is not None
    ]
