"""Set-up and teardown do what is left to do, and touch nothing of others."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from gateway.aws.provisioning.found import Found, FoundKey, FoundSource
from gateway.aws.provisioning.setup import setup_plan
from gateway.aws.provisioning.steps import Plan
from gateway.aws.provisioning.teardown import teardown_plan
from gateway.errors import ConflictError, InvalidInputError
from tests.unit.aws.provisioning.world import (
    KEY_ARN,
    SOURCE,
    wanted,
    whole,
    with_policy,
    with_queue,
)

PENDING = FoundSource(name=SOURCE, state="PENDING")


def operations(plan: Plan) -> list[str]:
    return [step.operation for step in plan.steps]


def test_from_nothing_each_thing_is_made_and_nothing_altered() -> None:
    plan = setup_plan(wanted(), Found(source=PENDING))
    assert operations(plan) == [
        "create_queue",
        "create_queue",
        "create_event_bus",
        "create_queue",
        "put_rule",
        "put_targets",
    ]
    assert not plan.alters
    assert not plan.waits


@pytest.mark.parametrize("changes", [{}, {"kms_key": "alias/mine"}, {"event_source": None}])
def test_what_stands_needs_no_call(changes: dict[str, Any]) -> None:
    want = wanted(**changes)
    assert setup_plan(want, whole(want)).steps == []


def test_the_bus_waits_for_amazon() -> None:
    plan = setup_plan(wanted(), Found())
    assert operations(plan) == ["create_queue", "create_queue"]
    assert SOURCE in plan.waits[0]


@pytest.mark.parametrize("name", ["orders.fifo", "", "a b", "x" * 76])
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(InvalidInputError, match="queue"):
        wanted(queue=name)
    with pytest.raises(InvalidInputError, match="event source"):
        wanted(event_source="aws.partner/example.com/1/2")


def test_a_policy_is_widened_in_the_open() -> None:
    mine = {"Sid": "Mine", "Effect": "Allow", "Principal": "*", "Action": "sqs:GetQueueUrl"}
    plan = setup_plan(wanted(), with_policy(whole(wanted()), mine))
    (step,) = plan.steps
    assert plan.alters
    assert [one["Sid"] for one in step.adds] == [
        "SpapiEventGatewayNotifications",
        "SpapiEventGatewayRule",
    ]
    written = json.loads(step.parameters["Attributes"]["Policy"])["Statement"]
    assert written == [mine, *step.adds]


def test_short_retention_and_no_dead_letters_are_mended() -> None:
    found = with_queue(whole(wanted()), MessageRetentionPeriod="345600", RedrivePolicy="")
    plan = setup_plan(wanted(), replace(found, dead_letter=None))
    assert operations(plan) == ["create_queue", "set_queue_attributes", "set_queue_attributes"]
    assert [list(step.parameters["Attributes"]) for step in plan.steps[1:]] == [
        ["MessageRetentionPeriod"],
        ["RedrivePolicy"],
    ]


def test_a_key_is_widened_and_never_replaced() -> None:
    want = wanted(kms_key="alias/mine")
    key = FoundKey(named="alias/mine", arn=KEY_ARN, aws_managed=False, policy={"Statement": []})
    (step,) = setup_plan(want, replace(whole(want), key=key)).steps
    assert (step.operation, step.alters, len(step.adds)) == ("put_key_policy", True, 2)
    with pytest.raises(ConflictError, match="doesn't change that"):
        setup_plan(wanted(kms_key="alias/other"), whole(want))
    with pytest.raises(ConflictError, match="doesn't change that"):
        setup_plan(want, whole(wanted()))
    with pytest.raises(ConflictError, match="of AWS's own"):
        setup_plan(want, replace(whole(want), key=replace(key, aws_managed=True)))
    with pytest.raises(ConflictError, match="no key alias/mine"):
        setup_plan(want, Found())


def test_a_redrive_policy_that_leads_nowhere_is_not_ours_to_mend() -> None:
    with pytest.raises(ConflictError, match="does not exist"):
        setup_plan(wanted(), replace(whole(wanted()), dead_letter=None))


def test_a_rule_of_somebody_elses_stays() -> None:
    found = whole(wanted())
    assert found.rule is not None
    foreign = replace(found.rule, description="", pattern={"source": [SOURCE]})
    assert setup_plan(wanted(), replace(found, rule=foreign)).steps == []
    with pytest.raises(ConflictError, match="disabled"):
        setup_plan(wanted(), replace(found, rule=replace(foreign, enabled=False)))
    ours = replace(found.rule, enabled=False)
    (step,) = setup_plan(wanted(), replace(found, rule=ours)).steps
    assert (step.operation, step.alters) == ("put_rule", True)
    assert "Tags" not in step.parameters


def test_a_target_keeps_what_somebody_else_set() -> None:
    found = whole(wanted())
    assert found.rule is not None
    target = {"Id": "t", "Arn": wanted().queue_arn("orders"), "InputPath": "$.detail"}
    rule = replace(found.rule, targets=[target])
    (step,) = setup_plan(wanted(), replace(found, rule=rule)).steps
    (written,) = step.parameters["Targets"]
    assert written["Id"] == "t"
    assert written["InputPath"] == "$.detail"
    assert written["DeadLetterConfig"]["Arn"].endswith(":orders-lost")


def test_teardown_takes_all_that_set_up_made() -> None:
    want = wanted(kms_key="alias/mine")
    plan = teardown_plan(want, whole(want))
    assert operations(plan) == [
        "remove_targets",
        "delete_rule",
        "delete_event_bus",
        "delete_queue",
        "delete_queue",
        "delete_queue",
        "put_key_policy",
    ]
    assert all(step.alters for step in plan.steps)
    assert teardown_plan(want, Found()).steps == []


def test_teardown_leaves_what_others_made() -> None:
    found = whole(wanted())
    assert found.queue
    assert found.dead_letter
    assert found.bus
    assert found.rule
    foreign = Found(
        queue=replace(found.queue, tags={}),
        dead_letter=replace(found.dead_letter, tags={"spapi-event-gateway": "other"}),
        undelivered=None,
        bus=replace(found.bus, tags={}),
        rule=replace(found.rule, description="mine"),
    )
    (step,) = teardown_plan(wanted(), foreign).steps
    assert step.operation == "set_queue_attributes"
    assert step.parameters["Attributes"] == {"Policy": ""}


def test_teardown_says_what_is_lost() -> None:
    found = with_queue(whole(wanted()), ApproximateNumberOfMessages="7")
    assert any("7 messages are lost" in step.why for step in teardown_plan(wanted(), found).steps)
