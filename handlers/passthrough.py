"""Every type that no other loaded handler takes → `notification.<type in lower case>`.

The payload is passed on as Amazon sent it; one that is too large for an event is stored and linked.
Notifications about the application's own credentials never come here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gateway import Context, Event, EventType, Notification, Router

# An event stays under 20 kB, the common members included.
_MOST_BYTES = 16_000

PASSED = EventType(
    type="notification.*",
    summary="A notification that no other loaded handler takes, as Amazon sent it.",
    members={
        "payload": {
            "type": "object",
            "description": "Amazon's payload, its keys unchanged; missing where it is too large.",
        },
        "document": {
            "type": "object",
            "description": "Link to the whole notification as JSON, where it is too large.",
            "properties": {
                "url": {"type": "string"},
                "expires_at": {"type": "string", "format": "date-time"},
                "size_bytes": {"type": "integer"},
            },
            "required": ["url", "expires_at", "size_bytes"],
        },
    },
    optional={"payload", "document"},
    example={"payload": {"Amazon's": "members"}},
    example_type="notification.shipping_charge_notification",
    source="SHIPPING_CHARGE_NOTIFICATION",
)

router = Router()
router.publishes(PASSED)


@router.fallback()
async def passthrough(notification: Notification[Mapping[str, Any]], ctx: Context) -> Event:
    """Publish the notification's payload, or a link to it."""
    name = f"notification.{notification.type.lower()}"
    if notification.size_bytes <= _MOST_BYTES:
        return Event(type=name, data={"payload": notification.payload})
    content = json.dumps(notification.raw, ensure_ascii=False).encode()
    document = await ctx.documents.store(
        f"{notification.type}.json", content, content_type="application/json"
    )
    return Event(type=name, data={"document": document.as_data()})
