"""TRANSACTION_UPDATE → `transaction.posted`: money was booked to or from the account.

No follow-up call: the notification says what and how much. How the sum is made up is what
listTransactions answers, once a booking is some minutes old.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from gateway import Context, Event, EventType, Notification, Router
from gateway.notifications import TransactionUpdate
from handlers.amounts import Amount, amount


class Identifier(BaseModel):
    """What the money was for, such as OrderId."""

    name: str
    value: str


class Transaction(BaseModel):
    """A booking; negative amounts are taken from the account."""

    type: str | None
    posted_at: datetime | None
    total: Amount | None
    account_type: str | None
    order_id: str | None
    identifiers: list[Identifier]


POSTED = EventType(
    type="transaction.posted",
    summary="Money was booked to or from a seller's account.",
    members={"transaction": Transaction},
    example={
        "transaction": {
            "type": "Shipment",
            "posted_at": "2026-01-31T08:59:12Z",
            "total": {"amount": "19.99", "currency": "EUR"},
            "account_type": "Standard Orders",
            "order_id": "303-1234567-1234567",
            "identifiers": [{"name": "OrderId", "value": "303-1234567-1234567"}],
        }
    },
    source="TRANSACTION_UPDATE",
)

router = Router()
router.publishes(POSTED)


@router.on(TransactionUpdate)
async def transaction_update(notification: Notification[TransactionUpdate], _ctx: Context) -> Event:
    """Publish the booking."""
    payload = notification.payload
    total = payload.total_amount
    transaction = Transaction(
        type=payload.transaction_type,
        posted_at=payload.posted_date,
        total=amount(total.currency_amount, total.currency_code) if total else None,
        account_type=payload.selling_partner_metadata.account_type,
        order_id=notification.identifiers.order_id,
        identifiers=[
            Identifier(name=one.related_identifier_name, value=one.related_identifier_value)
            for one in payload.related_identifiers
            if one.related_identifier_name and one.related_identifier_value
        ],
    )
    return Event(type=POSTED.type, data={"transaction": transaction.model_dump(mode="json")})
