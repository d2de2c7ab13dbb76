"""An account in which all is well, to be broken in one place by each test."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from gateway.aws.provisioning.found import (
    Found,
    FoundBus,
    FoundKey,
    FoundQueue,
    FoundRule,
    FoundSource,
)
from gateway.aws.provisioning.policies import document_of
from gateway.aws.provisioning.wanted import (
    MADE,
    TAG,
    Wanted,
    dead_letter_attributes,
    key_grants,
    queue_attributes,
    undelivered_attributes,
)

ACCOUNT = "111122223333"
SOURCE = f"aws.partner/sellingpartnerapi.amazon.com/{ACCOUNT}/amzn1.sellerapps.app.x"
KEY_ARN = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/k-1"


def wanted(**changes: Any) -> Wanted:
    values = {"queue": "orders", "region": "eu-west-1", "account": ACCOUNT}
    return Wanted(**{**values, "event_source": SOURCE, **changes})


def queue(want: Wanted, name: str, attributes: dict[str, str]) -> FoundQueue:
    return FoundQueue(
        url=f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/{name}",
        arn=want.queue_arn(name),
        attributes=attributes,
        tags={TAG: want.queue},
    )


def whole(want: Wanted) -> Found:
    """What is there after set-up."""
    key = None
    if want.kms_key is not None:
        policy = document_of(key_grants(want))
        key = FoundKey(named=want.kms_key, arn=KEY_ARN, aws_managed=False, policy=policy)
    direct = Found(
        queue=queue(want, want.queue, queue_attributes(want)),
        dead_letter=queue(want, want.dead_letter_queue, dead_letter_attributes(want)),
        key=key,
    )
    return direct if want.event_source is None else _with_bus(want, direct)


def _with_bus(want: Wanted, direct: Found) -> Found:
    target = {
        "Id": "queue",
        "Arn": want.queue_arn(want.queue),
        "DeadLetterConfig": {"Arn": want.queue_arn(want.undelivered_queue)},
    }
    return replace(
        direct,
        undelivered=queue(want, want.undelivered_queue, undelivered_attributes(want)),
        source=FoundSource(name=SOURCE, state="ACTIVE"),
        bus=FoundBus(arn="arn:bus", tags={TAG: want.queue}),
        rule=FoundRule(
            arn=want.rule_arn,
            enabled=True,
            pattern=want.event_pattern,
            targets=[target],
            description=MADE,
        ),
    )


def with_queue(found: Found, **attributes: str) -> Found:
    """The same with other attributes of the queue; an empty one is taken away."""
    assert found.queue is not None
    merged = {**found.queue.attributes, **attributes}
    kept = {name: value for name, value in merged.items() if value}
    return replace(found, queue=replace(found.queue, attributes=kept))


def with_policy(found: Found, *statements: dict[str, Any]) -> Found:
    return with_queue(found, Policy=json.dumps({"Statement": list(statements)}))
