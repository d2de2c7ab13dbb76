"""Every type that no other loaded handler takes → `notification.<type in lower case>`.

The payload is passed on as Amazon sent it. Notifications about the application's own credentials
never come here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway import Context, Event, Notification, Router

router = Router()


@router.fallback()
async def passthrough(notification: Notification[Mapping[str, Any]], _ctx: Context) -> Event:
    """Publish the notification's payload."""
    return Event(
        type=f"notification.{notification.type.lower()}",
        data={"payload": notification.payload},
    )
