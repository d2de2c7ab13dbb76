"""REPORT_, FEED_ and DATA_KIOSK_QUERY_PROCESSING_FINISHED: Amazon is done with a document.

Source: the sections of these names in Amazon's "Notification Type Values", and for Data Kiosk its
own guide. Live messages say payload version 1.0 where the schema says 2020-09-04. Amazon sends a
report's notification more than once at times, under different ids, and also for reports that nobody
asked for through this application: tell them apart by report id and type.
"""

from __future__ import annotations

from typing import ClassVar

from gateway.notifications.base import NeededId, PayloadModel, PayloadPart


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


class KioskPagination(PayloadPart):
    """Where the next page begins; `next_token` is what createQuery takes."""

    next_token: str | None = None


class DataKioskQueryProcessingFinished(PayloadModel):
    """Payload of DATA_KIOSK_QUERY_PROCESSING_FINISHED.

    Attributes:
        account_id: `amzn1.merchant.o.<seller id>`, or `amzn1.vg.<group>` for vendors.
        query: The GraphQL that was asked.
        processing_status: `DONE`, `CANCELLED` or `FATAL`.
        data_document_id: What getDocument takes; absent where the query found nothing.
        error_document_id: Likewise, where the query failed.
    """

    notification_type: ClassVar[str] = "DATA_KIOSK_QUERY_PROCESSING_FINISHED"

    query_id: NeededId
    account_id: str | None = None
    query: str | None = None
    processing_status: str | None = None
    data_document_id: str | None = None
    error_document_id: str | None = None
    pagination: KioskPagination | None = None
