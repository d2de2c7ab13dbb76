"""What a handler holds: documents by id, opened in the task that asks, and feeds sent.

Asking for a document counts against its operation's usage plan (getInvoicesDocument: one a minute),
and the URL in the answer dies within 30 seconds or 5 minutes. So the two go together: ask, then
read at once. A URL that is dead nevertheless is asked for once more. It never keeps a URL.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from gateway.clock import Clock
from gateway.errors import SpApiRetryableError
from gateway.spapi.documents.archive import Archive, read_table, spool
from gateway.spapi.documents.document import Document, Making, counted
from gateway.spapi.documents.gunzip import unpacker
from gateway.spapi.documents.host import DeadUrlError, DocumentHost, Link, Stream, fault
from gateway.spapi.documents.limits import DamagedError, DocumentLimits, Meter
from gateway.spapi.documents.spool import Spool
from gateway.spapi.documents.text import Transcoder

_REPORT = "reports.2021-06-30.getReportDocument"
_FEED_RESULT = "feeds.2021-06-30.getFeedDocument"
_NEW_FEED = "feeds.2021-06-30.createFeedDocument"
_FEED = "feeds.2021-06-30.createFeed"
_DATA_KIOSK = "dataKiosk.2023-11-15.getDocument"
_INVOICES = "invoices.2024-06-19.getInvoicesDocument"

_TRIES = 3
_BACK_OFF_S = 0.5

ResultT = TypeVar("ResultT")


class Calls(Protocol):
    """What this module needs of a seller's calls."""

    @property
    def seller_id(self) -> str:
        """Whose calls they are."""
        ...

    def call(self, name: str, /, **parameters: Any) -> Awaitable[dict[str, Any]]:
        """Call the operation that `name` means."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentAccess:
    """How documents are reached, the same for every seller.

    Attributes:
        folder: Where archives wait; None for the system's temporary files.
        jitter: Random numbers in [0, 1).
    """

    host: DocumentHost
    clock: Clock
    limits: DocumentLimits = field(default_factory=DocumentLimits)
    folder: Path | None = None
    jitter: Callable[[], float] = field(default=random.random)


class Documents:
    """The documents of one seller."""

    def __init__(self, calls: Calls, access: DocumentAccess) -> None:
        self._calls = calls
        self._access = access

    @asynccontextmanager
    async def report(
        self, document_id: str, *, restricted: bool = False
    ) -> AsyncIterator[Document]:
        """Open a report: `async with …report(id) as document: async for piece in document: …`.

        Args:
            document_id: `reportDocumentId` of a report that is DONE.
            restricted: Whether its type is restricted: Amazon's word for holding personal data.

        Raises:
            SpApiError: Amazon gives no document; the subclass says what to do.
            CallDeferred: The usage plan's next token is too far away; let it pass.
        """
        more: Mapping[str, Any] = {"restricted": True} if restricted else {}
        named = {"reportDocumentId": document_id}
        async with self._document(_REPORT, document_id, {**named, **more}) as document:
            yield document

    @asynccontextmanager
    async def feed_result(self, document_id: str) -> AsyncIterator[Document]:
        """Open what became of a feed, by `resultFeedDocumentId`; errors as with `report`."""
        async with self._document(
            _FEED_RESULT, document_id, {"feedDocumentId": document_id}
        ) as document:
            yield document

    @asynccontextmanager
    async def data_kiosk(self, document_id: str) -> AsyncIterator[Document]:
        """Open a query's data (JSON lines) or its errors; errors as with `report`."""
        async with self._document(
            _DATA_KIOSK, document_id, {"documentId": document_id}
        ) as document:
            yield document

    @asynccontextmanager
    async def invoices(self, document_id: str) -> AsyncIterator[Archive]:
        """Open an export of invoices, a ZIP of files; errors as with `report`.

        It is on disk before the first file is yielded, because its URL lives for 30 seconds.

        Args:
            document_id: One of the `invoicesDocumentIds` of an export that is DONE.
        """
        named = {"invoicesDocumentId": document_id}
        async with AsyncExitStack() as stack:
            meter = Meter(self._access.limits)
            file = await stack.enter_async_context(Spool(self._access.folder))
            async with self._opened(_INVOICES, document_id, named) as (link, stream):
                await spool(link, stream.pieces, file, meter)
            table = await asyncio.to_thread(read_table, link, file.file)
            stack.callback(table.close)
            yield Archive(link, table, file, meter)

    async def upload_feed(self, content: bytes | AsyncIterable[bytes], *, content_type: str) -> str:
        """Write a feed's content and return its `feedDocumentId`; nothing is submitted yet.

        Args:
            content: Bytes, or a stream of them, which waits on disk until its size is known.
            content_type: With its charset, such as `text/xml; charset=UTF-8`.
        """
        if isinstance(content, bytes):
            return await self._upload(lambda: content, len(content), content_type)
        async with Spool(self._access.folder) as file:
            async for piece in content:
                await file.write(piece)
            return await self._upload(file.read, file.size, content_type)

    async def submit_feed(
        self,
        feed_type: str,
        content: bytes | AsyncIterable[bytes],
        *,
        content_type: str,
        marketplace_ids: Sequence[str],
        options: Mapping[str, str] | None = None,
    ) -> str:
        """Upload a feed, submit it, and return its `feedId`."""
        document_id = await self.upload_feed(content, content_type=content_type)
        body: dict[str, Any] = {
            "feedType": feed_type,
            "marketplaceIds": list(marketplace_ids),
            "inputFeedDocumentId": document_id,
        }
        if options:
            body["feedOptions"] = dict(options)
        answer = await self._calls.call(_FEED, body=body)
        return str(answer["feedId"])

    @asynccontextmanager
    async def _document(
        self, operation: str, document_id: str, parameters: Mapping[str, Any]
    ) -> AsyncIterator[Document]:
        async with self._opened(operation, document_id, parameters) as (link, stream):
            meter = Meter(self._access.limits)
            try:
                unpack = unpacker(encoding=stream.encoding, gzip=link.gzip)
            except DamagedError as exc:
                raise fault(link, exc) from exc
            yield Document(
                link,
                counted(stream.pieces, meter),
                Making(unpacker=unpack, text=Transcoder(stream.content_type), meter=meter),
                content_type=stream.content_type,
            )

    @asynccontextmanager
    async def _opened(
        self, operation: str, document_id: str, parameters: Mapping[str, Any]
    ) -> AsyncIterator[tuple[Link, Stream]]:
        async def ask() -> Link:
            answer = await self._calls.call(operation, **parameters)
            return self._link(operation, document_id, answer)

        async with AsyncExitStack() as stack:

            async def use(link: Link) -> tuple[Link, Stream]:
                stream = await stack.enter_async_context(self._access.host.get(link))
                return link, stream

            yield await self._asked(ask, use)

    async def _upload(
        self, content: Callable[[], bytes | AsyncIterable[bytes]], size: int, content_type: str
    ) -> str:
        async def ask() -> Link:
            answer = await self._calls.call(_NEW_FEED, body={"contentType": content_type})
            return self._link(_NEW_FEED, str(answer["feedDocumentId"]), answer)

        async def use(link: Link) -> str:
            await self._access.host.put(link, content(), size=size, content_type=content_type)
            return link.document_id

        return await self._asked(ask, use)

    async def _asked(
        self, ask: Callable[[], Awaitable[Link]], use: Callable[[Link], Awaitable[ResultT]]
    ) -> ResultT:
        """Ask for a URL and use it at once; where it is dead already, once more."""
        link = await ask()
        try:
            return await self._tried(link, use)
        except DeadUrlError:
            return await self._tried(await ask(), use)

    async def _tried(self, link: Link, use: Callable[[Link], Awaitable[ResultT]]) -> ResultT:
        """Use a URL, again where its host has a bad moment."""
        for attempt in range(1, _TRIES):
            try:
                return await use(link)
            except DeadUrlError:
                raise
            except SpApiRetryableError:
                await self._access.clock.sleep(_BACK_OFF_S * attempt * self._access.jitter())
        return await use(link)

    def _link(self, operation: str, document_id: str, answer: Mapping[str, Any]) -> Link:
        inner = answer.get("invoicesDocument")
        facts = inner if isinstance(inner, Mapping) else answer
        url = facts.get("url") or facts.get("documentUrl") or facts.get("invoicesDocumentUrl")
        return Link(
            operation=operation,
            seller_id=self._calls.seller_id,
            document_id=document_id,
            url=str(url or ""),
            gzip=facts.get("compressionAlgorithm") == "GZIP",
        )
