"""Amazon loses notifications: after one sweep every order is there, each once."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from gateway.clock import SystemClock, rfc3339
from tests.support.truth import Received
from tests.support.world import World, open_world, order_change, pause

pytestmark = [pytest.mark.acceptance]

ORDERS_OF_A_SELLER = 30
HOUR_MS = 3_600_000


async def test_after_one_sweep_every_order_is_there_once(tmp_path: Path) -> None:
    environ = {"SPGW_SWEEP__TYPES": '["ORDER_CHANGE"]', "SPGW_SWEEP__GRACE_S": "120"}
    async with open_world(tmp_path, extra_env=environ) as world:
        lost = await _orders_of_which_some_are_told(world)
        assert lost > 5
        world.add_endpoint("/hook", "--events", "order.*")
        received = world.receiver.received["/hook"]
        gateway = world.folder.start()
        try:
            await gateway.ready()
            await received.wait_for(
                lambda got: len(got.ids) >= _orders(world) - lost, timeout_s=60, what="the told"
            )
            _sweep(world)
            await received.wait_for(
                lambda got: len(_created(got)) == _orders(world), timeout_s=60, what="all orders"
            )
            assert set(_created(received).values()) == {1}
            assert sum(one["found"] for one in await _ended(world)) == lost
            _sweep(world)
            assert sum(one["found"] for one in await _ended(world, times=2)) == 0
            swept = world.folder.cli("sweeps", "list")["items"]
            assert sum(one["found_total"] for one in swept) == lost
            origins = Counter(
                one["origin"]
                for one in world.folder.cli("notifications", "list", "--limit", "1000")["items"]
            )
            assert origins["sweep"] == lost
            assert await gateway.terminate() == 0
        finally:
            gateway.stop()
        assert not received.unverified


async def _orders_of_which_some_are_told(world: World) -> int:
    """Let orders live that ended an hour ago; tell of all but every twentieth."""
    traffic = world.simulator.apis.traffic
    at_ms = SystemClock().now_ms() - HOUR_MS
    for seller in world.simulator.sellers:
        for _ in range(ORDERS_OF_A_SELLER):
            traffic.place(seller, at_ms=at_ms, speed=100_000.0, withhold=1.0)
    while len({change.order for change in traffic.changes}) < _orders(world):
        await pause(0.05)
    await pause(0.2)
    last = {(change.seller, change.order): change for change in traffic.changes}
    told = [change for number, change in enumerate(last.values()) if number % 20]
    await world.send(
        [
            order_change(f"told-{number}", change.order, change.seller, rfc3339(change.at_ms))
            for number, change in enumerate(told)
        ]
    )
    return len(last) - len(told)


def _orders(world: World) -> int:
    return ORDERS_OF_A_SELLER * len(world.simulator.sellers)


def _sweep(world: World) -> None:
    asked = world.folder.cli("sweeps", "run", "--type", "ORDER_CHANGE", "--all-sellers")["items"]
    assert len(asked) == len(world.simulator.sellers)


async def _ended(world: World, times: int = 1) -> list[dict[str, int]]:
    """What the sweeps came to, once all of them have ended."""
    wanted = times * len(world.simulator.sellers)
    for _ in range(300):
        jobs = world.folder.cli("jobs", "list", "--job", "sweep", "--limit", "1000")["items"]
        done = [one for one in jobs if one["state"] == "handled"]
        if len(done) >= wanted:
            return list(world.folder.cli("sweeps", "list")["items"])
        await pause(0.2)
    raise AssertionError(f"the sweeps did not end: {jobs}")


def _created(received: Received) -> Counter[str]:
    bodies = (json.loads(body) for body in received.bodies.values())
    return Counter(
        body["data"]["order"]["order_id"] for body in bodies if body["type"] == "order.created"
    )
