"""ORDER_CHANGE → `order.created` the first time an order is seen, then `order.changed`.

The order as Amazon has it now, and the state that was published before where it is known. Twenty
changes of one order that wait become one getOrder call: the handler reads the order's state, it
doesn't count changes. A notification that is older than what was published is passed over. What a
sweep finds comes here too, so an order whose notifications were all lost is created by it.

Buyer, addresses and gift texts are left out unless asked for; Amazon's Data Protection Policy
follows them to every receiver.

Settings, under `[handlers.order_change]`:
    version: `"2026-01-01"` (default) or `"v0"`, the Orders API that is asked.
    personal_data: `true` adds `personal_data` to the events: buyer and recipient as Amazon sends
        them (with v0 by a restricted data token). The application needs the role for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from gateway import (
    Context,
    Event,
    EventType,
    Notification,
    Reject,
    Remember,
    Router,
    Skip,
)
from gateway.notifications import OrderChange

PERSONAL_DATA = ("FULFILLMENT", "PROCEEDS", "BUYER", "RECIPIENT")
PERSONAL_DATA_V0 = ("buyerInfo", "shippingAddress")


class OrderState(BaseModel):
    """What of an order is compared and remembered."""

    status: str | None = None
    last_updated_at: str | None = None
    items_shipped: int | None = None
    items_unshipped: int | None = None


_ORDER = {
    "type": "object",
    "description": "The order as Amazon has it now, without personal data.",
    "properties": {"order_id": {"type": "string"}, "status": {"type": ["string", "null"]}},
    "required": ["order_id", "status"],
}
_PERSONAL = {
    "type": "object",
    "description": "Buyer and recipient as Amazon sends them, where the settings ask for them.",
}
_STATE = {
    "status": "UNSHIPPED",
    "last_updated_at": "2026-01-31T08:59:58Z",
    "items_shipped": 0,
    "items_unshipped": 1,
}
_EXAMPLE = {"order": {"order_id": "902-3159896-1390916", **_STATE}}

CREATED = EventType(
    type="order.created",
    summary="An order was seen for the first time, in a notification or by a sweep.",
    members={"order": _ORDER, "personal_data": _PERSONAL},
    optional=("personal_data",),
    example=_EXAMPLE,
    source="ORDER_CHANGE",
)
CHANGED = EventType(
    type="order.changed",
    summary="An order that was seen before has changed; changes close together make one event.",
    members={"order": _ORDER, "previous": OrderState | None, "personal_data": _PERSONAL},
    optional=("personal_data",),
    example={**_EXAMPLE, "previous": {**_STATE, "status": "PENDING"}},
    source="ORDER_CHANGE",
)

router = Router()
router.publishes(CREATED, CHANGED)


@router.on(OrderChange, key=lambda n: n.payload.amazon_order_id, coalesce=True)
async def order_change(
    notification: Notification[OrderChange], ctx: Context
) -> list[Event | Remember]:
    """Fetch the order that changed and publish it."""
    order_id = notification.payload.amazon_order_id
    known = await ctx.remembered(order_id)
    at = notification.event_time or notification.received_at
    if known is not None and at <= datetime.fromisoformat(known["at"]) and not ctx.is_replay:
        raise Skip(f"not newer than what was published: {at.isoformat()}, {known['at']}")
    order, personal = await _fetched(order_id, ctx)
    state = OrderState.model_validate(order, extra="ignore").model_dump()
    data: dict[str, Any] = {"order": order}
    if known is not None:
        data["previous"] = known["state"]
    if personal is not None:
        data["personal_data"] = personal
    newest = at.isoformat() if known is None else max(at.isoformat(), known["at"])
    return [
        Event(type="order.created" if known is None else "order.changed", data=data),
        Remember(name=order_id, value={"at": newest, "state": state}),
    ]


async def _fetched(order_id: str, ctx: Context) -> tuple[dict[str, Any], Mapping[str, Any] | None]:
    """Return the order, and what is personal of it where that is asked for."""
    version = ctx.settings.get("version", "2026-01-01")
    wanted = ctx.settings.get("personal_data", False) is True
    if version == "2026-01-01":
        orders = ctx.spapi.orders
        order = await (
            orders.get_order(order_id, PERSONAL_DATA) if wanted else orders.get_order(order_id)
        )
        personal = {"buyer": order.raw.get("buyer"), "recipient": order.raw.get("recipient")}
    elif version == "v0":
        order = await ctx.spapi.orders_v0.get_order(
            order_id, restricted=PERSONAL_DATA_V0 if wanted else False
        )
        raw = order.raw
        personal = {"buyer": raw.get("BuyerInfo"), "recipient": raw.get("ShippingAddress")}
    else:
        raise Reject(f'[handlers.order_change] version = {version!r}: use "2026-01-01" or "v0"')
    return order.without_personal_data(), personal if wanted else None
