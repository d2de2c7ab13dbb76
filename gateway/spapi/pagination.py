"""Lists that come in pages: how the next page is asked for, in each of Amazon's dialects.

| dialect | the next page is asked for by |
| --- | --- |
| a token in the query, under seven names | the token, with the same parameters |
| the same, page rule `alone` (getReports, getFeeds) | the token and nothing else |
| the same, page rule `either` (Invoices: text and sandbox disagree) | like most; refused, alone |
| the same, page rule `query-type` (Fulfillment Inbound v0) | the token and `QueryType=NEXT_TOKEN` |
| `PageStartIndex` (Fulfillment Inbound v0 getLabels) | where the last page of labels ended |
| `pagination.offset` in the body (Replenishment) | where the last page ended |
| `paginationToken` in the body (Data Kiosk) | a new query, when the last is done |

It decides that, and where a walk ends: at the last page, at a token that Amazon gave before, or at
a limit. Each page is one call inside its usage plan; a walk whose call fails or is deferred can go
on where it stood. Source: the parameters' descriptions in Amazon's models of 2026-08.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from gateway.errors import InvalidInputError, SpApiRequestError, SpApiRetryableError
from gateway.spapi.catalog import Operation

MAX_PAGES = 1_000
"""Most pages of one walk unless told."""

_OFFSET = "body:pagination.{limit,offset}"
_QUERY = "body:paginationToken"
_INDEX = "PageStartIndex"
_GET_QUERY = "dataKiosk.2023-11-15.getQuery"
_QUERY_WAIT_S = 60.0
_QUERY_WORKING = frozenset({"IN_QUEUE", "IN_PROGRESS"})


class PageNotReadyError(SpApiRetryableError):
    """A Data Kiosk query isn't done, so that nothing is known of its next page; ask again later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What one page is asked for with."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page.

    Attributes:
        answer: What Amazon sent, unchanged.
        next_token: Asks for the next page (`start`), or None on the last.
    """

    answer: dict[str, Any] = field(repr=False)
    next_token: str | None = None


Caller = Callable[[str, Ask], Awaitable[dict[str, Any]]]
"""Calls the operation of a name."""


def ask_from(operation: Operation, first: Ask, token: str) -> Ask:
    """Return what asks for the page behind `token`.

    Raises:
        InvalidInputError: The operation has no pages, or the token can't be one of it.
    """
    parameter = operation.page_parameter
    if parameter is None:
        raise InvalidInputError(f"{operation.name} has no pages; call it without a page token")
    if parameter == _INDEX:
        return replace(first, parameters={**first.parameters, _INDEX: _whole(operation, token)})
    if parameter == _OFFSET:
        page = {**_pagination(first), "offset": _whole(operation, token)}
        return replace(first, body={**_body(first), "pagination": page})
    if parameter == _QUERY:
        return replace(first, body={**_body(first), "paginationToken": token})
    if operation.page_rule == "alone":
        return ask_alone(operation, token)
    more = {"QueryType": "NEXT_TOKEN"} if operation.page_rule == "query-type" else {}
    return replace(first, parameters={**first.parameters, **more, parameter: token})


def ask_alone(operation: Operation, token: str) -> Ask:
    """Return what asks for the page behind `token` and names nothing else."""
    return Ask(parameters={operation.page_parameter or "": token})


def next_token(operation: Operation, asked: Ask, answer: Mapping[str, Any]) -> str | None:
    """Return what an answer gives to ask for the next page with, or None on the last page."""
    parameter = operation.page_parameter
    if parameter == _INDEX:
        return _next_index(asked, answer)
    if parameter == _OFFSET:
        return _next_offset(asked, answer)
    if parameter is None or operation.next_token is None:
        return None
    return token_at(answer, operation.next_token)


def token_at(answer: object, path: str) -> str | None:
    """Return the text at a dotted path, or None where there is none or it is empty."""
    at = answer
    for key in path.split("."):
        at = at.get(key) if isinstance(at, Mapping) else None
    return at if isinstance(at, str) and at else None


def _next_index(asked: Ask, answer: Mapping[str, Any]) -> str | None:
    """Return the next `PageStartIndex`; Amazon names no total, an answer without labels ends."""
    size = _number(asked.parameters.get("PageSize"))
    if size is None or token_at(answer, "payload.DownloadURL") is None:
        return None
    return str((_number(asked.parameters.get(_INDEX)) or 0) + size)


def _next_offset(asked: Ask, answer: Mapping[str, Any]) -> str | None:
    page = _pagination(asked)
    limit, offset = _number(page.get("limit")), _number(page.get("offset")) or 0
    pagination = answer.get("pagination")
    total = _number(pagination.get("totalResults")) if isinstance(pagination, Mapping) else None
    if limit is None or total is None or offset + limit >= total:
        return None
    return str(offset + limit)


def _body(ask: Ask) -> Mapping[str, Any]:
    return ask.body if isinstance(ask.body, Mapping) else {}


def _pagination(ask: Ask) -> Mapping[str, Any]:
    page = _body(ask).get("pagination")
    return page if isinstance(page, Mapping) else {}


def _number(value: object) -> int | None:
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _whole(operation: Operation, token: str) -> int:
    number = _number(token)
    if number is None:
        raise InvalidInputError(f"{operation.name}: a page starts at a number, not at {token!r}")
    return number


class Pages:
    """A walk over the pages of one list: an asynchronous iterator.

    Where a call fails or is deferred the walk stands still: the next step asks for the same page
    again. An operation that has no pages gives one.
    """

    def __init__(
        self,
        operation: Operation,
        call: Caller,
        first: Ask,
        *,
        start: str | None = None,
        max_pages: int = MAX_PAGES,
    ) -> None:
        """Bind the call.

        Args:
            operation: What is listed.
            call: Calls an operation.
            first: What the first page is asked for with.
            start: Page token to begin at.
            max_pages: Most pages of this walk; a longer list is an error, not a cut one.

        Raises:
            InvalidInputError: `start` is given and the operation has no pages.
        """
        self._operation = operation
        self._call = call
        self._first = first
        self._max_pages = max_pages
        self._ask = first if start is None else ask_from(operation, first, start)
        self._token = start
        self._seen = set() if start is None else {start}
        self._count = 0
        self._ended = False
        self._alone = False
        self._query_id: str | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Page:
        """Return the next page.

        Raises:
            SpApiError: The call failed; the subclass says what to do.
            SpApiRetryableError: Amazon gave a page token twice.
            PageNotReadyError: A Data Kiosk query isn't done.
            SpApiRequestError: There are more pages than `max_pages`.
            CallDeferred: The usage plan's next token is too far away.
        """
        if self._query_id is not None:
            self._go_to(await self._token_of_query(self._query_id))
            self._query_id = None
        if self._ended:
            raise StopAsyncIteration
        if self._count >= self._max_pages:
            raise SpApiRequestError(
                f"{self._operation.name}: there are more than {self._max_pages} pages; ask for a "
                "narrower list, or raise max_pages",
                operation=self._operation.name,
            )
        answer = await self._answer()
        self._count += 1
        token = next_token(self._operation, self._ask, answer)
        if self._operation.page_parameter == _QUERY:
            self._query_id = token_at(answer, "queryId")
        self._go_to(token)
        return Page(answer=answer, next_token=token)

    async def _answer(self) -> dict[str, Any]:
        try:
            return await self._call(self._operation.name, self._ask)
        except SpApiRequestError as exc:
            if self._operation.page_rule != "either" or self._token is None or self._alone:
                raise
            if exc.status != 400:
                raise
        alone = ask_alone(self._operation, self._token)
        answer = await self._call(self._operation.name, alone)
        self._ask, self._alone = alone, True
        return answer

    def _go_to(self, token: str | None) -> None:
        self._token, self._ended = token, token is None
        if token is None:
            return
        if token in self._seen:
            self._ended = True
            raise SpApiRetryableError(
                f"{self._operation.name}: Amazon gave the same page token twice, after "
                f"{self._count} pages; begin anew later",
                operation=self._operation.name,
            )
        self._seen.add(token)
        if self._alone:
            self._ask = ask_alone(self._operation, token)
        else:
            self._ask = ask_from(self._operation, self._first, token)

    async def _token_of_query(self, query_id: str) -> str | None:
        """Return what the next query continues with, once this one is done."""
        query = await self._call(_GET_QUERY, Ask(parameters={"queryId": query_id}))
        status = query.get("processingStatus")
        if status == "DONE":
            return token_at(query, "pagination.nextToken")
        if status in _QUERY_WORKING:
            raise PageNotReadyError(
                f"{self._operation.name}: query {query_id} is {status}; its next page can be asked "
                "for when it is DONE",
                operation=self._operation.name,
                retry_after_s=_QUERY_WAIT_S,
            )
        raise SpApiRequestError(
            f"{self._operation.name}: query {query_id} ended {status}; it has no next page",
            operation=self._operation.name,
        )
