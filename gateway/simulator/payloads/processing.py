"""Payloads that tell of finished work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.simulator.payloads.subject import Subject


def report_finished(about: Subject) -> Mapping[str, Any]:
    return {
        "reportProcessingFinishedNotification": _given(
            sellerId=about.seller_id,
            accountId=about.account_id,
            reportId=about.report_id,
            reportType=about.report_type,
            processingStatus=about.processing_status,
            reportDocumentId=about.document_id,
        )
    }


def feed_finished(about: Subject) -> Mapping[str, Any]:
    return {
        "feedProcessingFinishedNotification": _given(
            sellerId=about.seller_id,
            accountId=about.account_id,
            feedId=about.feed_id,
            feedType=about.feed_type,
            processingStatus=about.processing_status,
            resultFeedDocumentId=about.document_id,
        )
    }


def query_finished(about: Subject) -> Mapping[str, Any]:
    return _given(
        accountId=about.account_id,
        queryId=about.query_id,
        query=about.query,
        processingStatus=about.processing_status,
        dataDocumentId=about.document_id,
        errorDocumentId=about.error_document_id,
        pagination={"nextToken": about.next_token} if about.next_token else None,
    )


def _given(**fields: object) -> Mapping[str, Any]:
    """Return the fields that hold something: Amazon leaves the others out."""
    return {name: value for name, value in fields.items() if value is not None}
