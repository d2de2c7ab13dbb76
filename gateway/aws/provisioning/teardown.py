"""Which calls take away what set-up made, and nothing else.

Pure. What set-up made bears its tag; statements that it added to a policy of somebody else's bear
its sids.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from gateway.aws.provisioning.found import Found, FoundQueue
from gateway.aws.provisioning.policies import narrowed
from gateway.aws.provisioning.steps import Plan, Step
from gateway.aws.provisioning.wanted import SID_PREFIX, Wanted


def teardown_plan(wanted: Wanted, found: Found) -> Plan:
    """Return the steps, those first that stop messages from coming."""
    steps: list[Step] = []
    if wanted.event_source is not None:
        steps += _bus_path(wanted, found)
    for queue in (found.queue, found.dead_letter, found.undelivered):
        steps += _queue(wanted, queue)
    key = found.key
    if key is not None and (policy := narrowed(key.policy, SID_PREFIX)) is not None:
        parameters = {"KeyId": key.arn, "PolicyName": "default", "Policy": json.dumps(policy)}
        why = f"take the senders' rights on {key.named} back"
        steps.append(_removal("kms", "put_key_policy", parameters, why))
    return Plan(steps=steps)


def _bus_path(wanted: Wanted, found: Found) -> Iterator[Step]:
    rule, place = found.rule, {"EventBusName": wanted.bus}
    if rule is not None and rule.ours:
        ids = [one["Id"] for one in rule.targets]
        if ids:
            targets = {"Rule": wanted.rule, **place, "Ids": ids}
            yield _removal("events", "remove_targets", targets, "bring nothing any more")
        named = {"Name": wanted.rule, **place}
        yield _removal("events", "delete_rule", named, "match nothing any more")
    if found.bus is not None and found.bus.made_for(wanted.queue):
        why = "part from Amazon's event source, which stays and expires"
        yield _removal("events", "delete_event_bus", {"Name": wanted.bus}, why)


def _queue(wanted: Wanted, queue: FoundQueue | None) -> Iterator[Step]:
    if queue is None:
        return
    if queue.made_for(wanted.queue):
        lost = f"; {queue.messages} messages are lost" if queue.messages else ""
        why = f"{queue.name}{lost}"
        yield _removal("sqs", "delete_queue", {"QueueUrl": queue.url}, why)
    elif (policy := narrowed(queue.policy, SID_PREFIX)) is not None:
        # SQS takes an empty policy as none; a document without statements it refuses.
        text = json.dumps(policy) if policy["Statement"] else ""
        change = {"QueueUrl": queue.url, "Attributes": {"Policy": text}}
        why = f"{queue.name}: take the senders' rights back"
        yield _removal("sqs", "set_queue_attributes", change, why)


def _removal(service: str, operation: str, parameters: Mapping[str, object], why: str) -> Step:
    return Step(service=service, operation=operation, parameters=parameters, why=why, alters=True)
