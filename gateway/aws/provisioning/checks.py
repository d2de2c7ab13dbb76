"""Whether what stands in an AWS account lets notifications come, and what to do where it doesn't.

Pure. It judges each statement of the queue's and the key's policy, retention, dead letters, and the
way from the event source over bus and rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from gateway.aws.provisioning.found import (
    DEAD_LETTER,
    EVENTS,
    KEY,
    Found,
    FoundQueue,
    FoundRule,
)
from gateway.aws.provisioning.policies import Document, Grant, judged, missing_actions
from gateway.aws.provisioning.wanted import (
    RETENTION_S,
    Wanted,
    key_grants,
    queue_grants,
    undelivered_grants,
)
from gateway.findings import Finding, Level

_LEVELS: Final = {
    "denies": Level.FAULT,
    "may_deny": Level.WARNING,
    "open": Level.WARNING,
    "wrong_resource": Level.WARNING,
    "wrong_principal": Level.WARNING,
    "conditional": Level.WARNING,
}
_MENDS: Final = {
    "denies": "take the statement away, or exempt the sender in it",
    "may_deny": "see that its condition exempts the sender",
    "open": "name the senders instead: anybody who knows the ARN can send forged notifications",
    "wrong_resource": "write the queue's own ARN as its resource",
    "wrong_principal": "take the statement away if it was meant for Amazon",
    "conditional": "take the condition away, or bind it to the rule that brings notifications",
}
_NOWHERE: Final = "what comes to the bus goes nowhere"


def check(wanted: Wanted, found: Found) -> list[Finding]:
    """Return a finding for each thing that matters, good ones among them."""
    setup = _command(wanted)
    queue = found.queue
    if queue is None:
        return [
            _fault(
                "queue.missing",
                f"queue {wanted.queue}",
                f"does not exist in {wanted.region} of account {wanted.account}",
                "nothing can be received",
                setup,
            )
        ]
    findings = [*_unread(found)]
    findings += _policy("queue", queue.name, queue.policy, queue_grants(wanted), setup)
    findings += _retention(queue, setup)
    findings += _dead_letters(queue, found, setup)
    findings += _encryption(wanted, found, setup)
    if wanted.event_source is not None:
        findings += _bus(wanted, found, setup)
    return findings


def _command(wanted: Wanted) -> str:
    words = ["gateway aws setup", f"--queue {wanted.queue}", f"--region {wanted.region}"]
    if wanted.event_source is not None:
        words.append(f"--event-source {wanted.event_source}")
    return " ".join(words)


def _unread(found: Found) -> Iterator[Finding]:
    for what, refusal in found.unread.items():
        why = "nobody knows how it stands"
        mend = "let these credentials read it (infra/README.md lists the rights)"
        yield _warning("aws.unreadable", what, f"can't be read: {refusal}", why, mend)


def _policy(
    area: str, name: str, document: Document, grants: Sequence[Grant], setup: str
) -> Iterator[Finding]:
    subject = f"{area} {name}"
    for one in judged(document, grants):
        level = _LEVELS.get(one.verdict, Level.OK)
        if level is Level.OK:
            yield _ok(f"{subject}, {one.sid}", one.what)
            continue
        yield Finding(
            id=f"{area}.policy_{one.verdict}",
            level=level,
            subject=f"{subject}, {one.sid}",
            what=one.what,
            why="its policy decides who can send here",
            mend=_MENDS[one.verdict],
        )
    for grant in grants:
        if missing := missing_actions(document, grant):
            what = f"does not allow {grant.principal[1]} {', '.join(missing)}"
            yield _fault(f"{area}.policy_lacks", subject, what, grant.why, setup)


def _retention(queue: FoundQueue, setup: str) -> Iterator[Finding]:
    days = f"keeps messages for {queue.retention_s / 86_400:g} days"
    subject = f"queue {queue.name}"
    if queue.retention_s < RETENTION_S:
        why = "an outage that lasts longer loses notifications"
        yield _warning("queue.retention_short", subject, days, why, setup)
    else:
        yield _ok(subject, days)


def _dead_letters(queue: FoundQueue, found: Found, setup: str) -> Iterator[Finding]:
    subject, target = f"queue {queue.name}", found.dead_letter
    if queue.redrive_target is None:
        why = "a message that can't be stored comes back until it expires"
        yield _warning("queue.dlq_missing", subject, "has no dead-letter queue", why, setup)
    elif target is None:
        if DEAD_LETTER not in found.unread:
            what = f"leads to {queue.redrive_target}, which does not exist"
            why = "what fails too often is lost"
            yield _fault("queue.dlq_gone", subject, what, why, "make that queue")
    else:
        yield _ok(subject, f"leads what fails to {target.name}")
        yield from _retention(target, setup)


def _encryption(wanted: Wanted, found: Found, setup: str) -> Iterator[Finding]:
    assert found.queue is not None
    subject, key = f"queue {found.queue.name}", found.key
    if found.queue.kms_key is None:
        yield _ok(subject, "needs no key")
    elif key is None:
        if KEY not in found.unread:
            what = f"is encrypted with {found.queue.kms_key}, which does not exist"
            mend = "encrypt it with another key"
            yield _fault("key.missing", subject, what, "nobody can send or receive", mend)
    elif key.aws_managed:
        yield _fault(
            "key.aws_managed",
            subject,
            f"is encrypted with {key.named}, a key of AWS's own",
            "its policy can't be changed, so Amazon can't send",
            "encrypt it with a customer-managed key, or with SQS's own keys",
        )
    elif not key.enabled:
        what = f"is encrypted with {key.named}, which is disabled or will be deleted"
        mend = f"aws kms enable-key --key-id {key.named}"
        yield _fault("key.disabled", subject, what, "nobody can send or receive", mend)
    else:
        grants = key_grants(wanted)
        yield from _policy("key", key.named, key.policy, grants, f"{setup} --kms-key {key.named}")


def _bus(wanted: Wanted, found: Found, setup: str) -> Iterator[Finding]:
    if EVENTS in found.unread:
        return
    source = found.source
    subject = f"event source {wanted.event_source}"
    if source is None or source.state == "DELETED":
        what = "does not exist, or has expired"
        mend = (
            "create the EventBridge destination in this region and account again "
            f"(gateway destinations create), then {setup}"
        )
        yield _fault("source.missing", subject, what, "no types of EventBridge come", mend)
        return
    if found.bus is None or source.state == "PENDING":
        until = f" and expires {source.expires_at}" if source.expires_at else ""
        why = "it has no bus, so no types of EventBridge come"
        what = f"is {source.state or 'there'}{until}, and has no bus"
        yield _fault("source.pending", subject, what, why, setup)
        return
    yield _ok(subject, f"is {source.state}")
    yield from _rule(wanted, found.rule, setup)
    lost = found.undelivered
    if lost is not None:
        grants = undelivered_grants(wanted)
        yield from _policy("queue", lost.name, lost.policy, grants, setup)


def _rule(wanted: Wanted, rule: FoundRule | None, setup: str) -> Iterator[Finding]:
    subject = f"rule {wanted.rule}"
    if rule is None:
        yield _fault("rule.missing", subject, "does not exist", _NOWHERE, setup)
        return
    if not rule.enabled:
        yield _fault("rule.disabled", subject, "is disabled", _NOWHERE, setup)
    if not matches_source(rule.pattern, wanted.bus):
        why = "events of Amazon's don't match it"
        yield _fault("rule.pattern", subject, f"has the pattern {dict(rule.pattern)}", why, setup)
    elif narrows := sorted(set(rule.pattern) - {"source", "account"}):
        why = "other notifications on the bus don't come to the queue"
        mend = f"see that its {', '.join(narrows)} name all that you want"
        what = f"matches only some events ({', '.join(narrows)})"
        yield _warning("rule.narrow", subject, what, why, mend)
    target = rule.target(wanted.queue_arn(wanted.queue))
    if target is None:
        yield _fault("rule.no_target", subject, "does not lead to the queue", _NOWHERE, setup)
    elif not target.get("DeadLetterConfig"):
        why = "what EventBridge can't bring within 24 hours is lost"
        yield _warning("rule.dlq_missing", subject, "has no dead-letter queue", why, setup)
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
    return Finding(id="aws.ok", level=Level.OK, subject=subject, what=what)


def _warning(kind: str, subject: str, what: str, why: str, mend: str) -> Finding:
    return Finding(id=kind, level=Level.WARNING, subject=subject, what=what, why=why, mend=mend)


def _fault(kind: str, subject: str, what: str, why: str, mend: str) -> Finding:
    return Finding(id=kind, level=Level.FAULT, subject=subject, what=what, why=why, mend=mend)
