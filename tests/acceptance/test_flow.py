"""What users count on, shown on real processes: once, coalesced, isolated, inside the plan."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.postgres import PostgresServer
from tests.support.truth import assert_complete
from tests.support.world import (
    numbered,
    open_world,
    order_change,
    pause,
    pricing_health,
    undescribed,
)

pytestmark = [pytest.mark.acceptance]


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    with postgres_server.database() as url:
        yield url


async def test_a_thousand_duplicates_make_a_hundred_events(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.add_endpoint("/hook")
        ids = list(numbered("n", 100))
        gateway = world.folder.start()
        try:
            await gateway.ready()
            for _ in range(11):
                await world.send([pricing_health(one) for one in ids])
            received = world.receiver.received["/hook"]
            await received.wait_for(
                lambda got: len(got.events_of) >= 100, timeout_s=30, what="100 events"
            )
            await _until_again(world, ids[0], 10)
            assert await gateway.terminate() == 0
        finally:
            gateway.stop()
        assert_complete(received, ids)
        assert len(received.ids) == 100
        assert max(received.ids.values()) == 1
        events = world.folder.cli("events", "list", "--limit", "500")
        assert len(events["items"]) == 100
        last = received_as(world, ids[0], "received_again")[-1]
        assert world.folder.cli("trace", last) == world.folder.cli("trace", ids[0])


def received_as(world, one: str, what: str) -> list[str]:
    """The ids of the messages that brought a notification, or brought it again."""
    story = world.folder.cli("trace", one)["items"]
    return [step["details"]["message_id"] for step in story if step["what"] == what]


async def _until_again(world, one: str, times: int, timeout_s: float = 30) -> None:
    deadline = time.monotonic() + timeout_s
    while len(again := received_as(world, one, "received_again")) < times:
        assert time.monotonic() < deadline, "not received in time"
        await pause(0.2)
    assert len({*again, *received_as(world, one, "received")}) == times + 1


async def test_twenty_changes_of_a_waiting_order_cost_one_call(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.add_endpoint("/hook")
        await world.send(
            [
                order_change(
                    f"n-{number}",
                    "902-0000001-0000001",
                    event_time=f"2026-11-01T10:00:{number:02d}.000Z",
                )
                for number in range(20)
            ]
        )
        ingest = world.folder.start("--role", "ingest")
        try:
            await ingest.ready()
            await _until_stored(world, 20)
            await ingest.terminate()
        finally:
            ingest.stop()
        gateway = world.folder.start()
        try:
            await gateway.ready()
            received = world.receiver.received["/hook"]
            await received.wait_for(lambda got: bool(got.ids), timeout_s=20, what="the event")
            await pause(1.0)
            assert await gateway.terminate() == 0
        finally:
            gateway.stop()
        assert world.calls("getOrder") == 1
        assert list(received.events_of) == ["n-19"], "the newest change is the one that ran"
        story = world.folder.cli("trace", "n-19")["items"]
        [call] = [one["details"] for one in story if one["what"] == "called"]
        assert (call["operation"], call["status"]) == ("orders.2026-01-01.getOrder", 200)
        assert call["request_id"], "Amazon's support asks for it"


async def _until_stored(world, count: int, timeout_s: float = 20) -> None:
    deadline = time.monotonic() + timeout_s
    while len(world.folder.cli("notifications", "list", "--limit", "100")["items"]) < count:
        assert time.monotonic() < deadline, "not stored in time"
        await pause(0.2)


async def test_two_processes_share_the_work_and_repeat_nothing(
    tmp_path: Path, postgres_url: str
) -> None:
    async with open_world(tmp_path, store_url=postgres_url) as world:
        world.folder.cli("db", "upgrade")
        world.add_endpoint("/hook")
        ids = list(numbered("n", 500))
        gateways = [world.folder.start(), world.folder.start()]
        try:
            for gateway in gateways:
                await gateway.ready()
            await world.send(
                [
                    order_change(one, f"902-{number:07d}-0000001")
                    if number % 5 == 0
                    else pricing_health(one)
                    for number, one in enumerate(ids)
                ]
            )
            received = world.receiver.received["/hook"]
            await received.wait_for(
                lambda got: len(got.events_of) >= len(ids), timeout_s=60, what="every notification"
            )
            for gateway in gateways:
                assert await gateway.terminate() == 0, gateway.tail()
        finally:
            for gateway in gateways:
                gateway.stop()
        assert_complete(received, ids)
        assert max(received.ids.values()) == 1, "a delivery was sent twice"
        assert world.calls("getOrder") == 100
        logs = [gateway.log.read_text() for gateway in gateways]
        assert all('"handling"' in log for log in logs), "one process did all the work"


async def test_postgres_without_its_schema_is_refused(tmp_path: Path, postgres_url: str) -> None:
    async with open_world(tmp_path, store_url=postgres_url) as world:
        gateway = world.folder.start()
        try:
            assert gateway.process.wait(20) == 4
            assert "gateway db upgrade" in gateway.tail()
        finally:
            gateway.stop()


async def test_sick_endpoints_leave_the_others_as_they_were(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.add_endpoint("/well")
        gateway = world.folder.start()
        try:
            await gateway.ready()
            well = world.receiver.received["/well"]
            before_s = await _slowest(world, well, "a")
            world.receiver.delay_s["/silent"] = 3600.0
            world.receiver.status["/broken"] = 500
            world.add_endpoint("/silent")
            world.add_endpoint("/broken")
            await pause(1.5)
            after_s = await _slowest(world, well, "b")
        finally:
            gateway.stop()
        # Far below the time-out of 2 s that the silent endpoint holds its own requests for.
        assert after_s < max(1.0, before_s * 4), (before_s, after_s)


async def _slowest(world, well, prefix: str) -> float:
    ids = list(numbered(prefix, 100))
    sent_s = time.monotonic()
    await world.send([pricing_health(one) for one in ids])
    await well.wait_for(
        lambda got: all(one in got.events_of for one in ids), timeout_s=30, what="healthy events"
    )
    return max(well.at_s[event] for one in ids for event in well.events_of[one]) - sent_s


async def test_the_usage_plan_is_never_exceeded_by_two_processes(
    tmp_path: Path, postgres_url: str
) -> None:
    async with open_world(tmp_path, store_url=postgres_url, real_plans=True) as world:
        world.folder.cli("db", "upgrade")
        world.add_endpoint("/hook")
        ids = list(numbered("n", 36))
        gateways = [world.folder.start(), world.folder.start()]
        try:
            for gateway in gateways:
                await gateway.ready()
            await world.send(
                [order_change(one, f"902-{n:07d}-0000001") for n, one in enumerate(ids)]
            )
            started_s = time.monotonic()
            received = world.receiver.received["/hook"]
            await received.wait_for(
                lambda got: len(got.events_of) >= len(ids), timeout_s=90, what="every order"
            )
            took_s = time.monotonic() - started_s
            for gateway in gateways:
                assert await gateway.terminate() == 0
        finally:
            for gateway in gateways:
                gateway.stop()
        assert_complete(received, ids)
        assert world.throttled() == 0, "the plan was exceeded"
        assert world.calls("getOrder") == len(ids)
        # 29 at once, the rest at 0.49 a second: neither faster than the plan nor idle.
        assert 10 < took_s < 30


async def test_a_teams_own_module_is_loaded_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "acme_handlers.py").write_text(
        "from gateway import Event, Router\n"
        "router = Router()\n"
        "@router.on('SHIPPING_CHARGE_NOTIFICATION')\n"
        "async def charge(notification, ctx):\n"
        "    return Event(type='acme.charge', data={'charge': "
        "notification.payload['shippingCharge']['id']})\n"
    )
    async with open_world(
        tmp_path,
        modules=["handlers", "acme_handlers"],
        extra_env={"PYTHONPATH": str(tmp_path)},
    ) as world:
        world.add_endpoint("/acme", "--events", "acme.*")
        world.add_endpoint("/rest", "--events", "notification.*")
        gateway = world.folder.start()
        try:
            await gateway.ready()
            await world.send([undescribed("n-1"), undescribed("n-2", "TYPE_OF_TOMORROW")])
            received, rest = world.receiver.received["/acme"], world.receiver.received["/rest"]
            await received.wait_for(lambda got: bool(got.ids), timeout_s=20, what="the event")
            await rest.wait_for(lambda got: bool(got.ids), timeout_s=20, what="the other one")
        finally:
            gateway.stop()
        assert set(received.types) == {"acme.charge"}
        # What nobody knows passes as it came, and what the team takes passes no more.
        assert set(rest.types) == {"notification.type_of_tomorrow"}
        assert list(rest.events_of) == ["n-2"]
