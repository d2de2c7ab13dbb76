"""The settings about Amazon's side: destinations, subscriptions, and how they are kept as declared.

What Amazon takes of them is judged by `gateway.subscriptions.rules`, which knows the types.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from gateway.settings.table import Region, Table, Text

_HOUR = 3600.0

Window = Annotated[float, Field(ge=1, allow_inf_nan=False)]


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _sellers(value: Any) -> Any:
    return () if value == "*" else _listed(value)


class DestinationSettings(Table):
    """Where Amazon is to send notifications: an SQS queue, or an EventBridge bus."""

    name: Text = Field(description="Your name for it; subscriptions refer to it.")
    arn: Text | None = Field(
        default=None, description="ARN of a standard queue: `arn:aws:sqs:REGION:ACCOUNT:NAME`."
    )
    aws_region: Text | None = Field(
        default=None, description="Of an event bus: its AWS region, with `aws_account`."
    )
    aws_account: Text | None = Field(
        default=None, description="Of an event bus: the AWS account, twelve digits."
    )
    application: Text | None = Field(
        default=None, description="Only for this application; for all unless given."
    )
    region: Region | None = Field(
        default=None, description="Only in this region of Amazon's; in all unless given."
    )


class FilterSettings(Table):
    """Event filters; each goes to the one type that takes it."""

    order_change_types: tuple[
        Literal["OrderStatusChange", "BuyerRequestedChange", "DeliveryTipChange"], ...
    ] = Field(default=(), description="Of ORDER_CHANGE, which needs it or a filter expression.")
    marketplace_ids: tuple[Text, ...] = Field(default=(), description="Of ANY_OFFER_CHANGED.")
    aggregation: Literal["FiveMinutes", "TenMinutes"] | None = Field(
        default=None, description="Of ANY_OFFER_CHANGED: the first and the last change of each."
    )
    tracking_identifier: dict[Text, Text] = Field(
        default_factory=dict,
        description="Of SHIPMENT_TRACKING_MILESTONE_CHANGED, which needs it.",
    )


class SubscriptionSettings(Table):
    """Which notification types are to come, of which sellers, and where to."""

    type: Annotated[tuple[Text, ...], BeforeValidator(_listed), Field(min_length=1)] = Field(
        description='A type, a list of types, or `"all"` that the destination can carry.'
    )
    sellers: Annotated[tuple[Text, ...], BeforeValidator(_sellers)] = Field(
        default=(), description='Seller ids; `"*"`, or left out, means all.'
    )
    tags: Annotated[tuple[Text, ...], BeforeValidator(_listed)] = Field(
        default=(), description="Only sellers with one of these tags; all unless given."
    )
    application: Text | None = Field(
        default=None, description="Only sellers of this application; of all unless given."
    )
    region: Region | None = Field(
        default=None, description="Only sellers of this region; of all unless given."
    )
    filter: FilterSettings | None = Field(
        default=None, description="Event filters: `{ order_change_types = […] }` and others."
    )
    filter_expression: Text | None = Field(
        default=None, description="A filter in CEL, in place of `filter`; of one type."
    )
    destination: Text = Field(description="`name` of one of the destinations.")
    payload_version: Text | None = Field(
        default=None, description="The type's own choice unless given."
    )
    silent_after_s: Window | None = Field(
        default=None,
        description="Seconds after which it is an alarm that nothing comes of any of the sellers.",
    )
    seller_silent_after_s: Window | None = Field(
        default=None,
        description="Seconds after which it is an alarm that nothing comes of a single seller.",
    )


class ReconcileSettings(Table):
    """How the service keeps Amazon's side as declared; off where no subscription is declared."""

    every_s: float = Field(
        default=_HOUR,
        ge=0,
        allow_inf_nan=False,
        description="Seconds from look to look at all sellers; 0 for never.",
    )
    apply: bool = Field(
        default=True,
        description="Whether what differs is mended; else it is only told. Nothing is ever pruned.",
    )
    concurrency: int = Field(
        default=8, ge=1, le=100, description="Sellers that are looked at at once."
    )
