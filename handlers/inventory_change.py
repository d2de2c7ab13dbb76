"""FBA_INVENTORY_AVAILABILITY_CHANGES → `inventory.changed`: what lies in Amazon's warehouses now.

No follow-up call: the notification is the whole state of the item, not the difference. So those of
one item that wait become one event, the newest.
"""

from __future__ import annotations

from pydantic import BaseModel

from gateway import Context, Event, EventType, Notification, Router
from gateway.notifications import FbaInventoryAvailabilityChanges, MarketplaceInventory


class Inbound(BaseModel):
    """Units on their way to Amazon."""

    announced: int | None
    shipped: int | None
    being_received: int | None


class Reserved(BaseModel):
    """Units in the warehouses that can't be sold now."""

    for_orders: int | None
    in_transfer: int | None
    in_processing: int | None


class Stock(BaseModel):
    """Units that serve one marketplace."""

    marketplace: str | None
    fulfillable: int | None
    unfulfillable: int | None
    researching: int | None
    inbound: Inbound | None
    reserved: Reserved | None


class Inventory(BaseModel):
    """One item of the seller's; all figures are counts of units."""

    sku: str | None
    asin: str | None
    fnsku: str | None
    stock: list[Stock]


CHANGED = EventType(
    type="inventory.changed",
    summary="The units of an item in Amazon's warehouses have changed; this is what there is now.",
    members={"inventory": Inventory},
    example={
        "inventory": {
            "sku": "MUG-BLUE",
            "asin": "B000EXAMPLE",
            "fnsku": "X000EXAMPLE",
            "stock": [
                {
                    "marketplace": "A1PA6795UKMFR9",
                    "fulfillable": 12,
                    "unfulfillable": 0,
                    "researching": 0,
                    "inbound": {"announced": 0, "shipped": 4, "being_received": 0},
                    "reserved": {"for_orders": 1, "in_transfer": 0, "in_processing": 0},
                }
            ],
        }
    },
    source="FBA_INVENTORY_AVAILABILITY_CHANGES",
)

router = Router()
router.publishes(CHANGED)


@router.on(FbaInventoryAvailabilityChanges, key=lambda n: n.identifiers.sku, coalesce=True)
async def inventory_change(
    notification: Notification[FbaInventoryAvailabilityChanges], _ctx: Context
) -> Event:
    """Publish the item's stock."""
    payload = notification.payload
    inventory = Inventory(
        sku=payload.sku,
        asin=payload.asin,
        fnsku=payload.fnsku,
        stock=[_stock(one) for one in payload.fulfillment_inventory_by_marketplace],
    )
    return Event(type=CHANGED.type, data={"inventory": inventory.model_dump(mode="json")})


def _stock(of: MarketplaceInventory) -> Stock:
    units = of.fulfillment_inventory
    inbound = units.inbound_quantity_breakdown if units else None
    reserved = units.reserved_quantity_breakdown if units else None
    return Stock(
        marketplace=of.marketplace_id,
        fulfillable=units.fulfillable if units else None,
        unfulfillable=units.unfulfillable if units else None,
        researching=units.researching if units else None,
        inbound=inbound
        and Inbound(
            announced=inbound.working,
            shipped=inbound.shipped,
            being_received=inbound.receiving,
        ),
        reserved=reserved
        and Reserved(
            for_orders=reserved.pending_customer_order,
            in_transfer=reserved.warehouse_transfer,
            in_processing=reserved.warehouse_processing,
        ),
    )
