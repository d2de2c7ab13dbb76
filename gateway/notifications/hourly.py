"""Figures by item and hour: views of the detail page, sales, stock. Rows of many items in one.

Source: "DETAIL_PAGE_TRAFFIC_EVENT", "ITEM_INVENTORY_EVENT_CHANGE" and "ITEM_SALES_EVENT_CHANGE" in
Amazon's "Notification Type Values". Several messages come for one hour, up to a day late, and a
later one corrects an earlier one.
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from gateway.notifications.base import PayloadModel, PayloadPart, Time


class HourlyRow(PayloadPart):
    """What all rows have.

    Attributes:
        account_id: `amzn1.merchant.o.<seller id>`, or `amzn1.vg.<group>` for vendors.
        start_time: Beginning of the hour, in UTC.
        end_time: End of the hour, in UTC.
    """

    account_id: str | None = None
    marketplace_id: str | None = None
    asin: str | None = None
    start_time: Time | None = None
    end_time: Time | None = None


class TrafficRow(HourlyRow):
    """Views of one item's detail page; `glance_views` is a count."""

    glance_views: int | None = None


class InventoryRow(HourlyRow):
    """Units of one item; `highly_available_inventory` can be delivered quickly."""

    highly_available_inventory: int | None = None


class SalesRow(HourlyRow):
    """Sales of one item.

    Attributes:
        ordered_units: A count.
        ordered_revenue: In units of the currency, not in cents.
        currency_code: ISO 4217.
    """

    ordered_units: int | None = None
    ordered_revenue: Decimal | None = None
    currency_code: str | None = None


class DetailPageTrafficEvent(PayloadModel):
    """Payload of DETAIL_PAGE_TRAFFIC_EVENT."""

    notification_type: ClassVar[str] = "DETAIL_PAGE_TRAFFIC_EVENT"

    detail_page_traffic_events: tuple[TrafficRow, ...] = ()


class ItemInventoryEventChange(PayloadModel):
    """Payload of ITEM_INVENTORY_EVENT_CHANGE."""

    notification_type: ClassVar[str] = "ITEM_INVENTORY_EVENT_CHANGE"

    item_inventory_event_changes: tuple[InventoryRow, ...] = ()


class ItemSalesEventChange(PayloadModel):
    """Payload of ITEM_SALES_EVENT_CHANGE."""

    notification_type: ClassVar[str] = "ITEM_SALES_EVENT_CHANGE"

    item_sales_event_changes: tuple[SalesRow, ...] = ()
