"""Typed calls of the Feeds API 2021-06-30.

A feed is sent in three steps: createFeedDocument gives a place, the content is uploaded there, and
createFeed names it. Ids are unique only together with the seller's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

from pydantic import Field

from gateway.spapi.apis.views import Calls, Listed, View, found, given, listed, text_at

_API = "feeds.2021-06-30"


class Feed(View):
    """A feed that was sent.

    Attributes:
        processing_status: `IN_QUEUE`, `IN_PROGRESS`, `DONE`, `CANCELLED` or `FATAL`.
        result_feed_document_id: What getFeedDocument takes to fetch the processing report.
    """

    feed_id: str
    feed_type: str | None = None
    processing_status: str | None = None
    result_feed_document_id: str | None = None
    marketplace_ids: tuple[str, ...] = ()
    created_time: str | None = None
    processing_start_time: str | None = None
    processing_end_time: str | None = None


class FeedDocument(View):
    """Where a feed's result is, or where its content goes.

    Attributes:
        url: Pre-signed; works for five minutes. Use it in the run that asked for it.
        compression_algorithm: `GZIP`, or None where the content is not compressed.
    """

    feed_document_id: str
    url: str = Field(repr=False, exclude=True)
    compression_algorithm: str | None = None


class Feeds:
    """The Feeds API 2021-06-30."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def create_feed_document(self, content_type: str) -> FeedDocument:
        """Return where content of this type may be uploaded. Every 2 s, burst 15.

        Args:
            content_type: Such as `application/json; charset=UTF-8`; the upload must carry it too.

        Raises:
            SpApiError: The call failed; the subclass says what to do.
        """
        name = f"{_API}.createFeedDocument"
        answer = await self._calls.call(name, body={"contentType": content_type})
        return found(FeedDocument.read(answer), operation=name, what="document")

    async def create_feed(
        self,
        feed_type: str,
        marketplace_ids: Sequence[str],
        input_feed_document_id: str,
        *,
        feed_options: Mapping[str, str] | None = None,
    ) -> str:
        """Have uploaded content processed and return the feed's id. Every 2 minutes, burst 15.

        Args:
            feed_type: Such as `JSON_LISTINGS_FEED`.
            marketplace_ids: Marketplaces that it is for.
            input_feed_document_id: From `create_feed_document`, its content uploaded.
            feed_options: Options of the feed type.

        Raises:
            SpApiError: The call failed; the subclass says what to do.
        """
        name = f"{_API}.createFeed"
        body = given(
            feedType=feed_type,
            marketplaceIds=list(marketplace_ids),
            inputFeedDocumentId=input_feed_document_id,
            feedOptions=feed_options,
        )
        return text_at(await self._calls.call(name, body=body), "feedId", operation=name)

    async def get_feed(self, feed_id: str) -> Feed:
        """Return a feed's state. Twice a second, burst 15.

        Raises:
            SpApiError: The call failed; the subclass says what to do.
        """
        name = f"{_API}.getFeed"
        return found(
            Feed.read(await self._calls.call(name, feedId=feed_id)), operation=name, what="feed"
        )

    def get_feeds(
        self,
        feed_types: Sequence[str] = (),
        *,
        processing_statuses: Sequence[str] = (),
        marketplace_ids: Sequence[str] = (),
        created_since: datetime | None = None,
        created_until: datetime | None = None,
        page_size: int = 100,
        start: str | None = None,
    ) -> AsyncIterator[Listed[Feed]]:
        """List feeds, page by page. Every 45 s, burst 10.

        Args:
            feed_types: One to ten types; needed unless `start` is given.
            processing_statuses: Only in these states.
            marketplace_ids: Only of these marketplaces; at most ten.
            created_since: Not before; 90 days ago unless given.
            created_until: Not after.
            page_size: 1 to 100 feeds a page.
            start: `next_token` of the last page that was read.

        Raises:
            SpApiError: A call failed; the subclass says what to do.
        """
        pages = self._calls.paginate(
            f"{_API}.getFeeds",
            feedTypes=list(feed_types),
            processingStatuses=list(processing_statuses),
            marketplaceIds=list(marketplace_ids),
            createdSince=created_since,
            createdUntil=created_until,
            pageSize=page_size,
            start=start,
        )
        return listed(pages, "feeds", read=Feed.read)

    async def cancel_feed(self, feed_id: str) -> None:
        """Cancel a feed that is `IN_QUEUE`. Twice a second, burst 15.

        Raises:
            SpApiError: The call failed; the subclass says what to do.
        """
        await self._calls.call(f"{_API}.cancelFeed", feedId=feed_id)

    async def get_feed_document(self, feed_document_id: str) -> FeedDocument:
        """Return where a result's content is, for five minutes. Every 45 s, burst 10.

        Raises:
            SpApiError: The call failed; the subclass says what to do.
        """
        name = f"{_API}.getFeedDocument"
        answer = await self._calls.call(name, feedDocumentId=feed_document_id)
        return found(FeedDocument.read(answer), operation=name, what="document")
