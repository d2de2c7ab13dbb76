"""FBA_INVENTORY_AVAILABILITY_CHANGES: how much of an item lies in Amazon's warehouses now.

Source: "FBA_INVENTORY_AVAILABILITY_CHANGES" in Amazon's "Notification Type Values". The figures are
the whole state, not the difference, and no reason is given. All are counts of units.
"""

from __future__ import annotations

from typing import Any, ClassVar

from gateway.notifications.base import PayloadModel, PayloadPart


class InboundQuantity(PayloadPart):
    """Units on their way to Amazon: announced, sent, being received."""

    working: int | None = None
    shipped: int | None = None
    receiving: int | None = None


class ReservedQuantity(PayloadPart):
    """Units in the warehouses that can't be sold now."""

    warehouse_processing: int | None = None
    warehouse_transfer: int | None = None
    pending_customer_order: int | None = None


class FulfillmentInventory(PayloadPart):
    """Units by what can be done with them.

    Attributes:
        fulfillable: Can be sold.
        researching: Lost or found in the warehouse, being looked into.
        future_supply_buyable: On their way, and offered to buyers already.
    """

    fulfillable: int | None = None
    unfulfillable: int | None = None
    researching: int | None = None
    inbound_quantity_breakdown: InboundQuantity | None = None
    reserved_quantity_breakdown: ReservedQuantity | None = None
    future_supply_buyable: int | None = None
    pending_customer_order_in_transit: int | None = None


class MarketplaceInventory(PayloadPart):
    """The units that serve one marketplace.

    Attributes:
        stores: Amazon's words for other stores that share the units.
    """

    marketplace_id: str | None = None
    item_name: str | None = None
    fulfillment_inventory: FulfillmentInventory | None = None
    stores: tuple[Any, ...] = ()


class FbaInventoryAvailabilityChanges(PayloadModel):
    """Payload of FBA_INVENTORY_AVAILABILITY_CHANGES."""

    notification_type: ClassVar[str] = "FBA_INVENTORY_AVAILABILITY_CHANGES"

    seller_id: str | None = None
    sku: str | None = None
    fnsku: str | None = None
    asin: str | None = None
    fulfillment_inventory_by_marketplace: tuple[MarketplaceInventory, ...] = ()
