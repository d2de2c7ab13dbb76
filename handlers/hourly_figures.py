"""DETAIL_PAGE_TRAFFIC_EVENT, ITEM_SALES_EVENT_CHANGE, ITEM_INVENTORY_EVENT_CHANGE.

→ `item.traffic`, `item.sales`, `item.availability`: figures by item and hour. A notification holds
rows of many items; it becomes as many events as keep each under 20 kB. A later row for the same
item and hour corrects an earlier one, so receivers replace, and don't add.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from gateway import Context, Event, EventType, Notification, Router
from gateway.notifications import (
    DetailPageTrafficEvent,
    ItemInventoryEventChange,
    ItemSalesEventChange,
)
from handlers.amounts import Amount, amount

_ROWS_OF_AN_EVENT = 50


class Hour(BaseModel):
    """One item in one hour of one marketplace."""

    asin: str | None
    marketplace: str | None
    start: datetime | None
    end: datetime | None


class Traffic(Hour):
    """Views of the item's detail page."""

    glance_views: int | None


class Sales(Hour):
    """Units that were ordered, and what for."""

    units: int | None
    revenue: Amount | None


class Availability(Hour):
    """Units that can be delivered quickly."""

    units: int | None


_HOUR = {
    "asin": "B000EXAMPLE",
    "marketplace": "ATVPDKIKX0DER",
    "start": "2026-01-31T07:00:00Z",
    "end": "2026-01-31T08:00:00Z",
}

TRAFFIC = EventType(
    type="item.traffic",
    summary="Views of detail pages, by item and hour.",
    members={"hours": list[Traffic]},
    example={"hours": [{**_HOUR, "glance_views": 17}]},
    source="DETAIL_PAGE_TRAFFIC_EVENT",
)
SALES = EventType(
    type="item.sales",
    summary="Units ordered and revenue, by item and hour.",
    members={"hours": list[Sales]},
    example={"hours": [{**_HOUR, "units": 3, "revenue": {"amount": "73.50", "currency": "USD"}}]},
    source="ITEM_SALES_EVENT_CHANGE",
)
AVAILABILITY = EventType(
    type="item.availability",
    summary="Units that can be delivered quickly, by item and hour.",
    members={"hours": list[Availability]},
    example={"hours": [{**_HOUR, "units": 8}]},
    source="ITEM_INVENTORY_EVENT_CHANGE",
)

router = Router()
router.publishes(TRAFFIC, SALES, AVAILABILITY)


@router.on(DetailPageTrafficEvent)
async def item_traffic(
    notification: Notification[DetailPageTrafficEvent], _ctx: Context
) -> list[Event]:
    """Publish views."""
    return _events(
        TRAFFIC,
        (
            Traffic(**_hour(row), glance_views=row.glance_views)
            for row in notification.payload.detail_page_traffic_events
        ),
    )


@router.on(ItemSalesEventChange)
async def item_sales(
    notification: Notification[ItemSalesEventChange], _ctx: Context
) -> list[Event]:
    """Publish sales."""
    return _events(
        SALES,
        (
            Sales(
                **_hour(row),
                units=row.ordered_units,
                revenue=amount(row.ordered_revenue, row.currency_code),
            )
            for row in notification.payload.item_sales_event_changes
        ),
    )


@router.on(ItemInventoryEventChange)
async def item_availability(
    notification: Notification[ItemInventoryEventChange], _ctx: Context
) -> list[Event]:
    """Publish what can be delivered."""
    return _events(
        AVAILABILITY,
        (
            Availability(**_hour(row), units=row.highly_available_inventory)
            for row in notification.payload.item_inventory_event_changes
        ),
    )


def _hour(row: Any) -> dict[str, Any]:
    return {
        "asin": row.asin,
        "marketplace": row.marketplace_id,
        "start": row.start_time,
        "end": row.end_time,
    }


def _events(event_type: EventType, hours: Iterable[Hour]) -> list[Event]:
    rows = [hour.model_dump(mode="json") for hour in hours]
    return [
        Event(type=event_type.type, data={"hours": rows[first : first + _ROWS_OF_AN_EVENT]})
        for first in range(0, len(rows), _ROWS_OF_AN_EVENT)
    ]
