"""Money in the events of the bundled handlers: digits as text, so that no reader rounds them."""

from __future__ import annotations

from decimal import Decimal

from pydantic import BaseModel

from gateway.notifications import Money


class Amount(BaseModel):
    """An amount in units of its currency (ISO 4217), its digits as text."""

    amount: str
    currency: str | None = None


def amount(value: Decimal | None, currency: str | None) -> Amount | None:
    """Return an amount, or None where there is none."""
    return None if value is None else Amount(amount=f"{value:f}", currency=currency)


def amount_of(money: Money | None) -> Amount | None:
    """Return an amount of a notification, or None where there is none."""
    return None if money is None else amount(money.amount, money.currency_code)
