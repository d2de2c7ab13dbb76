"""What an operator declares, and what of it one seller should have."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.notifications.kinds import Workflow

ALL = "all"
"""Stands for every type that the declaration's destination can carry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredDestination:
    """Where notifications are to go.

    Attributes:
        name: What declarations call it, and its name at Amazon.
        arn: ARN of a standard SQS queue; None for an event bus.
        aws_region: AWS region of the bus.
        aws_account: AWS account of the bus.
        application_id: Only for this application; None for all.
        region: Only in this region of Amazon's; None for all.
    """

    name: str
    arn: str | None = None
    aws_region: str | None = None
    aws_account: str | None = None
    application_id: str | None = None
    region: str | None = None

    @property
    def workflow(self) -> Workflow:
        """Which types it can carry."""
        return Workflow.SQS if self.arn is not None else Workflow.EVENT_BRIDGE

    def specification(self) -> Mapping[str, Any]:
        """Return it as createDestination takes it."""
        if self.arn is not None:
            return {"sqs": {"arn": self.arn}}
        return {"eventBridge": {"region": self.aws_region, "accountId": self.aws_account}}

    def serves(self, application_id: str, region: str) -> bool:
        """Whether it is to exist for an application in a region."""
        return self.application_id in {None, application_id} and self.region in {None, region}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Event filters, each for the one type that takes it.

    Attributes:
        order_change_types: Of ORDER_CHANGE.
        marketplace_ids: Of ANY_OFFER_CHANGED.
        aggregation: Of ANY_OFFER_CHANGED: `FiveMinutes` or `TenMinutes`.
        tracking_identifier: Of SHIPMENT_TRACKING_MILESTONE_CHANGED: one kind of id and the id.
    """

    order_change_types: tuple[str, ...] = ()
    marketplace_ids: tuple[str, ...] = ()
    aggregation: str | None = None
    tracking_identifier: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """One `[[subscriptions]]` of the settings.

    Attributes:
        where: Its place in the settings, for faults.
        types: Notification types; `all` stands alone.
        seller_ids: Of these sellers; empty for all.
        tags: Only of sellers with one of these; empty for all.
        application_id: Only of this application's sellers; None for all.
        region: Only in this region; None for all.
        destination: Name of a declared destination.
        payload_version: None for the one that each type is best subscribed with.
        silent_after_s: How long nothing may come of any of the sellers; None for ever.
        seller_silent_after_s: How long nothing may come of a single seller; None for ever.
    """

    where: str
    types: tuple[str, ...]
    destination: str
    seller_ids: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    application_id: str | None = None
    region: str | None = None
    filters: Filters = field(default_factory=Filters)
    filter_expression: str | None = None
    payload_version: str | None = None
    silent_after_s: float | None = None
    seller_silent_after_s: float | None = None

    def means(
        self, seller_id: str, *, application_id: str, region: str, tags: Collection[str]
    ) -> bool:
        """Whether a seller is meant, in one application and region."""
        return (
            (not self.seller_ids or seller_id in self.seller_ids)
            and (not self.tags or not set(self.tags).isdisjoint(tags))
            and self.application_id in {None, application_id}
            and self.region in {None, region}
        )


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Unit:
    """What is looked at and changed at once: one seller's subscriptions to one type."""

    application_id: str
    region: str
    seller_id: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One subscription that should exist.

    Attributes:
        destination: Name of the declared destination.
        directive: `processingDirective`, or None.
        where: Place of its declaration.
    """

    unit: Unit
    payload_version: str
    destination: str
    directive: Mapping[str, Any] | None = None
    where: str = field(default="", compare=False)


def canonical(directive: Mapping[str, Any] | None) -> str:
    """Return the same text for directives that mean the same; order in lists means nothing."""
    return json.dumps(_sorted(directive or {}), sort_keys=True, separators=(",", ":"))


def digest(wanted: Sequence[Wanted], destinations: Mapping[str, DeclaredDestination]) -> str:
    """Return what changes whenever one seller's declared subscriptions to a type do."""
    rows = sorted(
        (
            one.payload_version,
            json.dumps(destinations[one.destination].specification(), sort_keys=True),
            canonical(one.directive),
        )
        for one in wanted
    )
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:32]


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        named = ((key, _sorted(inner)) for key, inner in value.items())
        return {key: inner for key, inner in named if inner not in (None, [], {}, "")}
    if isinstance(value, (list, tuple)):
        return sorted((_sorted(one) for one in value), key=json.dumps)
    return value
