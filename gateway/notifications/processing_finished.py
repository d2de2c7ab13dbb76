"""REPORT_PROCESSING_FINISHED and FEED_PROCESSING_FINISHED: Amazon is done with a document.

Amazon sends a report's notification more than once at times, under different ids, and also for
reports that nobody asked for through this application: tell them apart by report id and type.
"""

from __future__ import annotations

from typing import ClassVar

from gateway.notifications.base import NeededId, PayloadModel


class ReportProcessingFinished(PayloadModel):
    """Payload of REPORT_PROCESSING_FINISHED.

    Attributes:
        seller_id: Absent for vendors.
        account_id: `amzn1.merchant.o.<seller id>`, or `amzn1.vg.<group>` for vendors.
        processing_status: `DONE`, `CANCELLED` or `FATAL`.
        report_document_id: What getReportDocument takes; absent where there is no document.
    """

    notification_type: ClassVar[str] = "REPORT_PROCESSING_FINISHED"
    wrapper: ClassVar[str | None] = "reportProcessingFinishedNotification"

    report_id: NeededId
    report_type: str | None = None
    processing_status: str | None = None
    report_document_id: str | None = None
    seller_id: str | None = None
    account_id: str | None = None


class FeedProcessingFinished(PayloadModel):
    """Payload of FEED_PROCESSING_FINISHED.

    Attributes:
        seller_id: Absent for vendors.
        account_id: `amzn1.merchant.o.<seller id>`, or `amzn1.vg.<group>` for vendors.
        processing_status: `DONE`, `CANCELLED` or `FATAL`.
        result_feed_document_id: What getFeedDocument takes; absent where there is no document.
    """

    notification_type: ClassVar[str] = "FEED_PROCESSING_FINISHED"
    wrapper: ClassVar[str | None] = "feedProcessingFinishedNotification"

    feed_id: NeededId
    feed_type: str | None = None
    processing_status: str | None = None
    result_feed_document_id: str | None = None
    seller_id: str | None = None
    account_id: str | None = None
