"""EXTERNAL_FULFILLMENT_SHIPMENT_STATUS_CHANGE → `external_shipment.changed`.

A store or warehouse of the seller's ships what was bought elsewhere. No follow-up call by default:
the state is in the notification.

Settings, under `[handlers.external_fulfillment]`:
    lines: `true` asks getShipment what is in it; once for all changes of a shipment that wait.
"""

from __future__ import annotations

from pydantic import BaseModel

from gateway import Context, Event, EventType, Notification, Router
from gateway.notifications import ExternalFulfillmentShipmentStatusChange

_GET_SHIPMENT = "externalFulfillmentShipments.2024-09-11.getShipment"


class Line(BaseModel):
    """What is in the shipment; `units` is a count."""

    sku: str | None
    units: int | None


class ExternalShipment(BaseModel):
    """A shipment; `lines` is null unless they were asked for."""

    id: str | None
    status: str | None
    location_id: str | None
    channel: str | None
    lines: list[Line] | None


CHANGED = EventType(
    type="external_shipment.changed",
    summary="A shipment that a store or warehouse of the seller's handles has changed.",
    members={"shipment": ExternalShipment},
    example={
        "shipment": {
            "id": "0a1b2c3d-example",
            "status": "ACCEPTED",
            "location_id": "store-7",
            "channel": "FBA",
            "lines": [{"sku": "MUG-BLUE", "units": 2}],
        }
    },
    source="EXTERNAL_FULFILLMENT_SHIPMENT_STATUS_CHANGE",
)

router = Router()
router.publishes(CHANGED)


@router.on(
    ExternalFulfillmentShipmentStatusChange,
    key=lambda n: n.payload.shipment_id,
    coalesce=True,
)
async def external_fulfillment(
    notification: Notification[ExternalFulfillmentShipmentStatusChange], ctx: Context
) -> Event:
    """Publish the shipment's state."""
    payload = notification.payload
    lines = None
    if ctx.settings.get("lines", False) and payload.shipment_id is not None:
        lines = await _lines(payload.shipment_id, ctx)
    shipment = ExternalShipment(
        id=payload.shipment_id,
        status=payload.shipment_status,
        location_id=payload.location_id,
        channel=payload.channel_name,
        lines=lines,
    )
    return Event(type=CHANGED.type, data={"shipment": shipment.model_dump(mode="json")})


async def _lines(shipment_id: str, ctx: Context) -> list[Line]:
    answer = await ctx.spapi.call(_GET_SHIPMENT, shipmentId=shipment_id)
    return [
        Line(sku=one.get("merchantSku"), units=one.get("numberOfUnits"))
        for one in answer.get("lineItems") or ()
    ]
