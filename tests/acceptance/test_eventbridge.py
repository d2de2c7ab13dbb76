"""A replay of an EventBridge archive: what is known is recognised, what was missed comes in."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.support.emulators import ministack_server
from tests.support.world import World, numbered, open_world, pause, pricing_health

pytestmark = [pytest.mark.acceptance]

REGION = "us-east-1"
BUS = "orders"
RULE = "to-the-queue"
SOURCE = "sellingpartnerapi.example"  # nobody but Amazon may put events of its own source


@pytest.fixture
def ministack(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with ministack_server() as url:
        yield url


class Bus:
    """An event bus with an archive, and a rule that brings its events to a queue."""

    def __init__(self, endpoint: str, queue_url: str) -> None:
        self.events = boto3.client("events", region_name=REGION, endpoint_url=endpoint)
        sqs = boto3.client("sqs", region_name=REGION, endpoint_url=endpoint)
        bus = self.events.create_event_bus(Name=BUS)["EventBusArn"]
        self.archive = self.events.create_archive(ArchiveName="kept", EventSourceArn=bus)[
            "ArchiveArn"
        ]
        pattern = json.dumps({"source": [SOURCE]})
        self.events.put_rule(Name=RULE, EventBusName=BUS, EventPattern=pattern)
        arn = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
        target = {"Id": "queue", "Arn": arn["Attributes"]["QueueArn"]}
        self.events.put_targets(Rule=RULE, EventBusName=BUS, Targets=[target])

    def put(self, bodies: Sequence[str]) -> None:
        for body in bodies:
            entry = {
                "Source": SOURCE,
                "DetailType": "PRICING_HEALTH",
                "Detail": body,
                "EventBusName": BUS,
            }
            assert self.events.put_events(Entries=[entry])["FailedEntryCount"] == 0


async def test_a_replay_brings_what_was_missed_and_its_duplicates_are_recognised(
    tmp_path: Path, ministack: str
) -> None:
    async with open_world(tmp_path, sqs_url=ministack) as world:
        world.add_endpoint("/hook")
        received = world.receiver.received["/hook"]
        bus = Bus(ministack, world.queue_url)
        seen, missed = list(numbered("seen", 6)), list(numbered("missed", 3))
        gateway = world.folder.start()
        try:
            await gateway.ready()
            bus.put([pricing_health(one) for one in seen])
            await received.wait_for(
                lambda got: len(got.events_of) == len(seen), timeout_s=60, what="live events"
            )
            bus.events.disable_rule(Name=RULE, EventBusName=BUS)
            bus.put([pricing_health(one) for one in missed])
            bus.events.enable_rule(Name=RULE, EventBusName=BUS)

            place = ("--endpoint-url", ministack)
            command = ("replay", "eventbridge", bus.archive, "--from", "1h", *place)
            planned = world.folder.cli(*command, "--dry-run", "--rule", RULE)
            assert planned["rules"][0].endswith(f":rule/{BUS}/{RULE}")
            assert planned["bus"].endswith(f":event-bus/{BUS}")
            done = world.folder.cli(*command, "--name", "night")
            assert (done["name"], done["state"], done["share"]) == ("night", "COMPLETED", 1.0)
            shown = world.folder.cli(
                "replay", "eventbridge", "--follow", "night", *place, *region()
            )
            assert shown == done
            await received.wait_for(
                lambda got: len(got.events_of) == len(seen) + len(missed),
                timeout_s=60,
                what="what was missed",
            )
            wanted = {"duplicate": len(seen), "accepted": len(missed)}
            for _ in range(300):
                if (counted := replayed(gateway.port)) == wanted:
                    break
                await pause(0.1)
            assert counted == wanted
            assert set(received.events_of) == {*seen, *missed}
            assert {len(events) for events in received.events_of.values()} == {1}
            assert await gateway.terminate() == 0, gateway.tail()
        finally:
            gateway.stop()
        origins = {one: origin_of(world, one) for one in (seen[0], missed[0])}
        assert origins == {seen[0]: "sqs", missed[0]: "eventbridge_replay"}
        assert origin_of(world, seen[0], "received_again") == "eventbridge_replay"


def region() -> tuple[str, ...]:
    return ("--region", REGION)


def replayed(port: int) -> dict[str, int]:
    """How many messages a replay brought, by what the inbox made of them."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    found = [one for one in lines if one.startswith("gateway_eventbridge_replayed_total{")]
    return {
        one.partition('verdict="')[2].partition('"')[0]: round(float(one.split()[-1]))
        for one in found
    }


def origin_of(world: World, notification: str, what: str = "received") -> Any:
    items = world.folder.cli("trace", notification)["items"]
    [origin] = [one["details"]["origin"] for one in items if one["what"] == what]
    return origin
