"""SHIPMENT_TRACKING_MILESTONE_CHANGED → `shipment.tracked`: a shipment has come further.

No follow-up call: the notification is all that is known of the shipment. Places are left out,
because near the end of the way they are the buyer's.

Settings, under `[handlers.shipment_tracking]`:
    personal_data: `true` adds where each milestone was reached.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from gateway import Context, Event, EventType, Notification, Router
from gateway.notifications import Milestone, ShipmentTrackingMilestoneChanged

_MOST_MILESTONES = 50


class Step(BaseModel):
    """One milestone; `place` is null unless personal data was asked for."""

    code: str | None
    sub_code: str | None
    description: str | None
    at: datetime | None
    place: str | None


class Estimate(BaseModel):
    """When something is expected, such as ESTIMATED_DELIVERY_DATE."""

    of: str | None
    earliest: datetime | None
    latest: datetime | None


class TrackedShipment(BaseModel):
    """A shipment; `identifiers` holds whatever it is tracked by, `history` the newest first."""

    identifiers: dict[str, str]
    milestone: Step | None
    history: list[Step]
    estimates: list[Estimate]
    url: str | None


TRACKED = EventType(
    type="shipment.tracked",
    summary="A tracked shipment has reached a milestone.",
    members={"shipment": TrackedShipment},
    example={
        "shipment": {
            "identifiers": {"aftn": "AFTNEXAMPLE"},
            "milestone": {
                "code": "OUT_FOR_DELIVERY",
                "sub_code": None,
                "description": "Shipment is out for delivery",
                "at": "2026-01-31T08:59:12Z",
                "place": None,
            },
            "history": [],
            "estimates": [
                {
                    "of": "ESTIMATED_DELIVERY_DATE",
                    "earliest": "2026-01-31T17:00:00Z",
                    "latest": "2026-01-31T20:00:00Z",
                }
            ],
            "url": "https://track.example/AFTNEXAMPLE",
        }
    },
    source="SHIPMENT_TRACKING_MILESTONE_CHANGED",
)

router = Router()
router.publishes(TRACKED)


@router.on(ShipmentTrackingMilestoneChanged)
async def shipment_tracking(
    notification: Notification[ShipmentTrackingMilestoneChanged], ctx: Context
) -> Event:
    """Publish how far the shipment has come."""
    detail = notification.payload.tracking_detail
    personal = bool(ctx.settings.get("personal_data", False))
    shipment = TrackedShipment(
        identifiers=_identifiers(notification.payload),
        milestone=_step(detail.latest_milestone, personal) if detail.latest_milestone else None,
        history=[_step(one, personal) for one in detail.milestone_history[:_MOST_MILESTONES]],
        estimates=[
            Estimate(
                of=one.type,
                earliest=one.estimated_interval.start_time if one.estimated_interval else None,
                latest=one.estimated_interval.end_time if one.estimated_interval else None,
            )
            for one in detail.tracking_estimates
        ],
        url=detail.tracking_url,
    )
    return Event(type=TRACKED.type, data={"shipment": shipment.model_dump(mode="json")})


def _identifiers(payload: ShipmentTrackingMilestoneChanged) -> dict[str, str]:
    identifier = payload.tracking_detail.identifier
    if identifier is None:
        return {}
    carrier = identifier.carrier_tracking
    named = {
        "id": identifier.id,
        "acsin": identifier.acsin,
        "aftn": identifier.aftn,
        "container_number": identifier.container_number,
        "house_bill_of_lading_number": identifier.house_bill_of_lading_number,
        "carrier": carrier.carrier_code if carrier else None,
        "carrier_tracking_number": carrier.tracking_number if carrier else None,
    }
    return {name: value for name, value in named.items() if value}


def _step(milestone: Milestone, personal: bool) -> Step:
    status = milestone.status
    address = milestone.location.address if milestone.location and personal else None
    parts = (address.city, address.region, address.country_code) if address else ()
    return Step(
        code=status.code if status else None,
        sub_code=status.sub_code if status else None,
        description=status.description if status else None,
        at=milestone.occurred_at,
        place=", ".join(filter(None, parts)) or None,
    )
