"""TRANSACTION_UPDATE: money was booked to or from the seller's account.

Source: "TRANSACTION_UPDATE" in Amazon's "Notification Type Values". It carries no transaction id:
listTransactions finds it by its related identifiers and date.
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from gateway.notifications.base import PayloadModel, PayloadPart, Time


class SellingPartner(PayloadPart):
    """Whose account it is; `account_type` is Amazon's word, such as `Standard Orders`."""

    selling_partner_id: str | None = None
    marketplace_id: str | None = None
    account_type: str | None = None


class RelatedIdentifier(PayloadPart):
    """What the money was for, such as `OrderId`."""

    related_identifier_name: str | None = None
    related_identifier_value: str | None = None


class TransactionAmount(PayloadPart):
    """The sum.

    Attributes:
        currency_amount: In units of the currency, not in cents.
        currency_code: ISO 4217.
    """

    currency_amount: Decimal | None = None
    currency_code: str | None = None


class TransactionUpdate(PayloadModel):
    """Payload of TRANSACTION_UPDATE.

    Attributes:
        transaction_type: Such as `Shipment`, `Refund`.
        posted_date: In UTC.
    """

    notification_type: ClassVar[str] = "TRANSACTION_UPDATE"
    wrapper: ClassVar[str | None] = "TransactionUpdateNotification"

    selling_partner_metadata: SellingPartner = SellingPartner()
    related_identifiers: tuple[RelatedIdentifier, ...] = ()
    transaction_type: str | None = None
    posted_date: Time | None = None
    total_amount: TransactionAmount | None = None
