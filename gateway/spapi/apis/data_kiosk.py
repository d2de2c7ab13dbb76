"""Typed calls of the Data Kiosk API 2023-11-15: GraphQL queries that end in a JSONL document.

A query's further pages are queries of their own: createQuery with the token of the one that is
done.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from pydantic import Field

from gateway.spapi.apis.views import Calls, Listed, View, found, given, listed, text_at
from gateway.spapi.pagination import token_at

_API = "dataKiosk.2023-11-15"


class KioskQuery(View):
    """A query.

    Attributes:
        processing_status: `IN_QUEUE`, `IN_PROGRESS`, `DONE`, `CANCELLED` or `FATAL`.
        data_document_id: What getDocument takes; None where there is no data.
        error_document_id: The same for a query that ended `FATAL`.
    """

    query_id: str
    query: str | None = None
    processing_status: str | None = None
    data_document_id: str | None = None
    error_document_id: str | None = None
    created_time: str | None = None
    processing_start_time: str | None = None
    processing_end_time: str | None = None

    @property
    def next_token(self) -> str | None:
        """What createQuery takes, with the same query, for the next page; None on the last."""
        return token_at(self.raw, "pagination.nextToken")


class KioskDocument(View):
    """Where a query's data is.

    Attributes:
        document_url: Pre-signed; works for five minutes. Download it in the run that asked for it.
            Whether it is compressed says its `Content-Encoding` alone.
    """

    document_id: str
    document_url: str = Field(repr=False, exclude=True)


class DataKiosk:
    """The Data Kiosk API 2023-11-15."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def create_query(self, query: str, *, pagination_token: str | None = None) -> str:
        """Start a query and return its id. Once a minute, burst 15; never repeated by itself.

        Args:
            query: GraphQL, at most 8,000 characters without white space.
            pagination_token: `next_token` of the same query's last page.

        Raises:
            SpApiError: The call failed; the subclass says what to do.
        """
        name = f"{_API}.createQuery"
        body = given(query=query, paginationToken=pagination_token)
        return text_at(await self._calls.call(name, body=body), "queryId", operation=name)

    async def get_query(self, query_id: str) -> KioskQuery:
        """Return a query's state. Twice a second, burst 15.

        Raises:
            SpApiError: The call failed; the subclass says what to do.
        """
        name = f"{_API}.getQuery"
        answer = await self._calls.call(name, queryId=query_id)
        return found(KioskQuery.read(answer), operation=name, what="query")

    def get_queries(
        self,
        processing_statuses: Sequence[str] = (),
        *,
        created_since: datetime | None = None,
        created_until: datetime | None = None,
        page_size: int = 100,
        start: str | None = None,
    ) -> AsyncIterator[Listed[KioskQuery]]:
        """List queries, page by page. Every 45 s, burst 10.

        Args:
            processing_statuses: Only in these states.
            created_since: Not before; 90 days ago unless given.
            created_until: Not after.
            page_size: 1 to 100 queries a page.
            start: `next_token` of the last page that was read, with the other arguments as then.

        Raises:
            SpApiError: A call failed; the subclass says what to do.
        """
        pages = self._calls.paginate(
            f"{_API}.getQueries",
            processingStatuses=list(processing_statuses),
            createdSince=created_since,
            createdUntil=created_until,
            pageSize=page_size,
            start=start,
        )
        return listed(pages, "queries", read=KioskQuery.read)

    async def cancel_query(self, query_id: str) -> None:
        """Cancel a query that is not done. Every 45 s, burst 10.

        Raises:
            SpApiError: The call failed; the subclass says what to do.
        """
        await self._calls.call(f"{_API}.cancelQuery", queryId=query_id)

    async def get_document(self, document_id: str) -> KioskDocument:
        """Return where a document's content is, for five minutes. Once a minute, burst 15.

        Raises:
            SpApiError: The call failed; the subclass says what to do.
        """
        name = f"{_API}.getDocument"
        answer = await self._calls.call(name, documentId=document_id)
        return found(KioskDocument.read(answer), operation=name, what="document")
