"""Resource policies: what a document grants, what it lacks, and what each statement is worth.

It decides over policy documents as AWS writes them, without a call. It never guesses in favour of a
policy: a statement with conditions that it doesn't know counts as none, and says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

Document = Mapping[str, Any]
Statement = Mapping[str, Any]

_VERSION: Final = "2012-10-17"
_ACCOUNT: Final = re.compile(r"\d{12}")
_SOURCE_ARN: Final = "aws:sourcearn"
_COMPARES_ARNS: Final = frozenset({"arnequals", "arnlike", "stringequals", "stringlike"})
# A statement that only refuses plain HTTP concerns nobody here: every sender uses TLS.
_PLAIN_HTTP: Final = {"Bool": {"aws:securetransport": ["false"]}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A right that somebody must have.

    Attributes:
        principal: Kind (`AWS`, `Service`) and name.
        source_arn: The grant is needed, and given, only for calls in this ARN's name.
        why: What fails without it.
    """

    sid: str
    principal: tuple[str, str]
    actions: tuple[str, ...]
    resource: str
    source_arn: str | None = None
    why: str

    def statement(self) -> dict[str, Any]:
        """Return the statement that gives exactly this."""
        kind, name = self.principal
        statement: dict[str, Any] = {
            "Sid": self.sid,
            "Effect": "Allow",
            "Principal": {kind: name},
            "Action": list(self.actions),
            "Resource": self.resource,
        }
        if self.source_arn is not None:
            statement["Condition"] = {"ArnEquals": {"aws:SourceArn": self.source_arn}}
        return statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One statement of a policy and what it is worth.

    Attributes:
        verdict: `needed`, `denies` (takes away what is needed), `may_deny` (does so under a
            condition), `open` (lets anybody in), `wrong_resource`, `wrong_principal` (gives what
            is lacking to somebody else), `conditional` (gives it under a condition that doesn't
            hold, or that nobody here can judge), or `other` (of no concern here).
    """

    sid: str
    verdict: str
    what: str


def document_of(grants: Sequence[Grant]) -> dict[str, Any]:
    """Return a policy that gives exactly these grants."""
    return {"Version": _VERSION, "Statement": [grant.statement() for grant in grants]}


def statements(document: Document) -> list[Statement]:
    """Return a policy's statements; one alone may stand without a list."""
    found = document.get("Statement") or []
    return [found] if isinstance(found, Mapping) else list(found)


def missing_actions(document: Document, grant: Grant) -> tuple[str, ...]:
    """Return the actions of a grant that no statement allows, denials left out."""
    every = statements(document)
    return tuple(
        action for action in grant.actions if not any(_allows(one, grant, action) for one in every)
    )


def lacking(document: Document, grants: Sequence[Grant]) -> list[Grant]:
    """Return the grants that a policy doesn't give in full."""
    return [grant for grant in grants if missing_actions(document, grant)]


def widened(document: Document, grants: Sequence[Grant]) -> dict[str, Any]:
    """Return a policy with statements for these grants added, each under a sid of its own."""
    kept = statements(document)
    taken = {str(one.get("Sid")) for one in kept}
    added = []
    for grant in grants:
        statement = grant.statement()
        sid, number = statement["Sid"], 2
        while sid in taken:
            sid, number = f"{statement['Sid']}{number}", number + 1
        taken.add(sid)
        added.append({**statement, "Sid": sid})
    return {"Version": _VERSION, **document, "Statement": [*kept, *added]}


def narrowed(document: Document, sid_prefix: str) -> dict[str, Any] | None:
    """Return a policy without the statements of a sid prefix, or None if it has none of them."""
    every = statements(document)
    kept = [one for one in every if not str(one.get("Sid", "")).startswith(sid_prefix)]
    return None if len(kept) == len(every) else {**document, "Statement": kept}


def judged(document: Document, grants: Sequence[Grant]) -> list[Judged]:
    """Judge each statement of a policy by what these grants need."""
    missing = lacking(document, grants)
    return [
        _judge(one, grants, missing, str(one.get("Sid") or f"statement {at}"))
        for at, one in enumerate(statements(document), 1)
    ]


def _judge(
    statement: Statement, grants: Sequence[Grant], missing: Sequence[Grant], sid: str
) -> Judged:
    if statement.get("Effect") == "Deny":
        return _judge_denial(statement, grants, sid)
    for grant in grants:
        allowed = [action for action in grant.actions if _allows(statement, grant, action)]
        if _is_open(statement):
            return Judged(sid=sid, verdict="open", what="lets anybody in, without a condition")
        if allowed:
            who = grant.principal[1]
            return Judged(sid=sid, verdict="needed", what=f"allows {who} {', '.join(allowed)}")
    for grant in grants:
        if _names(statement, grant) and not _is_of_resource(statement, grant):
            return Judged(
                sid=sid,
                verdict="wrong_resource",
                what=f"allows {grant.principal[1]}, but on {_list(statement.get('Resource'))}",
            )
    return _almost(statement, missing, sid) or _of_no_concern(sid)


def _almost(statement: Statement, missing: Sequence[Grant], sid: str) -> Judged | None:
    """Return what a statement does instead of giving what is lacking, where it nearly gives it."""
    for grant in missing:
        who = grant.principal[1]
        if any(_concerns(statement, grant, action) for action in grant.actions):
            what = f"allows {who} under a condition that does not hold for it, or is not judged"
            return Judged(sid=sid, verdict="conditional", what=what)
        others = _strangers(statement, grant)
        if others and any(
            _acts(statement, action) and _is_of_resource(statement, grant)
            for action in grant.actions
        ):
            what = f"allows {', '.join(others)}, and not {who}"
            return Judged(sid=sid, verdict="wrong_principal", what=what)
    return None


def _strangers(statement: Statement, grant: Grant) -> list[str]:
    """Return whom a statement names of the kind that the grant is for: another account, service."""
    principal = statement.get("Principal")
    kind = grant.principal[0]
    named = _list(principal.get(kind)) if isinstance(principal, Mapping) else []
    # The own account is a principal of many policies, and meant to be; a key's policy does not say
    # which account that is, so no account counts as a stranger there.
    return [one for one in named if f":{_account(grant.resource)}:" not in _full(one)]


def _account(arn: str) -> str:
    parts = arn.split(":")
    return parts[4] if len(parts) > 4 else ""


def _of_no_concern(sid: str) -> Judged:
    return Judged(sid=sid, verdict="other", what="of no concern for notifications")


def _judge_denial(statement: Statement, grants: Sequence[Grant], sid: str) -> Judged:
    condition = _conditions(statement)
    odd = any(name in statement for name in ("NotPrincipal", "NotAction", "NotResource"))
    if condition == _PLAIN_HTTP:
        return Judged(sid=sid, verdict="other", what="refuses plain HTTP, which nobody uses here")
    for grant in grants:
        who = grant.principal[1]
        hit = [action for action in grant.actions if _concerns(statement, grant, action)]
        if hit and not condition and not odd:
            return Judged(sid=sid, verdict="denies", what=f"denies {who} {', '.join(hit)}")
        if hit or odd:
            what = f"may deny {who} something, under a condition that is not judged here"
            return Judged(sid=sid, verdict="may_deny", what=what)
    return Judged(sid=sid, verdict="other", what="of no concern for notifications")


def _allows(statement: Statement, grant: Grant, action: str) -> bool:
    return (
        statement.get("Effect") == "Allow"
        and _concerns(statement, grant, action)
        and _holds(_conditions(statement), grant)
    )


def _concerns(statement: Statement, grant: Grant, action: str) -> bool:
    return (
        _names(statement, grant) and _acts(statement, action) and _is_of_resource(statement, grant)
    )


def _acts(statement: Statement, action: str) -> bool:
    return any(fnmatchcase(action.lower(), one.lower()) for one in _list(statement.get("Action")))


def _names(statement: Statement, grant: Grant) -> bool:
    principal = statement.get("Principal")
    if principal == "*":
        return True
    if not isinstance(principal, Mapping):
        return False
    kind, name = grant.principal
    return any(one == "*" or _full(one) == name for one in _list(principal.get(kind)))


def _full(principal: str) -> str:
    """Return the long form of an account's number."""
    return f"arn:aws:iam::{principal}:root" if _ACCOUNT.fullmatch(principal) else principal


def _is_of_resource(statement: Statement, grant: Grant) -> bool:
    return any(fnmatchcase(grant.resource, one) for one in _list(statement.get("Resource")))


def _is_open(statement: Statement) -> bool:
    principal = statement.get("Principal")
    anybody = principal == "*" or (
        isinstance(principal, Mapping) and "*" in _list(principal.get("AWS"))
    )
    return anybody and not statement.get("Condition")


def _holds(condition: Mapping[str, Mapping[str, list[str]]], grant: Grant) -> bool:
    """Return whether a condition is fulfilled by what the grant is about, and by nothing less."""
    return all(
        operator.lower() in _COMPARES_ARNS
        and list(keys) == [_SOURCE_ARN]
        and grant.source_arn is not None
        and any(fnmatchcase(grant.source_arn, one) for one in keys[_SOURCE_ARN])
        for operator, keys in condition.items()
    )


def _conditions(statement: Statement) -> dict[str, dict[str, list[str]]]:
    return {
        operator: {
            key.lower(): [one.lower() if operator == "Bool" else one for one in _list(value)]
            for key, value in keys.items()
        }
        for operator, keys in (statement.get("Condition") or {}).items()
    }


def _list(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return [value]
    if isinstance(value, bool):
        return [str(value).lower()]
    return [str(one) for one in value]
