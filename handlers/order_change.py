"""ORDER_CHANGE → `order.changed`: the order as Amazon has it now, without personal data.

Twenty changes of one order that wait become one getOrder call: the handler reads the order's
state, it doesn't count changes. Buyer, address and gift texts are left out; Amazon's Data
Protection Policy follows them to every receiver.

Settings, under `[handlers.order_change]`:
    version: `"2026-01-01"` (default) or `"v0"`, the Orders API that is asked.
"""

from __future__ import annotations

from gateway import Context, Event, Notification, Reject, Router
from gateway.notifications import OrderChange

router = Router()


@router.on(OrderChange, key=lambda n: n.payload.amazon_order_id, coalesce=True)
async def order_change(notification: Notification[OrderChange], ctx: Context) -> Event:
    """Fetch the order that changed and publish it."""
    order_id = notification.payload.amazon_order_id
    version = ctx.settings.get("version", "2026-01-01")
    if version == "2026-01-01":
        order = await ctx.spapi.orders.get_order(order_id)
    elif version == "v0":
        order = await ctx.spapi.orders_v0.get_order(order_id)
    else:
        raise Reject(f'[handlers.order_change] version = {version!r}: use "2026-01-01" or "v0"')
    return Event(type="order.changed", data={"order": order.without_personal_data()})
