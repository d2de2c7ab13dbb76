"""SP-API for tests: the gateway's own client over answers that the test sets.

Names and parameters of calls are checked as in earnest, so a call that Amazon would refuse for its
form fails here too. There are no tokens, usage plans, retries or sockets.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias, cast
from urllib.parse import parse_qs, urlsplit

import orjson

from gateway.model import Application, Seller
from gateway.spapi.calls import ApplicationCalls, SellerCalls
from gateway.spapi.catalog import Catalog
from gateway.spapi.client import SpApiClient
from gateway.spapi.documents.calls import DocumentAccess
from gateway.spapi.documents.host import Link, Stream
from gateway.spapi.runner import BoundCall, CallRunner
from gateway.testing.clock import FakeClock

Reply: TypeAlias = "Mapping[str, Any] | Exception | Callable[[FakeCall], Mapping[str, Any]]"

_HOST = "https://documents.example/"
_IDS = ("reportDocumentId", "feedDocumentId", "documentId", "invoicesDocumentId")


class UnexpectedCallError(AssertionError):
    """A handler made a call that the test set no answer for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeCall:
    """A call that was made.

    Attributes:
        operation: Full name, such as `orders.2026-01-01.getOrder`.
        path: With its parameters filled in.
        query: Values by name.
        body: JSON value of the request's body, or None.
    """

    operation: str
    seller_id: str | None
    path: str
    query: Mapping[str, list[str]]
    body: Any


class FakeSpApi:
    """See the module.

    Attributes:
        calls: The calls that were made, in order.
        uploads: Documents that were written, by id.
    """

    def __init__(self, clock: FakeClock | None = None) -> None:
        self.calls: list[FakeCall] = []
        self.uploads: dict[str, bytes] = {}
        self._replies: dict[str, list[Reply]] = {}
        self._documents: dict[str, tuple[bytes, str]] = {}
        self._catalog = Catalog.load()
        self._client = SpApiClient(
            catalog=self._catalog,
            directory=_Directory(),
            runner=cast("CallRunner", self),
            documents=DocumentAccess(host=self, clock=clock or FakeClock()),
        )

    def answers(self, operation: str, *replies: Reply) -> FakeSpApi:
        """Set what an operation answers: one reply after the other, the last one for ever.

        Args:
            operation: Full name, or an operation id that is unique, such as `getReport`.
            *replies: Bodies as Amazon writes them, exceptions, or functions of the call.
        """
        self._replies[self._catalog.find(operation).name] = list(replies)
        return self

    def document(
        self, document_id: str, content: bytes, *, content_type: str = "text/plain; charset=UTF-8"
    ) -> FakeSpApi:
        """Set what is behind a document id, whichever operation asks for it."""
        self._documents[document_id] = (content, content_type)
        url = {
            "reports.2021-06-30.getReportDocument": "url",
            "feeds.2021-06-30.getFeedDocument": "url",
            "dataKiosk.2023-11-15.getDocument": "documentUrl",
            "invoices.2024-06-19.getInvoicesDocument": "invoicesDocumentUrl",
        }
        for operation, key in url.items():
            self._replies.setdefault(operation, [_where(key)])
        return self

    def made(self, operation: str) -> list[FakeCall]:
        """Return the calls of one operation."""
        name = self._catalog.find(operation).name
        return [one for one in self.calls if one.operation == name]

    def for_seller(self, seller_id: str, region: str | None = None) -> SellerCalls:
        """Return what a handler gets as `ctx.spapi`."""
        return self._client.for_seller(seller_id, region)

    def for_application(self, region: str = "eu") -> ApplicationCalls:
        """Return what a handler gets from `ctx.application`."""
        return self._client.for_application("test", region)

    async def run(self, bound: BoundCall) -> dict[str, Any]:
        """Answer a call, in the place of `CallRunner`."""
        target = urlsplit(bound.prepared.target)
        body = bound.prepared.body
        call = FakeCall(
            operation=bound.name,
            seller_id=bound.seller.id if bound.seller else None,
            path=target.path,
            query=parse_qs(target.query),
            body=orjson.loads(body) if body else None,
        )
        self.calls.append(call)
        replies = self._replies.get(bound.name)
        if not replies:
            raise UnexpectedCallError(f"no answer is set: spapi.answers({bound.name!r}, …)")
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        if isinstance(reply, Exception):
            raise reply
        return dict(reply(call) if callable(reply) else reply)

    @asynccontextmanager
    async def get(self, link: Link) -> AsyncIterator[Stream]:
        """Open a document, in the place of its host."""
        document_id = link.url.removeprefix(_HOST)
        if document_id not in self._documents:
            raise UnexpectedCallError(f"no document is set: spapi.document({document_id!r}, …)")
        content, content_type = self._documents[document_id]
        yield Stream(content_type=content_type, encoding="", pieces=_pieces(content))

    async def put(
        self, link: Link, content: AsyncIterable[bytes] | bytes, *, size: int, content_type: str
    ) -> None:
        """Take a document, in the place of its host."""
        del size, content_type
        whole = content if isinstance(content, bytes) else b"".join([one async for one in content])
        self.uploads[link.document_id] = whole


class _Directory:
    """Every seller is there."""

    async def seller(self, seller_id: str, region: str | None = None) -> Seller:
        return Seller(
            id=seller_id,
            application_id="test",
            region=region or "eu",
            refresh_token="test",  # noqa: S106 opens nothing
        )

    async def application(self, application_id: str) -> Application:
        return Application(
            id=application_id,
            client_id="test",
            client_secret="test",  # noqa: S106 opens nothing
        )

    async def pause(self, seller_id: str, region: str, reason: str) -> None:
        """Leave the seller as it is."""


def _where(key: str) -> Callable[[FakeCall], Mapping[str, Any]]:
    def reply(call: FakeCall) -> Mapping[str, Any]:
        document_id = call.path.rpartition("/")[2]
        facts = {
            "reportDocumentId": document_id,
            "documentId": document_id,
            key: _HOST + document_id,
        }
        return {"invoicesDocument": facts} if key == "invoicesDocumentUrl" else facts

    return reply


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(content), 65_536):
        yield content[at : at + 65_536]
