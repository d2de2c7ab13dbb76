"""How a notification is written and read: its columns, and its body, which may be sealed."""

from __future__ import annotations

from typing import Final

from gateway.model import NotificationState, Origin, StoredNotification
from gateway.store.driver import Sealer
from gateway.store.statements import Many, Row

COLUMNS: Final = (
    "id",
    "identity",
    "type",
    "payload_version",
    "seller_id",
    "marketplace_id",
    "application_id",
    "subscription_id",
    "event_time_ms",
    "received_at_ms",
    "source",
    "origin",
    "state",
    "body",
    "body_sealed",
)
"""What a notification is made of in its row; how it came stands beside it."""

SELECTED: Final = ", ".join(f"n.{name}" for name in COLUMNS)
"""The same of a table `n`, as `stored_notification` takes them."""

WHOLE: Final = Many(
    f"""
    WITH v(id) AS ({{rows}})
    SELECT {SELECTED} FROM v CROSS JOIN notifications AS n WHERE n.id = v.id
    """,  # noqa: S608 columns are ours
    ("text",),
)
"""Notifications by their ids."""


def body_context(notification_id: str) -> str:
    """Return the context that a notification's sealed body is bound to."""
    return f"notification:{notification_id}"


def stored_notification(row: Row, sealer: Sealer) -> StoredNotification:
    """Return the notification in `row`, which begins with `COLUMNS`.

    Raises:
        SealError: Its body is sealed and can't be opened.
    """
    body = bytes(row[13])
    return StoredNotification(
        id=row[0],
        identity=row[1],
        type=row[2],
        payload_version=row[3],
        seller_id=row[4],
        marketplace_id=row[5],
        application_id=row[6],
        subscription_id=row[7],
        event_time_ms=row[8],
        received_at_ms=row[9],
        source=row[10],
        origin=Origin(row[11]),
        state=NotificationState(row[12]),
        body=sealer.open(body, context=body_context(row[0])) if row[14] else body,
    )
