"""Each broken set-up is named, with what comes of it and the mend; a whole one has no faults."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gateway.aws.provisioning.checks import check, matches_source
from gateway.aws.provisioning.found import Found, FoundKey, FoundSource
from gateway.aws.provisioning.policies import document_of
from gateway.aws.provisioning.wanted import queue_grants
from gateway.doctor.kinds import KINDS
from gateway.findings import Level
from tests.unit.aws.provisioning.world import (
    KEY_ARN,
    SOURCE,
    wanted,
    whole,
    with_policy,
    with_queue,
)

KEYED = wanted(kms_key="alias/mine")
AMAZONS, RULES = (grant.statement() for grant in queue_grants(wanted()))


def ruled(found: Found, **changes: Any) -> Found:
    assert found.rule is not None
    return replace(found, rule=replace(found.rule, **changes))


def keyed(**changes: Any) -> Callable[[Found], Found]:
    def change(_: Found) -> Found:
        found = whole(KEYED)
        key: FoundKey | None = replace(found.key, **changes) if changes and found.key else None
        return replace(found, key=key)

    return change


BROKEN: list[tuple[str, Callable[[Found], Found], str]] = [
    ("fault", lambda _: Found(), "does not exist in eu-west-1"),
    (
        "fault",
        lambda found: with_policy(found, {**AMAZONS, "Principal": {"AWS": "437568002679"}}, RULES),
        "does not allow arn:aws:iam::437568002678:root sqs:SendMessage, sqs:GetQueueAttributes",
    ),
    ("fault", lambda found: with_policy(found, AMAZONS), "does not allow events.amazonaws.com"),
    (
        "fault",
        lambda found: with_policy(found, AMAZONS, RULES, {**AMAZONS, "Effect": "Deny"}),
        "denies arn:aws:iam::437568002678:root sqs:SendMessage",
    ),
    (
        "warning",
        lambda found: with_policy(found, {**AMAZONS, "Principal": "*"}, RULES),
        "lets anybody in",
    ),
    ("warning", lambda found: with_queue(found, MessageRetentionPeriod="3600"), "0.0416667 days"),
    ("warning", lambda found: with_queue(found, RedrivePolicy=""), "has no dead-letter queue"),
    ("fault", lambda found: replace(found, dead_letter=None), "which does not exist"),
    (
        "fault",
        keyed(policy={}),
        "does not allow arn:aws:iam::437568002678:root kms:GenerateDataKey",
    ),
    ("fault", keyed(aws_managed=True), "a key of AWS's own"),
    ("fault", keyed(), "which does not exist"),
    ("fault", lambda found: replace(found, source=None), "does not exist"),
    (
        "fault",
        lambda found: replace(
            found, bus=None, source=FoundSource(name=SOURCE, state="PENDING", expires_at="tomorrow")
        ),
        "is PENDING and expires tomorrow",
    ),
    ("fault", lambda found: replace(found, rule=None), "does not exist"),
    ("fault", lambda found: ruled(found, enabled=False), "is disabled"),
    ("fault", lambda found: ruled(found, pattern={"source": ["aws.s3"]}), "has the pattern"),
    (
        "warning",
        lambda found: ruled(found, pattern={"source": [SOURCE], "detail-type": ["X"]}),
        "matches only some events (detail-type)",
    ),
    ("fault", lambda found: ruled(found, targets=[]), "does not lead to the queue"),
    (
        "warning",
        lambda found: ruled(found, targets=[{"Arn": wanted().queue_arn("orders")}]),
        "has no dead-letter queue",
    ),
]


@pytest.mark.parametrize(
    ("level", "spoil", "what"), BROKEN, ids=[f"{at}-{row[2]}" for at, row in enumerate(BROKEN)]
)
def test_a_broken_set_up_is_named(level: str, spoil: Callable[[Found], Found], what: str) -> None:
    findings = [one for one in check(wanted(), spoil(whole(wanted()))) if what in one.what]
    assert [str(one.level) for one in findings[:1]] == [level]
    assert findings[0].why
    assert findings[0].mend


@pytest.mark.parametrize("changes", [{}, {"kms_key": "alias/mine"}, {"event_source": None}])
def test_a_whole_one_has_no_faults(changes: dict[str, Any]) -> None:
    want = wanted(**changes)
    found = check(want, whole(want))
    assert {one.level for one in found} == {Level.OK}


def test_the_mend_is_a_command() -> None:
    (fault,) = check(wanted(event_source=None), Found())
    assert fault.mend == "gateway aws setup --queue orders --region eu-west-1"


def test_a_key_of_ours_is_judged_by_statement() -> None:
    policy = document_of([])
    key = FoundKey(named="alias/mine", arn=KEY_ARN, aws_managed=False, policy=policy)
    faults = [one for one in check(KEYED, replace(whole(KEYED), key=key)) if one.level != "ok"]
    assert [one.subject for one in faults] == ["key alias/mine", "key alias/mine"]


@pytest.mark.parametrize(
    ("pattern", "through"),
    [
        ({"source": [{"prefix": "aws.partner/sellingpartnerapi.amazon.com"}]}, True),
        ({"source": [SOURCE]}, True),
        ({"account": ["111122223333"]}, True),
        ({"source": ["aws.s3"]}, False),
        ({"source": [{"anything-but": "x"}]}, False),
        ({}, False),
    ],
)
def test_patterns(pattern: dict[str, Any], through: bool) -> None:
    assert matches_source(json.loads(json.dumps(pattern)), SOURCE) is through


def test_the_doctor_knows_what_is_found() -> None:
    for _, spoil, _ in BROKEN:
        for one in check(wanted(), spoil(whole(wanted()))):
            assert one.level is Level.OK or KINDS[one.id].level is one.level, one
