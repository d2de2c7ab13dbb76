"""SIGKILL at random moments under load: nothing that was accepted is lost, on every backend."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.emulators import ministack_server
from tests.support.truth import assert_complete
from tests.support.world import World, numbered, open_world, order_change, pause, pricing_health

pytestmark = [pytest.mark.acceptance]

SELLERS = ("A1SIMULATORNA1", "A1SIMULATORNA2", "A1SIMULATOREU1", "A1SIMULATORFE1")


@pytest.fixture(params=["local", "ministack"])
def sqs_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    if request.param == "local":
        yield None
        return
    with ministack_server() as url:
        yield url


@pytest.fixture
async def world(tmp_path: Path, store_url: str | None, sqs_url: str | None) -> AsyncIterator[World]:
    async with open_world(tmp_path, store_url=store_url, sqs_url=sqs_url) as world:
        if store_url is not None:
            world.folder.cli("db", "upgrade")
        yield world


async def kill_and_restart(world: World, *, kills: int, messages: int) -> None:
    rng = random.Random(os.environ.get("PYTEST_RANDOM_SEED", "7"))
    world.add_endpoint("/hook")
    ids = list(numbered("n", messages))
    bodies = [
        order_change(one, f"902-{number:07d}-0000001", SELLERS[number % 4])
        if number % 4 == 0
        else pricing_health(one, SELLERS[number % 4])
        for number, one in enumerate(ids)
    ]
    share = len(bodies) // (kills + 1)
    received = world.receiver.received["/hook"]
    for number in range(kills):
        gateway = world.folder.start()
        try:
            await gateway.ready()
            sending = asyncio.create_task(world.send(bodies[number * share : (number + 1) * share]))
            await pause(rng.uniform(0.0, 0.6))
            gateway.kill()
            await sending
        finally:
            gateway.stop()
    gateway = world.folder.start()
    try:
        await gateway.ready()
        await world.send(bodies[kills * share :])
        await received.wait_for(
            lambda got: len(got.events_of) >= len(ids), timeout_s=90, what="every notification"
        )
        assert_complete(received, ids)
        assert await gateway.terminate() == 0, gateway.tail()
    finally:
        gateway.stop()


async def test_three_kills_lose_nothing(world: World) -> None:
    await kill_and_restart(world, kills=3, messages=400)


@pytest.mark.soak
@pytest.mark.timeout(1800)
async def test_thirty_kills_lose_nothing(world: World) -> None:
    await kill_and_restart(world, kills=30, messages=4_000)
