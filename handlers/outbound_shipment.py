"""FBA_OUTBOUND_SHIPMENT_STATUS → `outbound_shipment.changed` (FBA Onsite, Brazil).

No follow-up call: the state is in the notification. What an invoice needs, getShipmentDetails has.
"""

from __future__ import annotations

from pydantic import BaseModel

from gateway import Context, Event, EventType, Notification, Router
from gateway.notifications import FbaOutboundShipmentStatus


class OutboundShipment(BaseModel):
    """A shipment and the order that it belongs to."""

    id: str | None
    order_id: str | None
    status: str | None


CHANGED = EventType(
    type="outbound_shipment.changed",
    summary="A shipment from the seller's own site (FBA Onsite) has changed.",
    members={"shipment": OutboundShipment},
    example={
        "shipment": {"id": "D1EXAMPLE", "order_id": "702-1234567-1234567", "status": "Created"}
    },
    source="FBA_OUTBOUND_SHIPMENT_STATUS",
)

router = Router()
router.publishes(CHANGED)


@router.on(FbaOutboundShipmentStatus)
async def outbound_shipment(
    notification: Notification[FbaOutboundShipmentStatus], _ctx: Context
) -> Event:
    """Publish the shipment's state."""
    payload = notification.payload
    shipment = OutboundShipment(
        id=payload.amazon_shipment_id,
        order_id=payload.amazon_order_id,
        status=payload.shipment_status,
    )
    return Event(type=CHANGED.type, data={"shipment": shipment.model_dump(mode="json")})
