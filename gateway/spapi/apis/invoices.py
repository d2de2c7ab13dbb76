"""Typed calls of the Invoices API 2024-06-19: tax invoices of Brazil, and their export as files.

An export goes REQUESTED → PROCESSING → DONE or ERROR; its documents are ZIP files behind URLs that
live thirty seconds, and one such URL may be asked for a minute.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from pydantic import Field

from gateway.spapi.apis.views import Calls, Listed, View, found, given, listed, part, text_at

_API = "invoices.2024-06-19"


class InvoicesExport(View):
    """An export of invoices.

    Attributes:
        status: `REQUESTED`, `PROCESSING`, `DONE` or `ERROR`.
        error_message: Why it ended in ERROR.
        invoices_document_ids: What getInvoicesDocument takes; empty until DONE.
    """

    export_id: str
    status: str | None = None
    error_message: str | None = None
    invoices_document_ids: tuple[str, ...] = ()
    generate_export_started_at: str | None = None
    generate_export_finished_at: str | None = None


class InvoicesDocument(View):
    """Where a document of an export is.

    Attributes:
        invoices_document_url: Pre-signed, a ZIP file; works for thirty seconds. Download it in the
            run that asked for it, at once.
    """

    invoices_document_id: str
    invoices_document_url: str = Field(repr=False, exclude=True)


class Option(View):
    """A value that a filter takes."""

    value: str
    description: str | None = None


class InvoicesAttributes(View):
    """The values that the filters of invoices and exports take in a marketplace."""

    invoice_status_options: tuple[Option, ...] = ()
    invoice_type_options: tuple[Option, ...] = ()
    transaction_identifier_name_options: tuple[Option, ...] = ()
    transaction_type_options: tuple[Option, ...] = ()


class TransactionId(View):
    """What an invoice is about, such as an order."""

    name: str | None = None
    id: str | None = None


class Invoice(View):
    """An invoice; its file comes by an export."""

    id: str
    date: str | None = None
    status: str | None = None
    invoice_type: str | None = None
    transaction_type: str | None = None
    series: str | None = None
    external_invoice_id: str | None = None
    error_code: str | None = None
    transaction_ids: tuple[TransactionId, ...] = ()


class Invoices:
    """The Invoices API 2024-06-19."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def get_invoices_attributes(self, marketplace_id: str) -> InvoicesAttributes:
        """Return which values the filters take. Once a second, burst 1.

        Raises:
            SpApiError: The call failed; the subclass says what to do.
        """
        name = f"{_API}.getInvoicesAttributes"
        answer = await self._calls.call(name, marketplaceId=marketplace_id)
        read = InvoicesAttributes.read(part(answer, "invoicesAttributes"))
        return found(read, operation=name, what="attributes")

    async def create_invoices_export(
        self,
        marketplace_id: str,
        *,
        date_start: date | None = None,
        date_end: date | None = None,
        **filters: Any,
    ) -> str:
        """Start an export and return its id. Every 6 s, burst 1; never repeated by itself.

        Args:
            marketplace_id: Whose invoices.
            date_start: First day; 24 hours ago unless given.
            date_end: Last day; now unless given.
            **filters: Amazon's further fields as they are: `externalInvoiceId`, `fileFormat`
                (`XML`), `invoiceType`, `series`, `statuses`, `transactionIdentifier` (`name` and
                `id`), `transactionType`.

        Raises:
            SpApiError: The call failed; the subclass says what to do.
        """
        name = f"{_API}.createInvoicesExport"
        body = given(
            marketplaceId=marketplace_id, dateStart=date_start, dateEnd=date_end, **filters
        )
        return text_at(await self._calls.call(name, body=body), "exportId", operation=name)

    async def get_invoices_export(self, export_id: str) -> InvoicesExport:
        """Return an export's state. Twice a second, burst 15.

        Raises:
            SpApiError: The call failed; the subclass says what to do.
        """
        name = f"{_API}.getInvoicesExport"
        answer = await self._calls.call(name, exportId=export_id)
        return found(InvoicesExport.read(part(answer, "export")), operation=name, what="export")

    def get_invoices_exports(
        self,
        marketplace_id: str,
        *,
        date_start: datetime | None = None,
        date_end: datetime | None = None,
        status: str | None = None,
        page_size: int | None = None,
        start: str | None = None,
    ) -> AsyncIterator[Listed[InvoicesExport]]:
        """List exports, page by page. Every 10 s, burst 20.

        Args:
            marketplace_id: Whose invoices.
            date_start: Made not before.
            date_end: Made not after.
            status: Only in this state.
            page_size: 1 to 100 exports a page.
            start: `next_token` of the last page that was read, with the other arguments as then.

        Raises:
            SpApiError: A call failed; the subclass says what to do.
        """
        pages = self._calls.paginate(
            f"{_API}.getInvoicesExports",
            marketplaceId=marketplace_id,
            dateStart=date_start,
            dateEnd=date_end,
            status=status,
            pageSize=page_size,
            start=start,
        )
        return listed(pages, "exports", read=InvoicesExport.read)

    async def get_invoices_document(self, invoices_document_id: str) -> InvoicesDocument:
        """Return where a document is, for thirty seconds. Once a minute, burst 1.

        Raises:
            SpApiError: The call failed; the subclass says what to do.
        """
        name = f"{_API}.getInvoicesDocument"
        answer = await self._calls.call(name, invoicesDocumentId=invoices_document_id)
        read = InvoicesDocument.read(part(answer, "invoicesDocument"))
        return found(read, operation=name, what="document")

    async def get_invoice(self, marketplace_id: str, invoice_id: str) -> Invoice:
        """Return what is known of an invoice. Twice a second, burst 15.

        Raises:
            SpApiError: The call failed; the subclass says what to do.
        """
        name = f"{_API}.getInvoice"
        answer = await self._calls.call(name, marketplaceId=marketplace_id, invoiceId=invoice_id)
        return found(Invoice.read(part(answer, "invoice")), operation=name, what="invoice")

    def get_invoices(
        self,
        marketplace_id: str,
        *,
        date_start: datetime | None = None,
        date_end: datetime | None = None,
        statuses: Sequence[str] = (),
        page_size: int | None = None,
        start: str | None = None,
        filters: Mapping[str, str] | None = None,
    ) -> AsyncIterator[Listed[Invoice]]:
        """List invoices, page by page. Every 10 s, burst 20.

        Args:
            marketplace_id: Whose invoices.
            date_start: First day.
            date_end: Last day.
            statuses: Only in these states.
            page_size: Invoices a page.
            start: `next_token` of the last page that was read, with the other arguments as then.
            filters: Amazon's further parameters as they are, such as `transactionIdentifierId`.

        Raises:
            SpApiError: A call failed; the subclass says what to do.
        """
        pages = self._calls.paginate(
            f"{_API}.getInvoices",
            marketplaceId=marketplace_id,
            dateStart=date_start,
            dateEnd=date_end,
            statuses=list(statuses),
            pageSize=page_size,
            start=start,
            **(filters or {}),
        )
        return listed(pages, "invoices", read=Invoice.read)
