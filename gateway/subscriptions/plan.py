"""What must be done so that one seller's subscriptions to a type are as declared. Pure.

Amazon has no update: what differs is replaced. A seller has one subscription to a type and payload
version, unless filter expressions tell several apart, or each follows a shipment of its own; where
old and new may stand beside each other the new one is made first, else there is a gap in between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from gateway.subscriptions.declaration import Wanted, canonical
from gateway.subscriptions.rules import TRACKING


class ActionKind(StrEnum):
    """What is done about a subscription.

    Attributes:
        UNMANAGED: It is not declared, and left alone unless asked to prune.
    """

    CREATE = "create"
    REPLACE = "replace"
    DELETE = "delete"
    LEAVE = "leave"
    UNMANAGED = "unmanaged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Existing:
    """A subscription that Amazon has.

    Attributes:
        managed: Whether it was made or taken over for a declaration.
    """

    id: str
    payload_version: str | None
    destination_id: str | None
    directive: Mapping[str, Any] | None
    managed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing to do.

    Attributes:
        wanted: What to create; None where something goes or stays alone.
        existing: What is there: stays, goes, or is replaced.
        gap: Whether nothing arrives between the old and the new one.
        reason: Why, in a few words.
    """

    kind: ActionKind
    wanted: Wanted | None = None
    existing: tuple[Existing, ...] = ()
    gap: bool = False
    reason: str = ""

    @property
    def changes(self) -> bool:
        """Whether anything is called for it."""
        return self.kind in {ActionKind.CREATE, ActionKind.REPLACE, ActionKind.DELETE}


def decide(
    wanted: Sequence[Wanted],
    existing: Sequence[Existing],
    destination_ids: Mapping[str, str],
    *,
    prune: bool = False,
) -> Sequence[Action]:
    """Return what to do, what stays included.

    Args:
        wanted: What one seller should have of one type; may all stand beside each other.
        existing: What the seller has of it.
        destination_ids: By declared name; a destination that is yet to be made is missing.
        prune: Delete what is not declared.
    """
    left = list(existing)
    actions: list[Action] = []
    missing: list[Wanted] = []
    for one in wanted:
        found = _same(one, left, destination_ids)
        if found is None:
            missing.append(one)
        else:
            left.remove(found)
            actions.append(Action(kind=ActionKind.LEAVE, wanted=one, existing=(found,)))
    for one in missing:
        actions.append(_made(one, left, destination_ids))
        left = [other for other in left if other not in actions[-1].existing]
    return [*actions, *(_left_over(one, prune=prune) for one in left)]


def excludes(wanted: Wanted, existing: Existing) -> bool:
    """Whether Amazon refuses the one beside the other."""
    if wanted.payload_version != existing.payload_version:
        return False
    if wanted.unit.type == TRACKING:
        return canonical(wanted.directive) == canonical(existing.directive)
    mine = (wanted.directive or {}).get("filterExpression")
    other = (existing.directive or {}).get("filterExpression")
    return mine is None or other is None or mine == other


class _Filtered(Protocol):
    @property
    def payload_version(self) -> str | None: ...
    @property
    def directive(self) -> Mapping[str, Any] | None: ...


def _same(
    wanted: Wanted, existing: Sequence[Existing], destination_ids: Mapping[str, str]
) -> Existing | None:
    place = destination_ids.get(wanted.destination)
    for one in existing:
        if one.destination_id == place and place is not None and _alike(wanted, one):
            return one
    return None


def _alike(wanted: _Filtered, existing: _Filtered) -> bool:
    return wanted.payload_version == existing.payload_version and canonical(
        wanted.directive
    ) == canonical(existing.directive)


def _made(wanted: Wanted, left: Sequence[Existing], destination_ids: Mapping[str, str]) -> Action:
    in_the_way = tuple(one for one in left if excludes(wanted, one))
    if in_the_way:
        reason = _difference(wanted, in_the_way[0], destination_ids)
        return Action(
            kind=ActionKind.REPLACE, wanted=wanted, existing=in_the_way, gap=True, reason=reason
        )
    # What follows one shipment is not what followed another.
    ours = [one for one in left if one.managed and wanted.unit.type != TRACKING]
    if ours:
        reason = _difference(wanted, ours[0], destination_ids)
        return Action(kind=ActionKind.REPLACE, wanted=wanted, existing=(ours[0],), reason=reason)
    return Action(kind=ActionKind.CREATE, wanted=wanted, reason="there is none")


def _difference(wanted: Wanted, existing: Existing, destination_ids: Mapping[str, str]) -> str:
    differs = []
    if wanted.payload_version != existing.payload_version:
        differs.append(f"payload version {existing.payload_version} → {wanted.payload_version}")
    if canonical(wanted.directive) != canonical(existing.directive):
        differs.append("another filter")
    if existing.destination_id != destination_ids.get(wanted.destination):
        differs.append("another destination")
    return ", ".join(differs)


def _left_over(existing: Existing, *, prune: bool) -> Action:
    reason = "is no longer declared" if existing.managed else "was never declared"
    kind = ActionKind.DELETE if prune else ActionKind.UNMANAGED
    return Action(kind=kind, existing=(existing,), reason=reason)
