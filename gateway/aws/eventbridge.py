"""Replays of EventBridge archives: started, looked at and cancelled ("Replaying archived events").

An archive is of one bus, and a replay goes to that bus again, to all its rules or some. Events keep
their content; EventBridge adds the name of the replay to each (`replay-name`). AWS replays minute
by minute of the events' times, in no certain order within one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from gateway.aws.provisioning.clients import AwsRefusedError, Clients
from gateway.errors import InvalidInputError

_ARCHIVE: Final = re.compile(
    r"arn:(aws[a-z-]*):events:([a-z0-9-]+):(\d{12}):archive/([\w.-]{1,48})"
)
_NAME: Final = re.compile(r"[.\-_A-Za-z0-9]{1,64}")
_RULE: Final = re.compile(r"[.\-_A-Za-z0-9]{1,64}")


class ReplayStanding(StrEnum):
    """Where a replay stands, in AWS's words."""

    STARTING = "STARTING"
    RUNNING = "RUNNING"
    CANCELLING = "CANCELLING"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"

    @property
    def ended(self) -> bool:
        """Whether nothing comes any more."""
        return self in (self.COMPLETED, self.CANCELLED, self.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventArchive:
    """An archive of EventBridge.

    Attributes:
        bus_arn: The bus that it is of.
        events: How many it holds; AWS brings this up to date within a day.
    """

    arn: str
    bus_arn: str
    events: int | None
    size_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventReplay:
    """A replay.

    Attributes:
        last_event_ms: Time of the event that was replayed last.
        reason: Why it stands where it does, in AWS's words.
    """

    name: str
    state: ReplayStanding
    reason: str | None
    from_ms: int | None
    to_ms: int | None
    last_event_ms: int | None
    started_at_ms: int | None
    ended_at_ms: int | None

    @property
    def share(self) -> float | None:
        """How much of its time is behind it, from 0 to 1; None where AWS does not say."""
        if self.state is ReplayStanding.COMPLETED:
            return 1.0
        if self.from_ms is None or self.to_ms is None or self.last_event_ms is None:
            return None
        span = max(1, self.to_ms - self.from_ms)
        return min(1.0, max(0.0, (self.last_event_ms - self.from_ms) / span))


class EventReplays:
    """See the module. Each call may raise `AwsRefusedError`."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def archive(self, arn: str) -> EventArchive:
        """Return what AWS knows of an archive."""
        found = self._clients.call("events", "describe_archive", ArchiveName=archive_name(arn))
        return EventArchive(
            arn=arn,
            bus_arn=str(found["EventSourceArn"]),
            events=found.get("EventCount"),
            size_bytes=found.get("SizeBytes"),
        )

    def start(
        self, archive: EventArchive, name: str, *, from_ms: int, to_ms: int, rules: Sequence[str]
    ) -> None:
        """Start a replay onto the archive's bus.

        Args:
            archive: What is replayed.
            name: Of the replay; AWS keeps it for 90 days.
            from_ms: Events of that time and later.
            to_ms: And before that.
            rules: ARNs of the only rules that get the events; none of them for all.
        """
        destination: dict[str, Any] = {"Arn": archive.bus_arn}
        if rules:
            destination["FilterArns"] = list(rules)
        self._clients.call(
            "events",
            "start_replay",
            ReplayName=name,
            EventSourceArn=archive.arn,
            EventStartTime=_time(from_ms),
            EventEndTime=_time(to_ms),
            Destination=destination,
        )

    def look(self, name: str) -> EventReplay:
        """Return where a replay stands."""
        found = self._clients.call("events", "describe_replay", ReplayName=name)
        return EventReplay(
            name=name,
            state=ReplayStanding(found["State"]),
            reason=found.get("StateReason"),
            from_ms=_ms(found, "EventStartTime"),
            to_ms=_ms(found, "EventEndTime"),
            last_event_ms=_ms(found, "EventLastReplayedTime"),
            started_at_ms=_ms(found, "ReplayStartTime"),
            ended_at_ms=_ms(found, "ReplayEndTime"),
        )

    def cancel(self, name: str) -> None:
        """Cancel a replay; what it has brought is not taken back."""
        self._clients.call("events", "cancel_replay", ReplayName=name)


def archive_name(arn: str) -> str:
    """Return the name in an archive's ARN.

    Raises:
        InvalidInputError: It is none.
    """
    return _parts(arn)[3]


def region_of(arn: str) -> str:
    """Return the AWS region in an archive's ARN.

    Raises:
        InvalidInputError: It is none.
    """
    return _parts(arn)[1]


def rule_arn(rule: str, archive: EventArchive) -> str:
    """Return the ARN of a rule of the archive's bus, given its name or ARN.

    Raises:
        InvalidInputError: It is neither.
    """
    if rule.startswith("arn:"):
        return rule
    if _RULE.fullmatch(rule) is None:
        raise InvalidInputError(f"--rule {rule}: write a rule's name or ARN")
    partition, region, account, _ = _parts(archive.arn)
    bus = archive.bus_arn.partition("event-bus/")[2]
    within = "" if bus == "default" else f"{bus}/"
    return f"arn:{partition}:events:{region}:{account}:rule/{within}{rule}"


def check_name(name: str) -> str:
    """Return a replay's name.

    Raises:
        InvalidInputError: AWS takes no such name.
    """
    if _NAME.fullmatch(name) is None:
        raise InvalidInputError(f"{name}: a replay's name is 1 to 64 of A-Z a-z 0-9 . - _")
    return name


def _parts(arn: str) -> tuple[str, str, str, str]:
    found = _ARCHIVE.fullmatch(arn)
    if found is None:
        raise InvalidInputError(
            f"{arn}: write an archive's ARN: arn:aws:events:REGION:ACCOUNT:archive/NAME"
        )
    return found[1], found[2], found[3], found[4]


def _time(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def _ms(found: Mapping[str, Any], name: str) -> int | None:
    value = found.get(name)
    if value is None:
        return None
    if not isinstance(value, datetime):
        raise AwsRefusedError(f"events describe_replay: {name} is no time")
    return round(value.timestamp() * 1000)
