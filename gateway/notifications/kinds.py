"""What there is to know about a notification type, beside the shape of its payload."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.notifications.base import PayloadModel


class Standing(StrEnum):
    """Whether Amazon sends a type.

    Attributes:
        LIVE: It can be subscribed to.
        APPLICATION: It comes by itself, to the queue that the developer console names.
        UNDESCRIBED: Amazon names it among the roles and says nothing else about it.
        ANNOUNCED: Its schema was published once; it isn't sent.
        WITHDRAWN: It isn't sent any more; archives may hold it.
    """

    LIVE = "live"
    APPLICATION = "application"
    UNDESCRIBED = "undescribed"
    ANNOUNCED = "announced"
    WITHDRAWN = "withdrawn"


class Workflow(StrEnum):
    """How it reaches a queue; a type works with exactly one of the two."""

    SQS = "sqs"
    EVENT_BRIDGE = "eventbridge"


class Audience(StrEnum):
    """Who can get it."""

    SELLER = "seller"
    VENDOR = "vendor"
    APPLICATION = "application"


class EventFilter(StrEnum):
    """What a subscription's `processingDirective.eventFilter` may be."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where ids stand in the payload, as paths with Amazon's keys; [] goes through a list.

    Attributes:
        order: Amazon's order id, or where `…[Name=OrderId]` stands, the pair of that name.
        document: Ids of documents and of what makes them: reports, feeds, queries, exports.
    """

    seller: str | None = None
    marketplace: str | None = None
    order: str | None = None
    asin: str | None = None
    sku: str | None = None
    document: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationType:
    """A notification type as Amazon has it.

    Attributes:
        payload_versions: The first is the one to subscribe with; empty where unknown.
        workflow: None where unknown.
        filter_expression: Whether a subscription may have a CEL `filterExpression`; it excludes an
            event filter.
        event_filter_fields: What an event filter may hold beside its type.
        follow_up: Operations that answer what the payload leaves open, the nearest first.
        model: None where Amazon says nothing of the payload; it is handled untyped then.
        note: What is unusual about it, in a sentence.
    """

    name: str
    standing: Standing = Standing.LIVE
    payload_versions: tuple[str, ...] = ("1.0",)
    workflow: Workflow | None = Workflow.SQS
    audience: tuple[Audience, ...] = (Audience.SELLER,)
    filter_expression: bool = False
    event_filter: EventFilter = EventFilter.NONE
    event_filter_fields: tuple[str, ...] = ()
    places: Places = Places()
    follow_up: tuple[str, ...] = ()
    model: type[PayloadModel] | None = None
    note: str | None = None

    @property
    def subscribable(self) -> bool:
        """Whether createSubscription takes it."""
        return self.standing is Standing.LIVE

    @property
    def names_seller(self) -> bool:
        """Whether its payload says whose it is; else only the subscription does."""
        return self.places.seller is not None
