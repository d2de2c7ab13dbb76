"""Reads what stands in an AWS account. It changes nothing and judges nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

from gateway.aws.provisioning.clients import AwsRefusedError, Clients
from gateway.aws.provisioning.found import (
    DEAD_LETTER,
    EVENTS,
    KEY,
    Found,
    FoundBus,
    FoundKey,
    FoundQueue,
    FoundRule,
    FoundSource,
)
from gateway.aws.provisioning.wanted import Wanted

T = TypeVar("T")


def account_of(clients: Clients) -> tuple[str, str]:
    """Return the number of the account that the credentials are of, and its partition."""
    identity = clients.call("sts", "get_caller_identity")
    return str(identity["Account"]), str(identity["Arn"]).split(":")[1]


def read(clients: Clients, wanted: Wanted) -> Found:
    """Return what is there of all that is wanted.

    Raises:
        AwsRefusedError: A call failed.
    """
    return _read(clients, wanted, None)


def read_in_part(clients: Clients, wanted: Wanted, url: str) -> Found:
    """Return what is there of all that is wanted, as far as AWS shows it; the rest is `unread`.

    Queues are read by their URLs and without their tags, so that `sqs:GetQueueAttributes` is right
    enough; a dead-letter queue is always beside its queue.

    Raises:
        AwsRefusedError: Not even the queue can be read.
    """
    return _read(clients, wanted, {}, url)


def _read(
    clients: Clients, wanted: Wanted, unread: dict[str, str] | None, url: str | None = None
) -> Found:
    def allowed(what: str, look: Callable[[], T]) -> T | None:
        try:
            return look()
        except AwsRefusedError as exc:
            if unread is None:
                raise
            unread[what] = str(exc)
            return None

    def named(name: str) -> FoundQueue | None:
        if url is None:
            return _queue(clients, name)
        return _queue_at(clients, f"{url.rpartition('/')[0]}/{name}", tags=False)

    queue = named(wanted.queue)
    target = queue.redrive_target if queue else None
    dead_letter = target.rpartition(":")[2] if target else wanted.dead_letter_queue
    named_key = (queue.kms_key if queue else None) or (None if queue else wanted.kms_key)
    found: dict[str, Any] = {"queue": queue}
    if target or url is None:
        found["dead_letter"] = allowed(DEAD_LETTER, lambda: named(dead_letter))
    if named_key:
        found["key"] = allowed(KEY, lambda: _key(clients, named_key))
    if wanted.event_source is not None:
        tags = url is None
        found.update(allowed(EVENTS, lambda: _bus_path(clients, wanted, named, tags=tags)) or {})
    return Found(**found, unread=unread or {})


def _bus_path(
    clients: Clients,
    wanted: Wanted,
    named: Callable[[str], FoundQueue | None],
    *,
    tags: bool,
) -> dict[str, Any]:
    assert wanted.event_source is not None
    bus = _bus(clients, wanted.bus, tags=tags)
    return {
        "undelivered": named(wanted.undelivered_queue),
        "source": _source(clients, wanted.event_source),
        "bus": bus,
        "rule": _rule(clients, wanted) if bus else None,
    }


def _queue(clients: Clients, name: str) -> FoundQueue | None:
    there = clients.find("sqs", "get_queue_url", QueueName=name)
    return None if there is None else _queue_at(clients, str(there["QueueUrl"]), tags=True)


def _queue_at(clients: Clients, url: str, *, tags: bool) -> FoundQueue | None:
    answer = clients.find("sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=["All"])
    if answer is None:
        return None
    attributes = answer.get("Attributes") or {}
    tagged = clients.call("sqs", "list_queue_tags", QueueUrl=url) if tags else {}
    return FoundQueue(
        url=url,
        arn=attributes["QueueArn"],
        attributes=attributes,
        tags=tagged.get("Tags") or {},
    )


def _key(clients: Clients, named: str) -> FoundKey | None:
    answer = clients.find("kms", "describe_key", KeyId=named)
    if answer is None:
        return None
    about = answer["KeyMetadata"]
    if about.get("KeyManager") == "AWS":
        return FoundKey(named=named, arn=about["Arn"], aws_managed=True)
    policy = clients.call("kms", "get_key_policy", KeyId=about["KeyId"], PolicyName="default")
    return FoundKey(
        named=named,
        arn=about["Arn"],
        aws_managed=False,
        policy=json.loads(policy["Policy"]),
        enabled=about.get("KeyState", "Enabled") == "Enabled",
    )


def _source(clients: Clients, name: str) -> FoundSource | None:
    answer = clients.find("events", "describe_event_source", Name=name)
    if answer is None or not answer.get("Name"):
        return None
    expires = answer.get("ExpirationTime")
    return FoundSource(
        name=name,
        state=str(answer.get("State", "")),
        expires_at=expires.isoformat() if expires else None,
    )


def _bus(clients: Clients, name: str, *, tags: bool) -> FoundBus | None:
    answer = clients.find("events", "describe_event_bus", Name=name)
    if answer is None:
        return None
    arn = str(answer["Arn"])
    if not tags:
        return FoundBus(arn=arn)
    tagged = clients.call("events", "list_tags_for_resource", ResourceARN=arn).get("Tags") or ()
    return FoundBus(arn=arn, tags={tag["Key"]: tag["Value"] for tag in tagged})


def _rule(clients: Clients, wanted: Wanted) -> FoundRule | None:
    place = {"EventBusName": wanted.bus}
    answer = clients.find("events", "describe_rule", Name=wanted.rule, **place)
    if answer is None:
        return None
    targets = clients.call("events", "list_targets_by_rule", Rule=wanted.rule, **place)
    return FoundRule(
        arn=str(answer["Arn"]),
        enabled=answer.get("State") != "DISABLED",
        pattern=json.loads(answer.get("EventPattern") or "{}"),
        targets=targets.get("Targets") or (),
        description=str(answer.get("Description") or ""),
    )
