"""REPORT_PROCESSING_FINISHED → `report.completed`, `report.cancelled` or `report.failed`.

The report is downloaded, unpacked, stored, and linked to. Amazon tells of one report up to ten
times: it is fetched once. It tells of reports that others asked for too; name the types that matter
in the settings.

Settings, under `[handlers.report_ready]`:
    types: Report types that are fetched, such as `["GET_MERCHANT_LISTINGS_ALL_DATA"]`; all unless
        given.
    restricted_types: Those of them that hold personal data, which Amazon hands out by a restricted
        data token only.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from gateway import Context, Event, EventType, Notification, Retry, Router, Skip
from gateway.notifications import ReportProcessingFinished
from handlers.stored_document import DOCUMENT, DocumentLink, stored

UNFINISHED = frozenset({"IN_QUEUE", "IN_PROGRESS"})
NAMES = {"DONE": "report.completed", "CANCELLED": "report.cancelled"}


class ReportFacts(BaseModel):
    """A report that Amazon is done with."""

    id: str
    type: str | None
    status: str
    marketplace_ids: list[str]
    data_start_time: str | None
    data_end_time: str | None
    created_time: str | None


_REPORT = {
    "id": "50039018869997",
    "type": "GET_MERCHANT_LISTINGS_ALL_DATA",
    "status": "DONE",
    "marketplace_ids": ["A1PA6795UKMFR9"],
    "data_start_time": None,
    "data_end_time": None,
    "created_time": "2026-01-31T08:50:00Z",
}


def _declared(name: str, summary: str, status: str, document: object) -> EventType:
    return EventType(
        type=name,
        summary=summary,
        members={"report": ReportFacts, "document": DocumentLink | None},
        example={"report": {**_REPORT, "status": status}, "document": document},
        source="REPORT_PROCESSING_FINISHED",
    )


router = Router()
router.publishes(
    _declared("report.completed", "A report is ready and stored.", "DONE", DOCUMENT),
    _declared(
        "report.cancelled", "A report was cancelled, or there was no data.", "CANCELLED", None
    ),
    _declared("report.failed", "A report failed; the document, if any, says why.", "FATAL", None),
)


@router.on(ReportProcessingFinished, once=lambda n: n.payload.report_id, timeout_s=900)
async def report_ready(notification: Notification[ReportProcessingFinished], ctx: Context) -> Event:
    """Fetch and store the report that is finished, and publish what became of it."""
    payload = notification.payload
    wanted = ctx.settings.get("types")
    if wanted and payload.report_type not in wanted:
        raise Skip(f"{payload.report_type} is not among [handlers.report_ready] types")
    report = await ctx.spapi.reports.get_report(payload.report_id)
    status = report.processing_status or payload.processing_status or "FATAL"
    if status in UNFINISHED:
        raise Retry(f"Amazon still says {status} of report {report.report_id}", 60)
    facts = ReportFacts(
        id=report.report_id,
        type=report.report_type or payload.report_type,
        status=status,
        marketplace_ids=list(report.marketplace_ids),
        data_start_time=report.data_start_time,
        data_end_time=report.data_end_time,
        created_time=report.created_time,
    )
    document = report.report_document_id
    return Event(
        type=NAMES.get(status, "report.failed"),
        data={
            "report": facts.model_dump(),
            "document": await _fetched(document, facts, ctx) if document else None,
        },
    )


async def _fetched(document_id: str, facts: ReportFacts, ctx: Context) -> dict[str, Any]:
    restricted = facts.type in ctx.settings.get("restricted_types", ())
    opening = ctx.spapi.documents.report(document_id, restricted=restricted)
    return await stored(f"{facts.type}-{facts.id}", opening, ctx)
