"""ACCOUNT_STATUS_CHANGED: Amazon judges the seller's account differently.

Source: "ACCOUNT_STATUS_CHANGED" in Amazon's "Notification Type Values"; there is no schema. The
payload names no seller, so its owner is known by the subscription alone.
"""

from __future__ import annotations

from typing import ClassVar

from gateway.notifications.base import PayloadModel


class AccountStatusChanged(PayloadModel):
    """Payload of ACCOUNT_STATUS_CHANGED; both are `NORMAL`, `AT_RISK` or `DEACTIVATED`."""

    notification_type: ClassVar[str] = "ACCOUNT_STATUS_CHANGED"
    wrapper: ClassVar[str | None] = "accountStatusChangeNotification"

    previous_account_status: str | None = None
    current_account_status: str | None = None
