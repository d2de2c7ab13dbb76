"""What has to stand in an AWS account before Amazon can send notifications to it.

It decides names, ARNs, who is granted what, and which attributes a queue is made with. Pure: the
account's number and the partition are told to it. Amazon's pages: "Set up notifications with Amazon
SQS", "Set up notifications with Amazon EventBridge"; AWS's: "Amazon SQS key management".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gateway.aws.provisioning.policies import Grant, document_of
from gateway.errors import InvalidInputError

NOTIFIER: Final = "arn:aws:iam::437568002678:root"
"""The account that Amazon sends notifications from."""

EVENTBRIDGE: Final = "events.amazonaws.com"
SOURCE_PREFIX: Final = "aws.partner/sellingpartnerapi.amazon.com/"
RETENTION_S: Final = 14 * 24 * 3600
"""The longest that SQS keeps a message: an outage of two weeks loses nothing."""

TAG: Final = "spapi-event-gateway"
"""Key of the tag on everything that set-up made; the value is the queue's name."""

MADE: Final = "Made by gateway aws setup"
"""Description of the rule that set-up made."""

SID_PREFIX: Final = "SpapiEventGateway"

_QUEUE_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,75}")
_SEND: Final = ("sqs:SendMessage", "sqs:GetQueueAttributes")
_USE_KEY: Final = ("kms:GenerateDataKey", "kms:Decrypt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One queue and what belongs to it.

    Attributes:
        kms_key: Id, ARN or alias of the customer-managed key that new queues are encrypted with;
            None for SQS's own encryption.
        event_source: Full name of the partner event source, or None where notifications come
            straight to the queue only.
        max_receives: After so many receives without a deletion SQS moves a message to the
            dead-letter queue.
    """

    queue: str
    region: str
    account: str
    kms_key: str | None = None
    event_source: str | None = None
    max_receives: int = 100

    def __post_init__(self) -> None:
        if self.queue.endswith(".fifo"):
            raise InvalidInputError(
                f"queue {self.queue!r} is a FIFO queue; Amazon sends notifications to standard "
                'queues only ("Set up notifications with Amazon SQS"): name a standard one'
            )
        if not _QUEUE_NAME.fullmatch(self.queue):
            raise InvalidInputError(
                f"queue {self.queue!r} is no name that can be used; write 1 to 75 letters, digits, "
                "hyphens and underscores"
            )
        if self.event_source is not None and not self.event_source.startswith(SOURCE_PREFIX):
            raise InvalidInputError(
                f"event source {self.event_source!r} is none of Amazon's Selling Partner API; "
                f"write {SOURCE_PREFIX}{self.account}/APPLICATION-ID"
            )

    @property
    def dead_letter_queue(self) -> str:
        """Where SQS moves what was received too often."""
        return f"{self.queue}-dlq"

    @property
    def undelivered_queue(self) -> str:
        """Where EventBridge puts what it can't bring to the queue."""
        return f"{self.queue}-lost"

    @property
    def bus(self) -> str:
        """A partner's bus must bear the name of its source ("CreateEventBus")."""
        assert self.event_source is not None
        return self.event_source

    @property
    def rule(self) -> str:
        """One rule of the bus for each queue; its name may have 64 characters."""
        return self.queue[:64]

    @property
    def rule_arn(self) -> str:
        """What the policies of both queues of the rule are bound to."""
        return f"arn:aws:events:{self.region}:{self.account}:rule/{self.bus}/{self.rule}"

    @property
    def event_pattern(self) -> Mapping[str, Any]:
        """All that comes from the source: which types come is said by subscriptions."""
        return {"source": [{"prefix": SOURCE_PREFIX}]}

    def queue_arn(self, name: str) -> str:
        """Return the ARN of a queue of this account."""
        return f"arn:aws:sqs:{self.region}:{self.account}:{name}"

    def tags(self) -> dict[str, str]:
        """Return what marks a thing as made by set-up."""
        return {TAG: self.queue}


def queue_grants(wanted: Wanted) -> tuple[Grant, ...]:
    """Return who must be able to send to the queue."""
    arn = wanted.queue_arn(wanted.queue)
    direct = Grant(
        sid=f"{SID_PREFIX}Notifications",
        principal=("AWS", NOTIFIER),
        actions=_SEND,
        resource=arn,
        why="Amazon sends notifications to the queue and looks at it before it does",
    )
    return (direct,) if wanted.event_source is None else (direct, _of_rule(wanted, arn))


def undelivered_grants(wanted: Wanted) -> tuple[Grant, ...]:
    """Return who must be able to send to the rule's own dead-letter queue."""
    return (_of_rule(wanted, wanted.queue_arn(wanted.undelivered_queue)),)


def _of_rule(wanted: Wanted, queue_arn: str) -> Grant:
    return Grant(
        sid=f"{SID_PREFIX}Rule",
        principal=("Service", EVENTBRIDGE),
        actions=("sqs:SendMessage",),
        resource=queue_arn,
        source_arn=wanted.rule_arn,
        why="EventBridge brings what the rule matches",
    )


def key_grants(wanted: Wanted) -> tuple[Grant, ...]:
    """Return who must be able to use the queue's key; in a key's policy `*` is the key itself."""
    senders = [("Notifications", ("AWS", NOTIFIER))]
    if wanted.event_source is not None:
        senders.append(("Rule", ("Service", EVENTBRIDGE)))
    return tuple(
        Grant(
            sid=f"{SID_PREFIX}{name}",
            principal=principal,
            actions=_USE_KEY,
            resource="*",
            why="a message of an encrypted queue is encrypted in the sender's name",
        )
        for name, principal in senders
    )


def dead_letter_attributes(wanted: Wanted) -> dict[str, str]:
    """Return what a dead-letter queue is made with."""
    return {"MessageRetentionPeriod": str(RETENTION_S), **_encryption(wanted)}


def undelivered_attributes(wanted: Wanted) -> dict[str, str]:
    """Return what the rule's dead-letter queue is made with."""
    return {
        **dead_letter_attributes(wanted),
        "Policy": json.dumps(document_of(undelivered_grants(wanted))),
    }


def queue_attributes(wanted: Wanted) -> dict[str, str]:
    """Return what the queue is made with."""
    return {
        "MessageRetentionPeriod": str(RETENTION_S),
        "ReceiveMessageWaitTimeSeconds": "20",
        **_encryption(wanted),
        "RedrivePolicy": redrive_policy(wanted),
        "Policy": json.dumps(document_of(queue_grants(wanted))),
    }


def redrive_policy(wanted: Wanted) -> str:
    """Return the attribute that leads to the dead-letter queue."""
    target = wanted.queue_arn(wanted.dead_letter_queue)
    return json.dumps({"deadLetterTargetArn": target, "maxReceiveCount": wanted.max_receives})


def _encryption(wanted: Wanted) -> dict[str, str]:
    if wanted.kms_key is None:
        return {"SqsManagedSseEnabled": "true"}
    return {"KmsMasterKeyId": wanted.kms_key}
