"""FEED_PROCESSING_FINISHED → `feed.completed`, `feed.cancelled` or `feed.failed`.

The processing report, which says what Amazon took and what it refused, is downloaded, unpacked,
stored, and linked to. A feed that is told of several times is fetched once.

Settings, under `[handlers.feed_ready]`:
    types: Feed types that are fetched, such as `["JSON_LISTINGS_FEED"]`; all unless given.
"""

from __future__ import annotations

from pydantic import BaseModel

from gateway import Context, Event, EventType, Notification, Retry, Router, Skip
from gateway.notifications import FeedProcessingFinished
from handlers.stored_document import DOCUMENT, DocumentLink, stored

UNFINISHED = frozenset({"IN_QUEUE", "IN_PROGRESS"})
NAMES = {"DONE": "feed.completed", "CANCELLED": "feed.cancelled"}


class FeedFacts(BaseModel):
    """A feed that Amazon is done with."""

    id: str
    type: str | None
    status: str
    marketplace_ids: list[str]
    created_time: str | None


_FEED = {
    "id": "23492394",
    "type": "JSON_LISTINGS_FEED",
    "status": "DONE",
    "marketplace_ids": ["A1PA6795UKMFR9"],
    "created_time": "2026-01-31T08:50:00Z",
}


def _declared(name: str, summary: str, status: str, document: object) -> EventType:
    return EventType(
        type=name,
        summary=summary,
        members={"feed": FeedFacts, "document": DocumentLink | None},
        example={"feed": {**_FEED, "status": status}, "document": document},
        source="FEED_PROCESSING_FINISHED",
    )


_RESULT = {**DOCUMENT, "name": "JSON_LISTINGS_FEED-23492394"}

router = Router()
router.publishes(
    _declared("feed.completed", "A feed was processed; its report is stored.", "DONE", _RESULT),
    _declared("feed.cancelled", "A feed was cancelled before it was processed.", "CANCELLED", None),
    _declared("feed.failed", "A feed failed; the document, if any, says why.", "FATAL", _RESULT),
)


@router.on(FeedProcessingFinished, once=lambda n: n.payload.feed_id, timeout_s=900)
async def feed_ready(notification: Notification[FeedProcessingFinished], ctx: Context) -> Event:
    """Fetch and store the result of the feed, and publish what became of it."""
    payload = notification.payload
    wanted = ctx.settings.get("types")
    if wanted and payload.feed_type not in wanted:
        raise Skip(f"{payload.feed_type} is not among [handlers.feed_ready] types")
    feed = await ctx.spapi.feeds.get_feed(payload.feed_id)
    status = feed.processing_status or payload.processing_status or "FATAL"
    if status in UNFINISHED:
        raise Retry(f"Amazon still says {status} of feed {feed.feed_id}", 60)
    facts = FeedFacts(
        id=feed.feed_id,
        type=feed.feed_type or payload.feed_type,
        status=status,
        marketplace_ids=list(feed.marketplace_ids),
        created_time=feed.created_time,
    )
    document = None
    if feed.result_feed_document_id:
        opening = ctx.spapi.documents.feed_result(feed.result_feed_document_id)
        document = await stored(f"{facts.type}-{facts.id}", opening, ctx)
    return Event(
        type=NAMES.get(status, "feed.failed"),
        data={"feed": facts.model_dump(), "document": document},
    )
