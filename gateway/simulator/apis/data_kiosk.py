"""Data Kiosk 2023-11-15: queries, page by page, and their documents.

A query is not understood: its rows are orders. Source: Amazon's page "Data Kiosk API v2023-11-15".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

from gateway.simulator.apis import pages
from gateway.simulator.apis.contents import query_content
from gateway.simulator.apis.jobs import (
    DOCUMENT_LIFE_S,
    Job,
    Jobs,
    Workshop,
    asked_for,
    new_document_id,
)
from gateway.simulator.payloads import Subject
from gateway.simulator.spapi.answers import bad_input, not_found
from gateway.simulator.spapi.call import Answer, Call, needed_text
from gateway.simulator.spapi.documents import Content

if TYPE_CHECKING:
    from gateway.simulator.spapi.call import Answering

_FIRST_ID = 300_000_020_000
_ROWS = 25
_MAX_QUERY = 8_000


class DataKiosk:
    """The queries of all sellers."""

    def __init__(self, shop: Workshop) -> None:
        self._shop = shop
        self._jobs = Jobs(
            first_id=_FIRST_ID, clock=shop.clock, agenda=shop.agenda, finish=self._finish
        )
        self._gzip: dict[tuple[str, str], bool] = {}

    def answers(self) -> Mapping[str, Answering]:
        """See `Api`."""
        return {
            "dataKiosk.2023-11-15.createQuery": self._create,
            "dataKiosk.2023-11-15.getQueries": self._list,
            "dataKiosk.2023-11-15.getQuery": lambda call: Answer(
                body=self._shown(self._jobs.called(call, "queryId"))
            ),
            "dataKiosk.2023-11-15.cancelQuery": self._cancel,
            "dataKiosk.2023-11-15.getDocument": self._document,
        }

    def _create(self, call: Call) -> Answer:
        fields = call.fields()
        query = needed_text(fields, "query")
        if len(query) > _MAX_QUERY:
            raise bad_input(f"query takes at most {_MAX_QUERY} characters.", "query")
        recipe, course = self._shop.work.begin("queries")
        page, left = 0, max(1, recipe.pages)
        if (text := fields.get("paginationToken")) is not None:
            read_on = pages.opened(str(text), "paginationToken")
            if read_on.get("query") != query:
                raise bad_input("The query must be the one that paginationToken belongs to.")
            page, left = read_on["start"], read_on["left"]
        asked: dict[str, Any] = {
            "query": query,
            "page": page,
            "left": left,
            "places": call.seller.marketplaces,
        }
        done, fatal = course.outcome == "DONE" and recipe.rows != 0, course.outcome == "FATAL"
        region = call.caller.region
        job = Job(
            id=self._jobs.next_id(call.seller.id),
            seller=call.seller.id,
            type=query,
            course=course,
            recipe=recipe,
            asked=asked,
            document_id=new_document_id(region) if done else None,
            error_document_id=new_document_id(region) if fatal else None,
        )
        self._jobs.add(job)
        return Answer(status=202, body={"queryId": job.id})

    def _list(self, call: Call) -> Answer:
        asked = asked_for(call, types=None, token="paginationToken")  # noqa: S106 a name
        jobs, following = self._jobs.page(call, asked)
        body: dict[str, Any] = {"queries": [self._shown(job) for job in jobs]}
        if following is not None:
            body["pagination"] = {"nextToken": following}
        return Answer(body=body)

    def _cancel(self, call: Call) -> Answer:
        self._jobs.cancel(self._jobs.called(call, "queryId"))
        return Answer(status=204)

    def _shown(self, job: Job) -> Mapping[str, Any]:
        shown = {"queryId": job.id, **self._jobs.shown(job)}
        del shown["page"], shown["left"], shown["places"]
        if self._jobs.ended(job):
            if job.document_id is not None:
                shown["dataDocumentId"] = job.document_id
            if job.error_document_id is not None:
                shown["errorDocumentId"] = job.error_document_id
            if (following := _following(job)) is not None:
                shown["pagination"] = {"nextToken": following}
        return shown

    def _document(self, call: Call) -> Answer:
        key = call.seller.id, call.arguments["documentId"]
        if key not in self._gzip:
            raise not_found("document", key[1])
        url = self._shop.documents.link(
            *key,
            base_url=call.base_url,
            life_s=DOCUMENT_LIFE_S,
            encoding="gzip" if self._gzip[key] else None,
        )
        return Answer(body={"documentId": key[1], "documentUrl": url})

    def _finish(self, job: Job) -> None:
        if job.document_id is not None:
            rows = _ROWS if job.recipe.rows is None else job.recipe.rows
            orders = self._shop.orders.some(
                job.seller, rows, job.asked["places"], start=job.asked["page"] * rows
            )
            self._keep(job, job.document_id, query_content(orders))
        if job.error_document_id is not None:
            errors = {"errors": [{"message": "The query can't be processed.", "code": "FATAL"}]}
            self._keep(
                job,
                job.error_document_id,
                Content(body=orjson.dumps(errors), content_type="application/json"),
            )
        about = Subject(
            seller_id=job.seller,
            at_ms=job.course.ends_at_ms,
            query_id=job.id,
            query=job.type,
            processing_status=job.course.outcome,
            document_id=job.document_id,
            error_document_id=job.error_document_id,
            next_token=_following(job),
        )
        self._shop.tell(job, "DATA_KIOSK_QUERY_PROCESSING_FINISHED", about)

    def _keep(self, job: Job, document_id: str, content: Content) -> None:
        self._gzip[job.seller, document_id] = self._shop.keep(job, document_id, content)


def _following(job: Job) -> str | None:
    """Return the token that the query of the next page takes, or None on the last one."""
    left = job.asked["left"] - 1
    if left < 1 or job.document_id is None:
        return None
    return pages.token(job.asked["page"] + 1, left=left, query=job.type)
