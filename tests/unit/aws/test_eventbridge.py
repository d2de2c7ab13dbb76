"""What is asked of EventBridge, and how its answers are read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.aws.eventbridge import (
    EventArchive,
    EventReplay,
    EventReplays,
    ReplayStanding,
    check_name,
    region_of,
    rule_arn,
)
from gateway.aws.provisioning.clients import AwsRefusedError, Clients
from gateway.errors import InvalidInputError

ARN = "arn:aws:events:eu-west-1:123456789012:archive/kept"
BUS = "arn:aws:events:eu-west-1:123456789012:event-bus/orders"
AT = datetime(2026, 11, 1, tzinfo=UTC)
AT_MS = round(AT.timestamp() * 1000)


class Client:
    """EventBridge as far as it is asked."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, operation: str) -> Any:
        def call(**parameters: Any) -> Any:
            self.asked.append((operation, parameters))
            return self.answers.get(operation, {})

        return call


def replays(client: Client) -> EventReplays:
    return EventReplays(Clients("eu-west-1", make_client=lambda *_, **__: client))


def archive() -> EventArchive:
    return EventArchive(arn=ARN, bus_arn=BUS, events=7, size_bytes=70)


def test_a_replay_goes_to_the_archives_own_bus_and_to_the_rules_that_are_named() -> None:
    client = Client(describe_archive={"EventSourceArn": BUS, "EventCount": 7, "SizeBytes": 70})
    made = replays(client)
    assert made.archive(ARN) == archive()
    rules = [rule_arn("to-sqs", archive())]
    made.start(archive(), "night", from_ms=AT_MS, to_ms=AT_MS + 1000, rules=rules)
    made.start(archive(), "all", from_ms=AT_MS, to_ms=AT_MS + 1000, rules=[])
    (_, asked), (_, first), (_, second) = client.asked
    assert asked == {"ArchiveName": "kept"}
    assert first["Destination"] == {
        "Arn": BUS,
        "FilterArns": ["arn:aws:events:eu-west-1:123456789012:rule/orders/to-sqs"],
    }
    assert (first["EventStartTime"], first["EventSourceArn"]) == (AT, ARN)
    assert second["Destination"] == {"Arn": BUS}


def test_how_far_a_replay_is() -> None:
    answer = {
        "State": "RUNNING",
        "EventStartTime": AT,
        "EventEndTime": datetime(2026, 11, 3, tzinfo=UTC),
        "EventLastReplayedTime": datetime(2026, 11, 2, tzinfo=UTC),
    }
    found = replays(Client(describe_replay=answer)).look("night")
    assert (found.state.ended, found.share) == (False, 0.5)
    ended = replays(Client(describe_replay={"State": "COMPLETED"})).look("night")
    assert (ended.state.ended, ended.share) == (True, 1.0)
    begun = replays(Client(describe_replay={"State": "STARTING"})).look("night")
    assert (begun.share, begun.reason) == (None, None)
    with pytest.raises(AwsRefusedError, match="no time"):
        replays(Client(describe_replay=answer | {"EventEndTime": "soon"})).look("night")


@pytest.mark.parametrize("state", list(ReplayStanding))
def test_a_replay_has_ended_or_goes_on(state: ReplayStanding) -> None:
    nothing: dict[str, Any] = dict.fromkeys(
        ("reason", "from_ms", "to_ms", "last_event_ms", "started_at_ms", "ended_at_ms")
    )
    found = EventReplay(name="night", state=state, **nothing)
    assert found.state.ended == (state in {"COMPLETED", "CANCELLED", "FAILED"})


def test_what_is_no_archive_rule_or_name_is_refused() -> None:
    assert region_of(ARN) == "eu-west-1"
    for wrong in ("kept", BUS, f"{ARN}/more"):
        with pytest.raises(InvalidInputError, match="archive"):
            region_of(wrong)
    with pytest.raises(InvalidInputError, match="--rule"):
        rule_arn("a rule", archive())
    default = EventArchive(
        arn=ARN, bus_arn=BUS.replace("orders", "default"), events=None, size_bytes=None
    )
    assert rule_arn("one", default) == "arn:aws:events:eu-west-1:123456789012:rule/one"
    assert rule_arn("arn:aws:events:x", archive()) == "arn:aws:events:x"
    assert check_name("night.1") == "night.1"
    with pytest.raises(InvalidInputError, match="name"):
        check_name("a night")
