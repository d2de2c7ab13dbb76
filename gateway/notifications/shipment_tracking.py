"""SHIPMENT_TRACKING_MILESTONE_CHANGED: a tracked shipment has come further (United States).

Source: "SHIPMENT_TRACKING_MILESTONE_CHANGED" in Amazon's "Notification Type Values", and the
Tracking API 2026-01-30, since the published schema is an empty reference. One subscription follows
one shipment; the payload names no seller. Places may be those of a buyer: personal data.
"""

from __future__ import annotations

from typing import ClassVar

from gateway.notifications.base import PayloadModel, PayloadPart, Time


class CarrierTracking(PayloadPart):
    """A carrier's own number."""

    tracking_number: str | None = None
    carrier_code: str | None = None


class TrackingIdentifier(PayloadPart):
    """What the shipment is tracked by: one of these."""

    id: str | None = None
    acsin: str | None = None
    aftn: str | None = None
    container_number: str | None = None
    house_bill_of_lading_number: str | None = None
    carrier_tracking: CarrierTracking | None = None


class MilestoneStatus(PayloadPart):
    """How far it has come; `code` such as `SHIPPED`, `OUT_FOR_DELIVERY`, `DELIVERED`."""

    code: str | None = None
    sub_code: str | None = None
    description: str | None = None


class MilestoneAddress(PayloadPart):
    """A town; near the end of the way it is the buyer's."""

    city: str | None = None
    region: str | None = None
    country_code: str | None = None


class MilestoneLocation(PayloadPart):
    """Where it happened."""

    address: MilestoneAddress | None = None


class Milestone(PayloadPart):
    """One step on the way; `occurred_at` is in UTC."""

    status: MilestoneStatus | None = None
    location: MilestoneLocation | None = None
    occurred_at: Time | None = None


class TrackingInterval(PayloadPart):
    """From when until when, in UTC."""

    start_time: Time | None = None
    end_time: Time | None = None


class TrackingEstimate(PayloadPart):
    """When something is expected, such as `ESTIMATED_DELIVERY_DATE`."""

    type: str | None = None
    estimated_interval: TrackingInterval | None = None
    last_updated_time: Time | None = None


class TrackingDetail(PayloadPart):
    """The shipment as Amazon knows it now.

    Attributes:
        milestone_history: The newest first.
    """

    identifier: TrackingIdentifier | None = None
    latest_milestone: Milestone | None = None
    milestone_history: tuple[Milestone, ...] = ()
    tracking_estimates: tuple[TrackingEstimate, ...] = ()
    tracking_url: str | None = None


class ShipmentTrackingMilestoneChanged(PayloadModel):
    """Payload of SHIPMENT_TRACKING_MILESTONE_CHANGED."""

    notification_type: ClassVar[str] = "SHIPMENT_TRACKING_MILESTONE_CHANGED"
    wrapper: ClassVar[str | None] = "shipmentTrackingMilestoneChangedNotification"

    tracking_detail: TrackingDetail = TrackingDetail()
