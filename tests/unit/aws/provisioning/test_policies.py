"""What a policy grants is read as AWS reads it, and never more favourably."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.aws.provisioning.policies import (
    Grant,
    document_of,
    judged,
    lacking,
    missing_actions,
    narrowed,
    widened,
)

QUEUE = "arn:aws:sqs:eu-west-1:111122223333:orders"
RULE = "arn:aws:events:eu-west-1:111122223333:rule/bus/orders"
AMAZON = Grant(
    sid="Amazon",
    principal=("AWS", "arn:aws:iam::437568002678:root"),
    actions=("sqs:SendMessage", "sqs:GetQueueAttributes"),
    resource=QUEUE,
    why="to send",
)
BUS = Grant(
    sid="Bus",
    principal=("Service", "events.amazonaws.com"),
    actions=("sqs:SendMessage",),
    resource=QUEUE,
    source_arn=RULE,
    why="to bring",
)


def statement(grant: Grant = AMAZON, **changes: Any) -> dict[str, Any]:
    changed = {**grant.statement(), **changes}
    return {name: value for name, value in changed.items() if value is not None}


def missing(*statements: dict[str, Any], grant: Grant = AMAZON) -> tuple[str, ...]:
    return missing_actions({"Statement": list(statements)}, grant)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"Principal": {"AWS": "437568002678"}},
        {"Principal": {"AWS": ["222233334444", "437568002678"]}},
        {"Principal": "*"},
        {"Principal": {"AWS": "*"}},
        {"Action": "sqs:*"},
        {"Action": "SQS:*"},
        {"Action": "*"},
        {"Action": ["sqs:Get*", "sqs:sendmessage"]},
        {"Resource": "*"},
        {"Resource": "arn:aws:sqs:*:111122223333:ord*"},
    ],
)
def test_what_allows(changes: dict[str, Any]) -> None:
    assert missing(statement(**changes)) == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"Effect": "Deny"},
        {"Principal": {"AWS": "437568002679"}},
        {"Principal": {"AWS": "arn:aws:iam::437568002678:user/x"}},
        {"Principal": {"Service": "437568002678"}},
        {"Principal": None, "NotPrincipal": {"AWS": "222233334444"}},
        {"Action": "sqs:Receive*"},
        {"Action": None, "NotAction": "sqs:DeleteQueue"},
        {"Resource": f"{QUEUE}-other"},
        {"Resource": None},
        {"Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}}},
        {"Condition": {"ArnEquals": {"aws:SourceArn": RULE}}},
    ],
)
def test_what_does_not_allow(changes: dict[str, Any]) -> None:
    assert missing(statement(**changes)) == AMAZON.actions


def test_rights_may_come_from_several_statements() -> None:
    send, look = statement(Action="sqs:SendMessage"), statement(Action="sqs:GetQueueAttributes")
    assert missing(send) == ("sqs:GetQueueAttributes",)
    assert missing(send, look) == ()
    assert missing_actions({"Statement": statement()}, AMAZON) == (), "one alone, without a list"
    assert missing_actions({}, AMAZON) == AMAZON.actions


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (None, True),
        ({"ArnEquals": {"aws:SourceArn": RULE}}, True),
        ({"ArnLike": {"AWS:SourceArn": ["arn:other", RULE[:-3] + "*"]}}, True),
        ({"ArnEquals": {"aws:SourceArn": f"{RULE}2"}}, False),
        ({"ArnNotEquals": {"aws:SourceArn": RULE}}, False),
        ({"ArnEquals": {"aws:SourceArn": RULE}, "Bool": {"aws:SecureTransport": True}}, False),
    ],
)
def test_conditions_of_the_rule(condition: Any, holds: bool) -> None:
    assert (missing(statement(BUS, Condition=condition), grant=BUS) == ()) is holds


def test_widening_keeps_what_is_there() -> None:
    mine = statement(Sid="Bus", Principal={"AWS": "222233334444"})
    document = {"Version": "2008-10-17", "Id": "mine", "Statement": mine}
    wider = widened(document, lacking(document, [AMAZON, BUS]))
    assert wider["Id"] == "mine"
    assert wider["Statement"][0] == mine
    assert [one["Sid"] for one in wider["Statement"]] == ["Bus", "Amazon", "Bus2"]
    assert lacking(wider, [AMAZON, BUS]) == []
    assert narrowed(wider, "Amazon") == {**wider, "Statement": [mine, wider["Statement"][2]]}
    assert narrowed(document, "Amazon") is None


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "needed"),
        ({"Principal": "*"}, "open"),
        ({"Resource": f"{QUEUE}-other"}, "wrong_resource"),
        ({"Principal": {"AWS": "222233334444"}}, "wrong_principal"),
        ({"Principal": {"Service": "sns.amazonaws.com"}}, "wrong_principal"),
        ({"Principal": {"AWS": "arn:aws:iam::111122223333:role/mine"}}, "other"),
        ({"Condition": {"StringEquals": {"aws:SourceAccount": "1"}}}, "conditional"),
        ({"Effect": "Deny"}, "denies"),
        ({"Effect": "Deny", "Principal": "*", "Action": "sqs:*"}, "denies"),
        ({"Effect": "Deny", "Condition": {"StringNotEquals": {"aws:SourceVpce": "v"}}}, "may_deny"),
        ({"Effect": "Deny", "Principal": None, "NotPrincipal": {"AWS": "1"}}, "may_deny"),
        (
            {
                "Effect": "Deny",
                "Principal": "*",
                "Condition": {"Bool": {"aws:SecureTransport": False}},
            },
            "other",
        ),
        ({"Effect": "Deny", "Action": "sqs:DeleteQueue"}, "other"),
    ],
)
def test_each_statement_is_judged(changes: dict[str, Any], verdict: str) -> None:
    (one,) = judged({"Statement": [statement(**changes)]}, [AMAZON, BUS])
    assert one.verdict == verdict, one.what
    assert one.sid == "Amazon"


def test_a_document_of_grants_gives_exactly_them() -> None:
    document = document_of([AMAZON, BUS])
    assert lacking(document, [AMAZON, BUS]) == []
    assert {one.verdict for one in judged(document, [AMAZON, BUS])} == {"needed"}
