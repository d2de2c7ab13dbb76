"""Which calls lead from what is found to what is wanted.

Pure. It makes what is missing, adds to policies what they lack, lengthens a retention that is too
short, and touches nothing else: what is there and good enough stays as somebody made it. Run on its
own result it plans nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from gateway.aws.provisioning.found import Found, FoundKey, FoundQueue, FoundRule
from gateway.aws.provisioning.policies import Grant, lacking, widened
from gateway.aws.provisioning.steps import Plan, Step
from gateway.aws.provisioning.wanted import (
    MADE,
    RETENTION_S,
    Wanted,
    dead_letter_attributes,
    key_grants,
    queue_attributes,
    queue_grants,
    redrive_policy,
    undelivered_attributes,
    undelivered_grants,
)
from gateway.errors import ConflictError

_TARGET_ID = "queue"
# What EventBridge does unless told otherwise, written down: 24 hours, 185 tries.
_RETRIES = {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185}


def setup_plan(wanted: Wanted, found: Found) -> Plan:
    """Return the steps that are left to take.

    Raises:
        ConflictError: What exists contradicts what is wanted, and is not set-up's to change.
    """
    _refuse(wanted, found)
    steps = [*_key(wanted, found.key), *_dead_letter(wanted, found), *_queue(wanted, found.queue)]
    waits: list[str] = []
    if wanted.event_source is not None:
        if found.source is None or found.source.state == "DELETED":
            waits.append(
                f"the event source {wanted.event_source} is not in {wanted.region} yet: it appears "
                "once Amazon has made the EventBridge destination; then run set-up again"
            )
        else:
            steps += _bus_path(wanted, found)
    return Plan(steps=steps, waits=waits)


def _refuse(wanted: Wanted, found: Found) -> None:
    queue, key = found.queue, found.key
    if key is not None and key.aws_managed:
        raise ConflictError(
            f"{key.named} is a key of AWS's own, whose policy can't be changed, so Amazon's "
            "account can't use it: name a customer-managed key, or let SQS encrypt with its own"
        )
    if key is None and (named := (queue.kms_key if queue else wanted.kms_key)) is not None:
        raise ConflictError(f"there is no key {named} in {wanted.region}: name one that exists")
    if queue is None or wanted.kms_key is None:
        return
    if key is None or wanted.kms_key not in (queue.kms_key, key.arn, key.arn.rpartition("/")[2]):
        raise ConflictError(
            f"queue {queue.name} is encrypted with {queue.kms_key or 'keys of SQS'}, not with "
            f"{wanted.kms_key}: set-up doesn't change that; leave the key out, or change the queue"
        )


def _key(wanted: Wanted, key: FoundKey | None) -> Iterator[Step]:
    if key is None or not (added := lacking(key.policy, key_grants(wanted))):
        return
    parameters = {
        "KeyId": key.arn,
        "PolicyName": "default",
        "Policy": json.dumps(widened(key.policy, added)),
    }
    yield Step(
        service="kms",
        operation="put_key_policy",
        parameters=parameters,
        why=f"let the senders use {key.named}",
        alters=True,
        adds=[grant.statement() for grant in added],
    )


def _dead_letter(wanted: Wanted, found: Found) -> Iterator[Step]:
    queue, target = found.queue, found.dead_letter
    if target is not None:
        yield from _retention(target)
    elif queue is None or queue.redrive_target is None:
        attributes = dead_letter_attributes(wanted)
        if queue is not None and queue.kms_key is None:
            attributes = {**attributes, "SqsManagedSseEnabled": "true"}
        yield _create(wanted, wanted.dead_letter_queue, attributes, "what fails too often")
    else:
        raise ConflictError(
            f"queue {queue.name} leads to {queue.redrive_target}, which does not exist: make that "
            "queue, or take the redrive policy away"
        )


def _queue(wanted: Wanted, queue: FoundQueue | None) -> Iterator[Step]:
    if queue is None:
        yield _create(wanted, wanted.queue, queue_attributes(wanted), "where notifications come")
        return
    yield from _retention(queue)
    if queue.redrive_target is None:
        attributes = {"RedrivePolicy": redrive_policy(wanted)}
        yield _set(queue, attributes, f"lead what fails to {wanted.dead_letter_queue}")
    yield from _queue_policy(queue, queue_grants(wanted))


def _bus_path(wanted: Wanted, found: Found) -> Iterator[Step]:
    if found.bus is None:
        parameters: dict[str, Any] = {
            "Name": wanted.bus,
            "EventSourceName": wanted.event_source,
            "Tags": _event_tags(wanted),
        }
        why = "take Amazon's events in"
        yield Step(service="events", operation="create_event_bus", parameters=parameters, why=why)
    if found.undelivered is None:
        attributes = undelivered_attributes(wanted)
        yield _create(wanted, wanted.undelivered_queue, attributes, "what EventBridge can't bring")
    else:
        yield from _retention(found.undelivered)
        yield from _queue_policy(found.undelivered, undelivered_grants(wanted))
    yield from _rule(wanted, found.rule)


def _rule(wanted: Wanted, rule: FoundRule | None) -> Iterator[Step]:
    place = {"EventBusName": wanted.bus}
    if rule is not None and not rule.ours and not rule.enabled:
        raise ConflictError(
            f"rule {wanted.rule} is disabled, by somebody else: enable or delete it"
        )
    if rule is None or (rule.ours and not (rule.enabled and rule.pattern == wanted.event_pattern)):
        parameters: dict[str, Any] = {
            "Name": wanted.rule,
            **place,
            "EventPattern": json.dumps(wanted.event_pattern),
            "State": "ENABLED",
            "Description": MADE,
        }
        if rule is None:  # PutRule changes no tags of a rule that exists
            parameters["Tags"] = _event_tags(wanted)
        yield Step(
            service="events",
            operation="put_rule",
            parameters=parameters,
            why="match every notification",
            alters=rule is not None,
        )
    queue_arn = wanted.queue_arn(wanted.queue)
    target = rule.target(queue_arn) if rule else None
    if target is None or not target.get("DeadLetterConfig"):
        lost = {"Arn": wanted.queue_arn(wanted.undelivered_queue)}
        made = {"Id": _TARGET_ID, "Arn": queue_arn, "RetryPolicy": _RETRIES}
        # What somebody else set on the target, such as an InputPath, stays.
        wanted_target = {**made, **(target or {}), "DeadLetterConfig": lost}
        yield Step(
            service="events",
            operation="put_targets",
            parameters={"Rule": wanted.rule, **place, "Targets": [wanted_target]},
            why="bring them to the queue",
            alters=target is not None,
        )


def _queue_policy(queue: FoundQueue, grants: tuple[Grant, ...]) -> Iterator[Step]:
    added = lacking(queue.policy, grants)
    if added:
        attributes = {"Policy": json.dumps(widened(queue.policy, added))}
        statements = [grant.statement() for grant in added]
        yield _set(queue, attributes, "let the senders in", adds=statements)


def _retention(queue: FoundQueue) -> Iterator[Step]:
    if queue.retention_s < RETENTION_S:
        yield _set(queue, {"MessageRetentionPeriod": str(RETENTION_S)}, "keep messages for 14 days")


def _set(queue: FoundQueue, attributes: dict[str, str], why: str, *, adds: Any = ()) -> Step:
    return Step(
        service="sqs",
        operation="set_queue_attributes",
        parameters={"QueueUrl": queue.url, "Attributes": attributes},
        why=f"{queue.name}: {why}",
        alters=True,
        adds=adds,
    )


def _create(wanted: Wanted, name: str, attributes: dict[str, str], why: str) -> Step:
    parameters = {"QueueName": name, "Attributes": attributes, "tags": wanted.tags()}
    return Step(
        service="sqs", operation="create_queue", parameters=parameters, why=f"{name}: {why}"
    )


def _event_tags(wanted: Wanted) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in wanted.tags().items()]
