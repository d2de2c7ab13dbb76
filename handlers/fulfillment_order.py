"""FULFILLMENT_ORDER_STATUS → `fulfillment_order.changed`: the order as Amazon has it now.

getFulfillmentOrder is asked once for all changes of an order that wait. Who receives it is left
out, and so are tracking numbers, which lead to the recipient; Amazon's Data Protection Policy
follows both to every receiver.

Settings, under `[handlers.fulfillment_order]`:
    personal_data: `true` adds the recipient's address and the tracking numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from gateway import Context, Event, EventType, Notification, Router
from gateway.notifications import FulfillmentOrderStatus


class Item(BaseModel):
    """A line of the order; quantities in units."""

    sku: str | None
    quantity: int | None
    cancelled: int | None
    unfulfillable: int | None


class Package(BaseModel):
    """A parcel; `number` is what getPackageTrackingDetails takes."""

    number: int
    carrier: str | None
    estimated_arrival: str | None
    tracking_number: str | None


class Shipment(BaseModel):
    """What leaves one fulfilment centre."""

    id: str
    status: str | None
    shipped_at: str | None
    estimated_arrival: str | None
    packages: list[Package]


class FulfillmentOrder(BaseModel):
    """An order that Amazon ships for the seller.

    `id` is the seller's own; `change` says what Amazon told of: Order, Shipment or Return.
    """

    id: str
    displayed_id: str | None
    change: str | None
    status: str | None
    speed: str | None
    received_at: str | None
    updated_at: str | None
    items: list[Item]
    shipments: list[Shipment]


CHANGED = EventType(
    type="fulfillment_order.changed",
    summary="An order that Amazon ships for the seller (multi-channel fulfilment) has changed.",
    members={
        "fulfillment_order": FulfillmentOrder,
        "recipient": {"type": ["object", "null"], "description": "Amazon's destinationAddress."},
    },
    optional={"recipient"},
    example={
        "fulfillment_order": {
            "id": "WEB-1001",
            "displayed_id": "WEB-1001",
            "change": "Shipment",
            "status": "Processing",
            "speed": "Standard",
            "received_at": "2026-01-31T08:00:00Z",
            "updated_at": "2026-01-31T08:59:12Z",
            "items": [
                {"sku": "MUG-BLUE", "quantity": 2, "cancelled": 0, "unfulfillable": 0},
            ],
            "shipments": [
                {
                    "id": "D1EXAMPLE",
                    "status": "SHIPPED",
                    "shipped_at": "2026-01-31T08:58:00Z",
                    "estimated_arrival": "2026-02-02T20:00:00Z",
                    "packages": [
                        {
                            "number": 1,
                            "carrier": "DHL",
                            "estimated_arrival": None,
                            "tracking_number": None,
                        }
                    ],
                }
            ],
        }
    },
    source="FULFILLMENT_ORDER_STATUS",
)

router = Router()
router.publishes(CHANGED)


@router.on(
    FulfillmentOrderStatus,
    key=lambda n: n.payload.seller_fulfillment_order_id,
    coalesce=True,
)
async def fulfillment_order(
    notification: Notification[FulfillmentOrderStatus], ctx: Context
) -> Event:
    """Fetch the order that changed and publish it."""
    payload = notification.payload
    personal = bool(ctx.settings.get("personal_data", False))
    found = await ctx.spapi.fulfillment_outbound.get_fulfillment_order(
        payload.seller_fulfillment_order_id
    )
    head, numbers = found.fulfillment_order, _tracking_numbers(found.raw) if personal else {}
    order = FulfillmentOrder(
        id=head.seller_fulfillment_order_id,
        displayed_id=head.displayable_order_id,
        change=payload.event_type,
        status=head.fulfillment_order_status,
        speed=head.shipping_speed_category,
        received_at=head.received_date,
        updated_at=head.status_updated_date,
        items=[
            Item(
                sku=one.seller_sku,
                quantity=one.quantity,
                cancelled=one.cancelled_quantity,
                unfulfillable=one.unfulfillable_quantity,
            )
            for one in found.fulfillment_order_items
        ],
        shipments=[_shipment(one, numbers) for one in found.fulfillment_shipments],
    )
    data: dict[str, Any] = {"fulfillment_order": order.model_dump(mode="json")}
    if personal:
        data["recipient"] = found.raw.get("fulfillmentOrder", {}).get("destinationAddress")
    return Event(type=CHANGED.type, data=data)


def _shipment(found: Any, tracking_numbers: Mapping[int, str]) -> Shipment:
    return Shipment(
        id=found.amazon_shipment_id,
        status=found.fulfillment_shipment_status,
        shipped_at=found.shipping_date,
        estimated_arrival=found.estimated_arrival_date,
        packages=[
            Package(
                number=one.package_number,
                carrier=one.carrier_code,
                estimated_arrival=one.estimated_arrival_date,
                tracking_number=tracking_numbers.get(one.package_number),
            )
            for one in found.fulfillment_shipment_package
        ],
    )


def _tracking_numbers(answer: Mapping[str, Any]) -> Mapping[int, str]:
    """Return the tracking number of each package number."""
    return {
        package["packageNumber"]: package["trackingNumber"]
        for shipment in answer.get("fulfillmentShipments") or ()
        for package in shipment.get("fulfillmentShipmentPackage") or ()
        if "packageNumber" in package and "trackingNumber" in package
    }
