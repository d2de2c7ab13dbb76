"""TAX_INVOICE_…: announced by Amazon, not sent yet (Brazil).

Source: schemas that Amazon published on 2026-07-29 and withdrew the next day. The payloads name no
seller.
"""

from __future__ import annotations

from typing import ClassVar

from gateway.notifications.base import NeededId, PayloadModel, PayloadPart, Time


class TaxInvoiceExportStatusChange(PayloadModel):
    """Payload of TAX_INVOICE_EXPORT_STATUS_CHANGE.

    Attributes:
        export_id: What createInvoicesExport answered.
        status: `REQUESTED`, `PROCESSING`, `DONE` or `ERROR`.
    """

    notification_type: ClassVar[str] = "TAX_INVOICE_EXPORT_STATUS_CHANGE"

    export_id: NeededId
    marketplace_id: str | None = None
    status: str | None = None


class TaxInvoiceFault(PayloadPart):
    """Why an invoice was not issued; `gov_response` is the authority's answer."""

    error_code: str | None = None
    gov_response: str | None = None


class TaxInvoiceIssuanceStatus(PayloadModel):
    """Payload of TAX_INVOICE_ISSUANCE_STATUS.

    Attributes:
        date: When it was issued, in UTC.
        order_id: Amazon's order id, where the invoice is for an order.
        status: `SUCCESS` or `ERROR`.
    """

    notification_type: ClassVar[str] = "TAX_INVOICE_ISSUANCE_STATUS"

    invoice_id: NeededId
    marketplace_id: str | None = None
    date: Time | None = None
    order_id: str | None = None
    status: str | None = None
    error: TaxInvoiceFault | None = None
