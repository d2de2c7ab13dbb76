"""SIGTERM under load: out within the deadline, nothing lost, nothing sent twice."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.support.truth import assert_complete
from tests.support.world import numbered, open_world, pause, pricing_health

pytestmark = [pytest.mark.acceptance]

DRAIN_S = 8.0


async def stop_and_restart(
    tmp_path: Path, *, store_url: str | None, stops: int, messages: int
) -> None:
    """Stop the gateway `stops` times with work in hand, each time further on."""
    async with open_world(tmp_path, store_url=store_url, drain_s=DRAIN_S) as world:
        if store_url is not None:
            world.folder.cli("db", "upgrade")
        world.add_endpoint("/hook")
        world.receiver.delay_s["/hook"] = 0.05
        received = world.receiver.received["/hook"]
        ids = list(numbered("n", messages))
        await world.send([pricing_health(one) for one in ids])
        for number in range(stops):
            wanted = 10 + number * messages // (stops + 1)
            gateway = world.folder.start()
            try:
                await gateway.ready()
                await received.wait_for(
                    lambda got, wanted=wanted: len(got.ids) >= wanted,
                    timeout_s=60,
                    what=f"{wanted} events",
                )
                asked_s = time.monotonic()
                assert await gateway.terminate() == 0, gateway.tail()
                assert time.monotonic() - asked_s < DRAIN_S + 3
            finally:
                gateway.stop()
        gateway = world.folder.start()
        try:
            await gateway.ready()
            await received.wait_for(
                lambda got: len(got.events_of) >= len(ids), timeout_s=90, what="every notification"
            )
            assert await gateway.terminate() == 0
        finally:
            gateway.stop()
        assert_complete(received, ids)
        assert max(received.ids.values()) == 1, "an event was sent twice"


async def test_sigterm_drains_and_repeats_nothing(tmp_path: Path, store_url: str | None) -> None:
    await stop_and_restart(tmp_path, store_url=store_url, stops=3, messages=400)


@pytest.mark.soak
@pytest.mark.timeout(1800)
async def test_thirty_stops_drain_and_repeat_nothing(tmp_path: Path, store_url: str | None) -> None:
    await stop_and_restart(tmp_path, store_url=store_url, stops=30, messages=6_000)


async def test_a_request_that_outlasts_the_deadline_is_repeated_with_its_id(
    tmp_path: Path,
) -> None:
    async with open_world(
        tmp_path, drain_s=2.0, delivery={"timeout_s": 20.0, "lease_s": 40.0}
    ) as world:
        world.add_endpoint("/hook")
        world.receiver.delay_s["/hook"] = 15.0
        gateway = world.folder.start()
        try:
            await gateway.ready()
            await world.send([pricing_health("n-1")])
            await pause(1.0)
            asked_s = time.monotonic()
            assert await gateway.terminate() == 0, gateway.tail()
            assert time.monotonic() - asked_s < 6
        finally:
            gateway.stop()
        world.receiver.delay_s["/hook"] = 0.0
        gateway = world.folder.start()
        try:
            await gateway.ready()
            received = world.receiver.received["/hook"]
            await received.wait_for(
                lambda got: "n-1" in got.events_of, timeout_s=20, what="the repeated event"
            )
        finally:
            gateway.stop()


async def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    async with open_world(
        tmp_path, drain_s=30.0, delivery={"timeout_s": 60.0, "lease_s": 90.0}
    ) as world:
        world.add_endpoint("/hook")
        world.receiver.delay_s["/hook"] = 50.0
        gateway = world.folder.start()
        try:
            await gateway.ready()
            await world.send([pricing_health("n-1")])
            await pause(1.0)
            gateway.process.terminate()
            await pause(0.5)
            assert gateway.process.poll() is None
            assert await gateway.terminate(5) == 128 + 15
        finally:
            gateway.stop()


async def test_a_second_gateway_on_one_sqlite_file_is_refused(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        gateway = world.folder.start()
        second = None
        try:
            await gateway.ready()
            second = world.folder.start()
            assert second.process.wait(20) == 3
            assert str(gateway.process.pid) in second.tail()
            added = world.add_endpoint("/beside")
            assert added["secret"].startswith("whsec_")
        finally:
            gateway.stop()
            if second is not None:
                second.stop()
