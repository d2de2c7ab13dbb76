"""Typed calls of the FBA Inventory API v1: getInventorySummaries. Twice a second, burst 2.

A page token dies thirty seconds after it was given: read all pages in one run.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from gateway.spapi.apis.views import Calls, Listed, View, listed

_SUMMARIES = "fbaInventory.v1.getInventorySummaries"


class ReservedQuantity(View):
    """Units that wait for something, by what for."""

    total_reserved_quantity: int | None = None
    pending_customer_order_quantity: int | None = None
    pending_transshipment_quantity: int | None = None
    fc_processing_quantity: int | None = None


class ResearchingQuantity(View):
    """Units that Amazon looks for."""

    total_researching_quantity: int | None = None


class UnfulfillableQuantity(View):
    """Units that can't be sold, by why."""

    total_unfulfillable_quantity: int | None = None
    customer_damaged_quantity: int | None = None
    warehouse_damaged_quantity: int | None = None
    distributor_damaged_quantity: int | None = None
    carrier_damaged_quantity: int | None = None
    defective_quantity: int | None = None
    expired_quantity: int | None = None


class InventoryDetails(View):
    """Units by where they are; only where details were asked for."""

    fulfillable_quantity: int | None = None
    inbound_working_quantity: int | None = None
    inbound_shipped_quantity: int | None = None
    inbound_receiving_quantity: int | None = None
    reserved_quantity: ReservedQuantity | None = None
    researching_quantity: ResearchingQuantity | None = None
    unfulfillable_quantity: UnfulfillableQuantity | None = None


class InventorySummary(View):
    """Stock of one SKU in Amazon's fulfilment centres, in units."""

    seller_sku: str | None = None
    asin: str | None = None
    fn_sku: str | None = None
    condition: str | None = None
    product_name: str | None = None
    total_quantity: int | None = None
    last_updated_time: str | None = None
    inventory_details: InventoryDetails | None = None


class FbaInventory:
    """The FBA Inventory API v1."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def get_inventory_summaries(
        self,
        marketplace_id: str,
        *,
        seller_skus: Sequence[str] = (),
        details: bool = True,
        start_date_time: datetime | None = None,
    ) -> AsyncIterator[Listed[InventorySummary]]:
        """List stock, page by page.

        Args:
            marketplace_id: One marketplace.
            seller_skus: At most fifty; all unless given.
            details: Whether units come by where they are.
            start_date_time: Only what changed since; at most 18 months ago.

        Raises:
            SpApiError: A call failed; the subclass says what to do.
        """
        pages = self._calls.paginate(
            _SUMMARIES,
            granularityType="Marketplace",
            granularityId=marketplace_id,
            marketplaceIds=[marketplace_id],
            sellerSkus=list(seller_skus),
            details=details,
            startDateTime=start_date_time,
        )
        return listed(pages, "payload", "inventorySummaries", read=InventorySummary.read)
