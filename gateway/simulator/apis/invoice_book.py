"""The invoices that a seller has: invented, the same each time, and which of them are wanted."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from gateway.clock import rfc3339
from gateway.simulator.spapi.call import texts, time_ms

_COUNT = 40
_FIRST_MS = 1_780_272_000_000  # 2026-06-01T00:00:00Z
_DAY_MS = 86_400_000
_STATUSES = ("AUTHORIZED", "AUTHORIZED", "AUTHORIZED", "REJECTED", "CANCELED")
_TYPES = ("SALES", "SYMBOLIC_RETURN", "REMITTANCE")
_TRANSACTIONS = ("CUSTOMER_SALES", "INBOUND_SHIPMENT", "CUSTOMER_RETURN")
_IDENTIFIER = "BUSINESS_TRANSACTION_ID"


def _options(described: Mapping[str, str]) -> Sequence[Mapping[str, str]]:
    return [{"value": value, "description": text} for value, text in described.items()]


ATTRIBUTES: Mapping[str, Any] = {
    "invoiceStatusOptions": _options(
        {
            "AUTHORIZED": "The government authorized the invoice.",
            "REJECTED": "The government rejected the invoice.",
            "CANCELED": "The invoice is canceled.",
        }
    ),
    "invoiceTypeOptions": _options({value: f"Invoice of type {value}." for value in _TYPES}),
    "transactionIdentifierNameOptions": _options({_IDENTIFIER: "Id of the transaction."}),
    "transactionTypeOptions": _options(
        {value: f"Transaction of type {value}." for value in _TRANSACTIONS}
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which invoices are asked for; None and nothing let all through."""

    since_ms: int | None = None
    until_ms: int | None = None
    statuses: Sequence[str] = ()
    equal: Mapping[str, str] | None = None
    transaction_id: str | None = None

    def fits(self, invoice: Mapping[str, Any], date_ms: int) -> bool:
        """Whether an invoice of this date is among them."""
        if self.since_ms is not None and date_ms < self.since_ms:
            return False
        if self.until_ms is not None and date_ms > self.until_ms:
            return False
        if self.statuses and invoice["status"] not in self.statuses:
            return False
        if self.transaction_id not in {None, invoice["transactionIds"][0]["id"]}:
            return False
        return all(invoice[name] == value for name, value in (self.equal or {}).items())


def wanted_by(fields: Mapping[str, Any]) -> Wanted:
    """Return which invoices a request's fields ask for.

    Raises:
        RefusalError: A date or the statuses are wrong.
    """
    identifier = fields.get("transactionIdentifier")
    by_id = identifier.get("id") if isinstance(identifier, dict) else None
    return Wanted(
        since_ms=_time(fields, "dateStart"),
        until_ms=_time(fields, "dateEnd"),
        statuses=texts(fields, "statuses"),
        equal={
            name: str(fields[name])
            for name in ("invoiceType", "series", "transactionType", "externalInvoiceId")
            if fields.get(name)
        },
        transaction_id=by_id or fields.get("transactionIdentifierId"),
    )


def invoices_of(seller_id: str, wanted: Wanted) -> Sequence[Mapping[str, Any]]:
    """Return a seller's invoices that are wanted, the newest first."""
    found = []
    for number in range(_COUNT):
        date_ms = _FIRST_MS + number * 2 * _DAY_MS
        invoice = _invoice(seller_id, number, date_ms)
        if wanted.fits(invoice, date_ms):
            found.append(invoice)
    return found[::-1]


def _invoice(seller_id: str, number: int, date_ms: int) -> Mapping[str, Any]:
    name = f"{seller_id}/invoice/{number}"
    draw = Random(name)  # noqa: S311 it draws samples, not secrets
    transaction = {"name": _IDENTIFIER, "id": str(uuid.uuid5(uuid.NAMESPACE_OID, name + "/t"))}
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_OID, name)),
        "externalInvoiceId": f"{35_260_900_000_000 + number}{draw.randrange(10**8):08}",
        "date": rfc3339(date_ms),
        "invoiceType": draw.choice(_TYPES),
        "series": str(draw.randint(1, 3)),
        "status": draw.choice(_STATUSES),
        "transactionType": draw.choice(_TRANSACTIONS),
        "transactionIds": [transaction],
        "errorCode": "",
        "govResponse": "",
    }


def _time(fields: Mapping[str, Any], name: str) -> int | None:
    return time_ms(fields[name], name) if fields.get(name) else None
