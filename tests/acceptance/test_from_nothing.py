"""From nothing to notifications: two regions, each over a queue and over a bus of its own.

AWS is ministack, Amazon the local SP-API, and the gateway real processes. One thing stands in for
another: nobody but Amazon may put events into a partner's bus, and ministack's PutPartnerEvents
does nothing. So a courier takes what the local SP-API has for a bus and puts it there in a name
that is allowed, which the rule is told to let through besides; what set-up wrote into the rule is
held against the partner's name before. Bus, rule, target and queue are as set-up made them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from gateway.clock import SystemClock
from gateway.model import UsagePlan
from gateway.simulator.cast import DEFAULT_APPLICATION
from gateway.simulator.notifications import notification
from gateway.simulator.payloads import Subject
from gateway.simulator.server import Simulator
from tests.support.emulators import ministack_server
from tests.support.processes import GatewayFolder
from tests.support.truth import Received, Receiver
from tests.support.world import pause, until

pytestmark = [pytest.mark.acceptance]

OPERATIONS = (
    "getSubscriptions",
    "createSubscription",
    "deleteSubscriptionById",
    "getDestinations",
    "createDestination",
    "getOrder",
)
FAST = {"rate": 500.0, "burst": 5_000}
ACCOUNT = "000000000000"
SOURCE = f"aws.partner/sellingpartnerapi.amazon.com/{ACCOUNT}/{DEFAULT_APPLICATION.id}"
COURIER = "courier.test"
REGIONS = {"na": "us-east-1", "eu": "eu-west-1"}
SELLERS = {"na": "A1SIMULATORNA1", "eu": "A1SIMULATOREU1"}
LISTING = "LISTINGS_ITEM_STATUS_CHANGE"
SILENT: dict[str, dict[str, float]] = {"na": {}, "eu": {"silent_after_s": 4.0}}


@pytest.fixture(scope="module")
def ministack() -> Iterator[str]:
    with ministack_server() as url:
        yield url


@dataclass
class World:
    """Amazon, AWS, the receiver and the gateway's folder."""

    simulator: Simulator
    receiver: Receiver
    folder: GatewayFolder
    ministack: str

    async def cli(self, *arguments: str, check: bool = True) -> Any:
        return await asyncio.to_thread(self.folder.cli, *arguments, check=check)

    def events(self, aws_region: str) -> Any:
        return boto3.client("events", region_name=aws_region, endpoint_url=self.ministack)

    def declare(self, *order_changes: str) -> None:
        """Declare both types for both regions."""
        declared = []
        for region, seller in SELLERS.items():
            orders = {"filter": {"order_change_types": order_changes}}
            common = {"region": region, "sellers": [seller]}
            declared += [
                {"type": "ORDER_CHANGE", "destination": f"queue-{region}", **common, **orders},
                {"type": LISTING, "destination": f"bus-{region}", **common, **SILENT[region]},
            ]
        self.folder.extra_env["SPGW_SUBSCRIPTIONS"] = json.dumps(declared)

    def subscribed(self) -> dict[tuple[str, str], Any]:
        """What Amazon has, by seller and type."""
        found = self.simulator.apis.subscriptions.all()
        assert len({(one.seller, one.type) for one in found}) == len(found)
        return {(one.seller, one.type): one for one in found}

    async def carry(self) -> None:
        """Put what the local SP-API has for buses onto them, for ever."""
        queue = self.simulator.sqs.queues.named("partner")
        while True:
            for message in queue.extract(10):
                frame = json.loads(message.body)
                assert frame["source"] == SOURCE
                entry = {
                    "Source": COURIER,
                    "DetailType": frame["detail-type"],
                    "Detail": json.dumps(frame["detail"]),
                    "EventBusName": SOURCE,
                }
                events = self.events(frame["region"])
                answer = await asyncio.to_thread(events.put_events, Entries=[entry])
                assert answer["FailedEntryCount"] == 0
            await pause(0.05)

    def listing_changes(self, region: str) -> None:
        about = Subject(seller_id=SELLERS[region], at_ms=SystemClock().now_ms())
        assert self.simulator.apis.publisher.publish(LISTING, about)


@asynccontextmanager
async def open_world(tmp_path: Path, ministack: str) -> AsyncIterator[World]:
    plans = {name: UsagePlan(rate_per_s=500, burst=5_000) for name in OPERATIONS}
    simulator = Simulator(queues=["partner"], sqs_endpoint=ministack, usage_plans=plans)
    async with simulator, Receiver() as receiver:
        described = simulator.describe()
        folder = GatewayFolder(
            folder=tmp_path,
            store_url=f"sqlite:///{tmp_path / 'gateway.db'}",
            queue_urls=[],
            queue_endpoint=None,
            spapi={
                "endpoint": described["spapi"],
                "lwa_endpoint": described["lwa"],
                "usage_plans": dict.fromkeys(OPERATIONS, FAST),
            },
            applications=[{"id": "main", **_without_id(described["applications"][0])}],
            sellers=[
                {**one, "application": "main"}
                for one in described["sellers"]
                if one["id"] in SELLERS.values()
            ],
            modules=["handlers.order_change", "handlers.passthrough"],
            extra_env={"AWS_ENDPOINT_URL": ministack, "SPGW_RECONCILE__EVERY_S": "1"},
        )
        folder.write()
        world = World(simulator, receiver, folder, ministack)
        courier = asyncio.create_task(world.carry())
        try:
            yield world
        finally:
            courier.cancel()
            await asyncio.wait([courier])


def _without_id(described: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in described.items() if name != "id"}


async def test_two_regions_over_queues_and_buses(
    tmp_path: Path, ministack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    async with open_world(tmp_path, ministack) as world:
        await _set_up_aws(world)
        world.declare("OrderStatusChange")
        applied = await world.cli("subscriptions", "apply")
        assert applied["summary"]["created"] == 8  # four destinations, four subscriptions
        first = world.subscribed()
        assert set(first) == {
            (seller, kind) for seller in SELLERS.values() for kind in ("ORDER_CHANGE", LISTING)
        }
        again = await world.cli("subscriptions", "apply")
        assert again["items"] == []
        assert world.subscribed() == first

        await _endpoints(world)
        gateway = world.folder.start()
        try:
            await gateway.ready()
            await _everything_arrives(world)
            await _silence_is_told(world)
            await _what_is_deleted_comes_back(world, first)
            assert await gateway.terminate() == 0
        finally:
            gateway.stop()
        await _another_filter(world)


async def _set_up_aws(world: World) -> None:
    arns = await _by_region(world)
    world.folder.extra_env["SPGW_QUEUES"] = json.dumps(
        [
            {
                "url": f"{world.ministack}/{ACCOUNT}/spapi-{region}",
                "region": aws_region,
                "endpoint_url": world.ministack,
                "wait_s": 1,
            }
            for region, aws_region in REGIONS.items()
        ]
    )
    world.folder.extra_env["SPGW_DESTINATIONS"] = json.dumps(
        [
            one
            for region, aws_region in REGIONS.items()
            for one in (
                {"name": f"queue-{region}", "region": region, "arn": arns[region]},
                {
                    "name": f"bus-{region}",
                    "region": region,
                    "aws_region": aws_region,
                    "aws_account": ACCOUNT,
                },
            )
        ]
    )


async def _by_region(world: World) -> dict[str, str]:
    made = await asyncio.gather(*(_set_up(world, one) for one in REGIONS))
    return dict(zip(REGIONS, made, strict=True))


async def _set_up(world: World, region: str) -> str:
    aimed = ("--queue", f"spapi-{region}", "--region", REGIONS[region], "--event-source", SOURCE)
    done = await world.cli("aws", "setup", *aimed)
    assert len(done["calls"]) == 6
    assert done["queue_arn"] == f"arn:aws:sqs:{REGIONS[region]}:{ACCOUNT}:spapi-{region}"
    _let_the_courier_through(world, region)
    return str(done["queue_arn"])


def _let_the_courier_through(world: World, region: str) -> None:
    """See the module; what set-up made lets the partner through, and nobody else."""
    events = world.events(REGIONS[region])
    named = {"Name": f"spapi-{region}", "EventBusName": SOURCE}
    rule = events.describe_rule(**named)
    for source, passes in ((SOURCE, True), (COURIER, False)):
        event = {
            "id": "1",
            "account": ACCOUNT,
            "source": source,
            "time": "2026-01-01T00:00:00Z",
            "region": REGIONS[region],
            "resources": [],
            "detail-type": LISTING,
            "detail": {},
        }
        judged = events.test_event_pattern(
            EventPattern=rule["EventPattern"], Event=json.dumps(event)
        )
        assert judged["Result"] is passes
    pattern = json.loads(rule["EventPattern"])
    pattern["source"] = [*pattern["source"], COURIER]
    events.put_rule(**named, EventPattern=json.dumps(pattern), Description=rule["Description"])


async def _endpoints(world: World) -> None:
    operator = ("--set", "operator=true")
    for path, *arguments in (
        ("/orders", "--events", "order.*"),
        ("/listings", "--events", "notification.*"),
        ("/drift", "--events", "subscriptions.*", *operator),
        ("/silence", "--events", "notifications.*", *operator),
    ):
        added = await world.cli("endpoints", "add", f"{world.receiver.url}{path}", *arguments)
        world.receiver.received[path].secret = added["secret"]


async def _everything_arrives(world: World) -> None:
    for seller in world.simulator.sellers:
        if seller.id in SELLERS.values():
            world.simulator.apis.traffic.place(
                seller, at_ms=SystemClock().now_ms(), speed=100_000.0, withhold=0.0
            )
    for region in REGIONS:
        world.listing_changes(region)
    for path in ("/orders", "/listings"):
        received = world.receiver.received[path]
        await received.wait_for(
            lambda got: (
                {json.loads(one)["data"]["seller"] for one in got.bodies.values()}
                == set(SELLERS.values())
            ),
            timeout_s=60,
            what=f"{path} of both sellers",
        )
        assert not received.unverified


async def _silence_is_told(world: World) -> None:
    """Of the region that is listened for, with the reason, and of its end; see `SILENT`."""
    told = world.receiver.received["/silence"]
    events, rule = world.events(REGIONS["eu"]), {"Name": "spapi-eu", "EventBusName": SOURCE}
    events.disable_rule(**rule)
    # Past the bus, so that what was silent on a slow machine before is so no more.
    about = Subject(seller_id=SELLERS["eu"], at_ms=SystemClock().now_ms())
    queue = boto3.client("sqs", region_name=REGIONS["eu"], endpoint_url=world.ministack)
    queue.send_message(
        QueueUrl=f"{world.ministack}/{ACCOUNT}/spapi-eu",
        MessageBody=notification(LISTING, about).decode(),
    )
    await told.wait_for(
        lambda got: any(
            found["id"] == "rule.disabled" for one in _silences(got) for found in _found(one)
        ),
        timeout_s=90,
        what="silence, and that the rule is disabled",
    )
    (silent,) = (await world.cli("subscriptions", "silent"))["items"]
    assert (silent["type"], silent["scope"].split("/")[:2]) == (LISTING, ["*", "eu"])
    assert silent["seller_id"] is None
    events.enable_rule(**rule)
    world.listing_changes("eu")
    await told.wait_for(
        lambda got: got.types["notifications.resumed"] >= got.types["notifications.silent"],
        timeout_s=60,
        what="the end of the silence",
    )
    assert not told.unverified
    data = [json.loads(one)["data"] for one in told.bodies.values()]
    assert {(one["type"], one["region"], one["whole"]) for one in data} == {(LISTING, "eu", True)}


def _silences(got: Received) -> list[dict[str, Any]]:
    events = [json.loads(one) for one in got.bodies.values()]
    return [one["data"] for one in events if one["type"] == "notifications.silent"]


def _found(silence: dict[str, Any]) -> list[dict[str, str]]:
    findings: list[dict[str, str]] = silence["doctor"]["findings"]
    return findings


async def _what_is_deleted_comes_back(world: World, before: dict[tuple[str, str], Any]) -> None:
    lost = before[SELLERS["eu"], LISTING]
    del world.simulator.apis.subscriptions._by_id[lost.id]
    await until(
        lambda: world.subscribed().get((SELLERS["eu"], LISTING), lost).id != lost.id,
        "the subscription came back",
    )
    told = world.receiver.received["/drift"]
    await told.wait_for(lambda got: len(got.ids) >= 1, timeout_s=60, what="the drift")
    assert not told.unverified


async def _another_filter(world: World) -> None:
    before = world.subscribed()
    world.declare("OrderStatusChange", "BuyerRequestedChange")
    planned = await world.cli("subscriptions", "plan")
    assert [(one["action"], one["gap"]) for one in planned["items"]] == [("replace", True)] * 2
    applied = await world.cli("subscriptions", "apply")
    assert [one["action"] for one in applied["items"]] == ["replaced"] * 2
    after = world.subscribed()
    for (seller, kind), one in after.items():
        assert (one.id == before[seller, kind].id) is (kind == LISTING)
    assert (await world.cli("subscriptions", "apply"))["items"] == []
