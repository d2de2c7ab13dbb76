"""Every type that no other loaded handler takes → `notification.<type in lower case>`.

The payload is passed on as Amazon sent it. Notifications about the application's own credentials
never come here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway import Context, Event, EventType, Notification, Router

router = Router()
router.publishes(
    EventType(
        type="notification.*",
        summary="A notification that no other loaded handler takes, as Amazon sent it.",
        members={
            "payload": {"type": "object", "description": "Amazon's payload, its keys unchanged."}
        },
        example={"payload": {"Amazon's": "members"}},
        example_type="notification.shipping_charge_notification",
        source="SHIPPING_CHARGE_NOTIFICATION",
    )
)


@router.fallback()
async def passthrough(notification: Notification[Mapping[str, Any]], _ctx: Context) -> Event:
    """Publish the notification's payload."""
    return Event(
        type=f"notification.{notification.type.lower()}",
        data={"payload": notification.payload},
    )
