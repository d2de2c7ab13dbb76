"""What stands in an AWS account, as far as notifications are concerned."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.aws.provisioning.policies import Document
from gateway.aws.provisioning.wanted import MADE, TAG

DEAD_LETTER: Final = "dead-letter queue"
KEY: Final = "key"
EVENTS: Final = "event source, bus and rule"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundQueue:
    """A queue that exists."""

    url: str
    arn: str
    attributes: Mapping[str, str]
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Last part of its ARN."""
        return self.arn.rpartition(":")[2]

    def made_for(self, queue: str) -> bool:
        """Return whether set-up made it, for the queue of this name."""
        return self.tags.get(TAG) == queue

    @property
    def policy(self) -> Document:
        """Its policy; empty where it has none."""
        return _json(self.attributes.get("Policy"))

    @property
    def redrive_target(self) -> str | None:
        """ARN of its dead-letter queue."""
        return _json(self.attributes.get("RedrivePolicy")).get("deadLetterTargetArn")

    @property
    def retention_s(self) -> int:
        """How long it keeps a message."""
        return int(self.attributes.get("MessageRetentionPeriod", "345600"))

    @property
    def kms_key(self) -> str | None:
        """What it names as its key, if any."""
        return self.attributes.get("KmsMasterKeyId") or None

    @property
    def waiting(self) -> int:
        """About how many messages nobody has in hand."""
        return int(self.attributes.get("ApproximateNumberOfMessages", "0"))

    @property
    def messages(self) -> int:
        """About how many messages it holds, those in flight among them."""
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        return sum(int(self.attributes.get(name, "0")) for name in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundKey:
    """The key that the queue is, or shall be, encrypted with.

    Attributes:
        named: As the queue or the caller names it.
        aws_managed: Such a key's policy can't be changed, so no other account can use it.
        enabled: Whether it is of use now.
    """

    named: str
    arn: str
    aws_managed: bool
    policy: Document = field(default_factory=dict)
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSource:
    """A partner event source.

    Attributes:
        state: `PENDING` until a bus is made for it, `ACTIVE`, or `DELETED`.
        expires_at: When a pending one vanishes, in AWS's words.
    """

    name: str
    state: str
    expires_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRule:
    """The rule that leads to the queue, with its targets."""

    arn: str
    enabled: bool
    pattern: Mapping[str, Any]
    targets: Sequence[Mapping[str, Any]]
    description: str = ""

    @property
    def ours(self) -> bool:
        """Whether set-up made it; a rule says so itself, which spares a call for its tags."""
        return self.description == MADE

    def target(self, queue_arn: str) -> Mapping[str, Any] | None:
        """Return the target that is the queue."""
        return next((one for one in self.targets if one.get("Arn") == queue_arn), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundBus:
    """The bus of a partner event source."""

    arn: str
    tags: Mapping[str, str] = field(default_factory=dict)

    def made_for(self, queue: str) -> bool:
        """Return whether set-up made it, for the queue of this name."""
        return self.tags.get(TAG) == queue


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """All of it; what isn't there is None.

    Attributes:
        dead_letter: What the queue's redrive policy names, else the queue that set-up would make.
        undelivered: The rule's own dead-letter queue.
        unread: What AWS refused to show (`KEY`, …), with its refusal; nothing is known of it.
    """

    queue: FoundQueue | None = None
    dead_letter: FoundQueue | None = None
    undelivered: FoundQueue | None = None
    key: FoundKey | None = None
    source: FoundSource | None = None
    bus: FoundBus | None = None
    rule: FoundRule | None = None
    unread: Mapping[str, str] = field(default_factory=dict)


def _json(text: str | None) -> Mapping[str, Any]:
    value = json.loads(text) if text else {}
    return value if isinstance(value, Mapping) else {}
