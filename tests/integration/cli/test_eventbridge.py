"""`gateway replay eventbridge` against EventBridge as two others wrote it."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from tests.integration.cli.conftest import Gateway

# moto's replays end before they are answered for, so that there is something to cancel.
ENDED_CAN_BE_CANCELLED = {"on_moto": True, "on_ministack": False}


@pytest.fixture(params=["on_moto", "on_ministack"])
def archive(request: pytest.FixtureRequest) -> str:
    """The ARN of an empty archive of a bus."""
    request.getfixturevalue(request.param)
    events = boto3.client("events")
    bus = events.create_event_bus(Name="orders")["EventBusArn"]
    arn: str = events.create_archive(ArchiveName="kept", EventSourceArn=bus)["ArchiveArn"]
    return arn


def test_a_replay_is_planned_started_followed_and_refused_twice(
    gateway: Gateway, archive: str, request: pytest.FixtureRequest
) -> None:
    command = ("replay", "eventbridge", archive, "--from", "6h", "--to", "1h", "--name", "night")
    planned: dict[str, Any] = gateway(*command, "--rule", "to-sqs", "--dry-run")
    assert planned["bus"].endswith(":event-bus/orders")
    assert planned["rules"][0].endswith(":rule/orders/to-sqs")
    gateway.fails(5, "replay", "eventbridge", "--follow", "night")
    done = gateway(*command)
    assert (done["name"], done["state"], done["share"]) == ("night", "COMPLETED", 1.0)
    assert gateway("replay", "eventbridge", "--follow", "night")["state"] == "COMPLETED"
    assert "night" in gateway.fails(5, *command)["detail"]
    cancel = ("replay", "eventbridge", "--cancel", "night")
    if ENDED_CAN_BE_CANCELLED[request.node.callspec.params["archive"]]:
        assert gateway(*cancel)["state"] == "CANCELLED"
    else:
        assert "completed" in gateway.fails(5, *cancel)["detail"]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("kept", "--from", "1h"),
        ("arn:aws:events:eu-west-1:123456789012:archive/kept",),
        ("arn:aws:events:eu-west-1:123456789012:archive/kept", "--from", "1h", "--to", "2h"),
        ("--follow", "night", "--cancel", "night"),
        ("--follow", "night", "--from", "1h"),
    ],
)
def test_what_makes_no_sense_is_refused(gateway: Gateway, arguments: tuple[str, ...]) -> None:
    gateway.fails(2, "replay", "eventbridge", *arguments)
