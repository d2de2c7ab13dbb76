"""Whether what stands in an AWS account lets notifications come, and what to do where it doesn't.

Pure. It judges each statement of the queue's and the key's policy, retention, dead letters, and the
way from the event source over bus and rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from gateway.aws.provisioning.found import Found, FoundQueue, FoundRule
from gateway.aws.provisioning.policies import Document, Grant, judged, missing_actions
from gateway.aws.provisioning.wanted import (
    RETENTION_S,
    Wanted,
    key_grants,
    queue_grants,
    undelivered_grants,
)

_LEVELS: Final = {
    "denies": "fault",
    "may_deny": "warning",
    "open": "warning",
    "wrong_resource": "warning",
}
_MENDS: Final = {
    "denies": "take the statement away, or exempt the sender in it",
    "may_deny": "see that its condition exempts the sender",
    "open": "name the senders instead: anybody who knows the ARN can send forged notifications",
    "wrong_resource": "write the queue's own ARN as its resource",
}


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        subject: Queue, key, statement, bus or rule.
        what: How it stands.
        why: What comes of it; empty where all is well.
        mend: What to do; empty where all is well.
    """

    level: Level
    subject: str
    what: str
    why: str = ""
    mend: str = ""


def check(wanted: Wanted, found: Found) -> list[Finding]:
    """Return a finding for each thing that matters, good ones among them."""
    setup = _command(wanted)
    queue = found.queue
    if queue is None:
        return [
            _fault(
                f"queue {wanted.queue}",
                f"does not exist in {wanted.region} of account {wanted.account}",
                "nothing can be received",
                setup,
            )
        ]
    findings = list(_policy(f"queue {queue.name}", queue.policy, queue_grants(wanted), setup))
    findings += _retention(queue, setup)
    findings += _dead_letters(queue, found.dead_letter, setup)
    findings += _encryption(wanted, found, setup)
    if wanted.event_source is not None:
        findings += _bus(wanted, found, setup)
    return findings


def _command(wanted: Wanted) -> str:
    words = ["gateway aws setup", f"--queue {wanted.queue}", f"--region {wanted.region}"]
    if wanted.event_source is not None:
        words.append(f"--event-source {wanted.event_source}")
    return " ".join(words)


def _policy(
    subject: str, document: Document, grants: Sequence[Grant], setup: str
) -> Iterator[Finding]:
    for one in judged(document, grants):
        level = Level(_LEVELS.get(one.verdict, "ok"))
        yield Finding(
            level=level,
            subject=f"{subject}, {one.sid}",
            what=one.what,
            why="" if level is Level.OK else "its policy decides who can send here",
            mend=_MENDS.get(one.verdict, ""),
        )
    for grant in grants:
        if missing := missing_actions(document, grant):
            what = f"does not allow {grant.principal[1]} {', '.join(missing)}"
            yield _fault(subject, what, grant.why, setup)


def _retention(queue: FoundQueue, setup: str) -> Iterator[Finding]:
    days = f"keeps messages for {queue.retention_s / 86_400:g} days"
    subject = f"queue {queue.name}"
    if queue.retention_s < RETENTION_S:
        yield _warning(subject, days, "an outage that lasts longer loses notifications", setup)
    else:
        yield _ok(subject, days)


def _dead_letters(queue: FoundQueue, target: FoundQueue | None, setup: str) -> Iterator[Finding]:
    subject = f"queue {queue.name}"
    if queue.redrive_target is None:
        why = "a message that can't be stored comes back until it expires"
        yield _warning(subject, "has no dead-letter queue", why, setup)
    elif target is None:
        what = f"leads to {queue.redrive_target}, which does not exist or is not readable"
        yield _fault(subject, what, "what fails too often is lost", "make that queue")
    else:
        yield _ok(subject, f"leads what fails to {target.name}")
        yield from _retention(target, setup)


def _encryption(wanted: Wanted, found: Found, setup: str) -> Iterator[Finding]:
    assert found.queue is not None
    subject, key = f"queue {found.queue.name}", found.key
    if found.queue.kms_key is None:
        yield _ok(subject, "needs no key")
    elif key is None:
        what = f"is encrypted with {found.queue.kms_key}, which does not exist"
        yield _fault(subject, what, "nobody can send or receive", "encrypt it with another key")
    elif key.aws_managed:
        yield _fault(
            subject,
            f"is encrypted with {key.named}, a key of AWS's own",
            "its policy can't be changed, so Amazon can't send",
            "encrypt it with a customer-managed key, or with SQS's own keys",
        )
    else:
        yield from _policy(f"key {key.named}", key.policy, key_grants(wanted), setup)


def _bus(wanted: Wanted, found: Found, setup: str) -> Iterator[Finding]:
    source = found.source
    subject = f"event source {wanted.event_source}"
    if source is None or source.state == "DELETED":
        mend = "create the EventBridge destination in this region and account, then set up again"
        yield _fault(subject, "does not exist", "no types of EventBridge come", mend)
        return
    if found.bus is None or source.state == "PENDING":
        until = f" and expires {source.expires_at}" if source.expires_at else ""
        why = "it has no bus, so no types of EventBridge come"
        yield _fault(subject, f"is {source.state}{until}", why, setup)
        return
    yield _ok(subject, f"is {source.state}")
    yield from _rule(wanted, found.rule, setup)
    lost = found.undelivered
    if lost is not None:
        grants = undelivered_grants(wanted)
        yield from _policy(f"queue {lost.name}", lost.policy, grants, setup)


def _rule(wanted: Wanted, rule: FoundRule | None, setup: str) -> Iterator[Finding]:
    subject = f"rule {wanted.rule}"
    if rule is None:
        yield _fault(subject, "does not exist", "what comes to the bus goes nowhere", setup)
        return
    if not rule.enabled:
        yield _fault(subject, "is disabled", "what comes to the bus goes nowhere", setup)
    if not matches_source(rule.pattern, wanted.bus):
        why = "events of Amazon's don't match it"
        yield _fault(subject, f"has the pattern {dict(rule.pattern)}", why, setup)
    elif narrows := sorted(set(rule.pattern) - {"source", "account"}):
        why = "other notifications on the bus don't come to the queue"
        mend = f"see that its {', '.join(narrows)} name all that you want"
        yield _warning(subject, f"matches only some events ({', '.join(narrows)})", why, mend)
    target = rule.target(wanted.queue_arn(wanted.queue))
    if target is None:
        yield _fault(subject, "does not lead to the queue", "nothing is brought", setup)
    elif not target.get("DeadLetterConfig"):
        why = "what EventBridge can't bring within 24 hours is lost"
        yield _warning(subject, "has no dead-letter queue", why, setup)
    else:
        yield _ok(subject, "leads to the queue")


def matches_source(pattern: Mapping[str, Any], source: str) -> bool:
    """Return whether a rule's pattern lets events of a source through, other fields left out."""
    wanted = pattern.get("source")
    if wanted is None:
        return bool(pattern)
    return any(
        source.startswith(one.get("prefix") or "\0") if isinstance(one, Mapping) else one == source
        for one in wanted
    )


def _ok(subject: str, what: str) -> Finding:
    return Finding(level=Level.OK, subject=subject, what=what)


def _warning(subject: str, what: str, why: str, mend: str) -> Finding:
    return Finding(level=Level.WARNING, subject=subject, what=what, why=why, mend=mend)


def _fault(subject: str, what: str, why: str, mend: str) -> Finding:
    return Finding(level=Level.FAULT, subject=subject, what=what, why=why, mend=mend)
