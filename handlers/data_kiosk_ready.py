"""DATA_KIOSK_QUERY_PROCESSING_FINISHED → `data_kiosk.completed`, `.cancelled` or `.failed`.

The data (JSON lines), or what Amazon says of its errors, is downloaded, unpacked, stored, and
linked to. Where there is a next page, it is asked for: a query of its own, whose notification comes
later and makes an event of its own. A crash at that very moment may ask for a page twice.

Settings, under `[handlers.data_kiosk_ready]`:
    follow_pages: Whether next pages are asked for; `true` unless given.
"""

from __future__ import annotations

from pydantic import BaseModel

from gateway import Context, Event, EventType, Notification, Router
from gateway.notifications import DataKioskQueryProcessingFinished
from handlers.stored_document import DOCUMENT, DocumentLink, stored

NAMES = {"DONE": "data_kiosk.completed", "CANCELLED": "data_kiosk.cancelled"}


class QueryFacts(BaseModel):
    """A query that Amazon is done with.

    `next_query_id` is the query that asks for the next page, None on the last one.
    """

    id: str
    status: str
    query: str | None
    next_query_id: str | None


_QUERY = {
    "id": "156574020478",
    "status": "DONE",
    "query": "query { analytics_salesAndTraffic_2024_04_24 { … } }",
    "next_query_id": None,
}
_DATA = {**DOCUMENT, "name": "156574020478", "content_type": "application/jsonl"}


def _declared(name: str, summary: str, status: str, document: object) -> EventType:
    return EventType(
        type=name,
        summary=summary,
        members={"query": QueryFacts, "document": DocumentLink | None},
        example={"query": {**_QUERY, "status": status}, "document": document},
        source="DATA_KIOSK_QUERY_PROCESSING_FINISHED",
    )


router = Router()
router.publishes(
    _declared(
        "data_kiosk.completed",
        "A query is done; no document: it found nothing.",
        "DONE",
        _DATA,
    ),
    _declared("data_kiosk.cancelled", "A query was cancelled.", "CANCELLED", None),
    _declared("data_kiosk.failed", "A query failed; the document says why.", "FATAL", _DATA),
)


@router.on(DataKioskQueryProcessingFinished, once=lambda n: n.payload.query_id, timeout_s=900)
async def data_kiosk_ready(
    notification: Notification[DataKioskQueryProcessingFinished], ctx: Context
) -> Event:
    """Fetch and store a query's data or errors, ask for its next page, and publish it."""
    payload = notification.payload
    status = payload.processing_status or "FATAL"
    document_id = payload.data_document_id or payload.error_document_id
    document = None
    if document_id:
        opening = ctx.spapi.documents.data_kiosk(document_id)
        document = await stored(payload.query_id, opening, ctx)
    facts = QueryFacts(
        id=payload.query_id,
        status=status,
        query=payload.query,
        next_query_id=await _next_page(payload, ctx),
    )
    return Event(
        type=NAMES.get(status, "data_kiosk.failed"),
        data={"query": facts.model_dump(), "document": document},
    )


async def _next_page(payload: DataKioskQueryProcessingFinished, ctx: Context) -> str | None:
    """Ask for the next page where there is one; return its query's id."""
    token = payload.pagination.next_token if payload.pagination else None
    if not token or not payload.query or not ctx.settings.get("follow_pages", True):
        return None
    return await ctx.spapi.data_kiosk.create_query(payload.query, pagination_token=token)
