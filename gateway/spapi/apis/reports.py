"""Typed calls of the Reports API 2021-06-30.

Amazon keeps reports 90 days. Ids are unique only together with the seller's. createReport and
getReportDocument have one call a minute, a burst of 15.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

from pydantic import Field

from gateway.spapi.apis.views import Calls, Listed, View, found, given, listed, text_at

_API = "reports.2021-06-30"


class Report(View):
    """A report that was asked for.

    Attributes:
        processing_status: `IN_QUEUE`, `IN_PROGRESS`, `DONE`, `CANCELLED` (by somebody, or there
            was no data) or `FATAL`.
        report_document_id: What getReportDocument takes; where FATAL, it may explain why.
    """

    report_id: str
    report_type: str | None = None
    processing_status: str | None = None
    report_document_id: str | None = None
    report_schedule_id: str | None = None
    marketplace_ids: tuple[str, ...] = ()
    data_start_time: str | None = None
    data_end_time: str | None = None
    created_time: str | None = None
    processing_start_time: str | None = None
    processing_end_time: str | None = None


class ReportDocument(View):
    """Where a report's content is.

    Attributes:
        url: Pre-signed; works for five minutes. Download it in the run that asked for it.
        compression_algorithm: `GZIP`, or None where the content is not compressed.
    """

    report_document_id: str
    url: str = Field(repr=False, exclude=True)
    compression_algorithm: str | None = None


class Reports:
    """The Reports API 2021-06-30."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def create_report(
        self,
        report_type: str,
        marketplace_ids: Sequence[str],
        *,
        data_start_time: datetime | None = None,
        data_end_time: datetime | None = None,
        report_options: Mapping[str, str] | None = None,
    ) -> str:
        """Ask for a report and return its id. Once a minute, burst 15; never repeated by itself.

        Args:
            report_type: Such as `GET_MERCHANT_LISTINGS_ALL_DATA`.
            marketplace_ids: Marketplaces that it covers.
            data_start_time: Begin of its data, with a time zone.
            data_end_time: End of its data, with a time zone.
            report_options: Options of the report type.

        Raises:
            SpApiError: The call failed; the subclass says what to do.
        """
        name = f"{_API}.createReport"
        body = given(
            reportType=report_type,
            marketplaceIds=list(marketplace_ids),
            dataStartTime=data_start_time,
            dataEndTime=data_end_time,
            reportOptions=report_options,
        )
        return text_at(await self._calls.call(name, body=body), "reportId", operation=name)

    async def get_report(self, report_id: str) -> Report:
        """Return a report's state. Twice a second, burst 15.

        Raises:
            SpApiError: The call failed; the subclass says what to do.
        """
        name = f"{_API}.getReport"
        answer = await self._calls.call(name, reportId=report_id)
        return found(Report.read(answer), operation=name, what="report")

    def get_reports(
        self,
        report_types: Sequence[str] = (),
        *,
        processing_statuses: Sequence[str] = (),
        marketplace_ids: Sequence[str] = (),
        created_since: datetime | None = None,
        created_until: datetime | None = None,
        page_size: int = 100,
        start: str | None = None,
    ) -> AsyncIterator[Listed[Report]]:
        """List reports, page by page. Every 45 s, burst 10.

        Args:
            report_types: One to ten types; needed unless `start` is given.
            processing_statuses: Only in these states.
            marketplace_ids: Only of these marketplaces; at most ten.
            created_since: Not before; 90 days ago unless given.
            created_until: Not after.
            page_size: 1 to 100 reports a page.
            start: `next_token` of the last page that was read.

        Raises:
            SpApiError: A call failed; the subclass says what to do.
        """
        pages = self._calls.paginate(
            f"{_API}.getReports",
            reportTypes=list(report_types),
            processingStatuses=list(processing_statuses),
            marketplaceIds=list(marketplace_ids),
            createdSince=created_since,
            createdUntil=created_until,
            pageSize=page_size,
            start=start,
        )
        return listed(pages, "reports", read=Report.read)

    async def cancel_report(self, report_id: str) -> None:
        """Cancel a report that is `IN_QUEUE`. Every 45 s, burst 10.

        Raises:
            SpApiError: The call failed; the subclass says what to do.
        """
        await self._calls.call(f"{_API}.cancelReport", reportId=report_id)

    async def get_report_document(
        self, report_document_id: str, *, restricted: bool = False
    ) -> ReportDocument:
        """Return where a report's content is, for five minutes. Once a minute, burst 15.

        Args:
            report_document_id: From the report.
            restricted: Whether Amazon calls the report's type restricted.

        Raises:
            SpApiError: The call failed; the subclass says what to do.
        """
        name = f"{_API}.getReportDocument"
        answer = await self._calls.call(
            name, reportDocumentId=report_document_id, restricted=restricted
        )
        return found(ReportDocument.read(answer), operation=name, what="document")
