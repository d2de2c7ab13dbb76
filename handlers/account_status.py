"""ACCOUNT_STATUS_CHANGED → `account.status_changed`: Amazon judges the account differently.

The payload names no seller: the event has one where the subscription is known.
"""

from __future__ import annotations

from pydantic import BaseModel

from gateway import Context, Event, EventType, Notification, Router
from gateway.notifications import AccountStatusChanged

_FROM_GOOD_TO_BAD = ("NORMAL", "AT_RISK", "DEACTIVATED")


class AccountStatus(BaseModel):
    """The account's standing: NORMAL, AT_RISK or DEACTIVATED, and whether it got worse."""

    status: str | None
    previous_status: str | None
    worse: bool


CHANGED = EventType(
    type="account.status_changed",
    summary="Amazon judges a seller's account differently than before.",
    members={"account": AccountStatus},
    example={"account": {"status": "AT_RISK", "previous_status": "NORMAL", "worse": True}},
    source="ACCOUNT_STATUS_CHANGED",
)

router = Router()
router.publishes(CHANGED)


@router.on(AccountStatusChanged)
async def account_status(notification: Notification[AccountStatusChanged], _ctx: Context) -> Event:
    """Publish the account's standing."""
    now = notification.payload.current_account_status
    before = notification.payload.previous_account_status
    account = AccountStatus(status=now, previous_status=before, worse=_rank(now) > _rank(before))
    return Event(type=CHANGED.type, data={"account": account.model_dump(mode="json")})


def _rank(status: str | None) -> int:
    return _FROM_GOOD_TO_BAD.index(status) if status in _FROM_GOOD_TO_BAD else 0
