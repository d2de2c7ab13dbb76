"""Feeds 2021-06-30: documents to upload, feeds made of them, processing reports.

Source: Amazon's page "Feeds API v2021-06-30".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from gateway.simulator.apis.contents import feed_result
from gateway.simulator.apis.jobs import (
    DOCUMENT_LIFE_S,
    Job,
    Jobs,
    Workshop,
    is_gzip,
    linked,
    listed,
    marketplaces_asked,
    new_document_id,
)
from gateway.simulator.payloads import Subject
from gateway.simulator.spapi.answers import bad_input, not_found
from gateway.simulator.spapi.call import Answer, Call, needed_text

if TYPE_CHECKING:
    from gateway.simulator.spapi.call import Answering
    from gateway.simulator.spapi.documents import Content

_FIRST_ID = 200_000_020_000


class Feeds:
    """The feeds of all sellers."""

    def __init__(self, shop: Workshop) -> None:
        self._shop = shop
        self._jobs = Jobs(
            first_id=_FIRST_ID, clock=shop.clock, agenda=shop.agenda, finish=self._finish
        )
        self._uploads: set[tuple[str, str]] = set()
        self._results: set[tuple[str, str]] = set()

    def answers(self) -> Mapping[str, Answering]:
        """See `Api`."""
        return {
            "feeds.2021-06-30.createFeedDocument": self._create_document,
            "feeds.2021-06-30.getFeedDocument": self._document,
            "feeds.2021-06-30.createFeed": self._create,
            "feeds.2021-06-30.getFeeds": self._list,
            "feeds.2021-06-30.getFeed": lambda call: Answer(
                body=self._shown(self._jobs.called(call, "feedId"))
            ),
            "feeds.2021-06-30.cancelFeed": self._cancel,
        }

    def _create_document(self, call: Call) -> Answer:
        content_type = needed_text(call.fields(), "contentType")
        document_id = new_document_id(call.caller.region)
        self._uploads.add((call.seller.id, document_id))
        url = self._shop.documents.link(
            call.seller.id,
            document_id,
            base_url=call.base_url,
            life_s=DOCUMENT_LIFE_S,
            upload_type=content_type,
        )
        return Answer(status=201, body={"feedDocumentId": document_id, "url": url})

    def _create(self, call: Call) -> Answer:
        fields, seller_id = call.fields(), call.seller.id
        places = marketplaces_asked(fields)
        input_id = needed_text(fields, "inputFeedDocumentId")
        if (seller_id, input_id) not in self._uploads:
            raise bad_input("inputFeedDocumentId is invalid.", input_id)
        feed_type = needed_text(fields, "feedType")
        recipe, course = self._shop.work.begin("feeds", feed_type)
        upload = self._shop.documents.get(seller_id, input_id)
        if upload is None or not upload.body:
            course = replace(course, outcome="FATAL")
        job = Job(
            id=self._jobs.next_id(seller_id),
            seller=seller_id,
            type=feed_type,
            course=course,
            recipe=recipe,
            asked={"feedType": feed_type, "marketplaceIds": list(places), "input": input_id},
            document_id=(
                new_document_id(call.caller.region) if course.outcome != "CANCELLED" else None
            ),
        )
        self._jobs.add(job)
        return Answer(status=202, body={"feedId": job.id})

    def _list(self, call: Call) -> Answer:
        return listed(self._jobs, call, name="feeds", shown=self._shown)

    def _cancel(self, call: Call) -> Answer:
        self._jobs.cancel(self._jobs.called(call, "feedId"))
        return Answer(body={})

    def _shown(self, job: Job) -> Mapping[str, Any]:
        shown = {"feedId": job.id, **self._jobs.shown(job)}
        del shown["input"]
        if self._jobs.ended(job) and job.document_id is not None:
            shown["resultFeedDocumentId"] = job.document_id
        return shown

    def _document(self, call: Call) -> Answer:
        key = call.seller.id, call.arguments["feedDocumentId"]
        content = self._shop.documents.get(*key)
        if content is None or not (key in self._results or key in self._uploads):
            raise not_found("feed document", key[1])
        # What a seller uploaded is given back as it was, whatever it is.
        gzip = key in self._results and is_gzip(content)
        link = linked(self._shop, call, key[1], gzip=gzip)
        return Answer(body={"feedDocumentId": key[1], **link})

    def _finish(self, job: Job) -> None:
        if job.document_id is not None:
            upload = self._shop.documents.get(job.seller, job.asked["input"])
            result = feed_result(job.id, job.type, _messages(upload))
            self._shop.keep(job, job.document_id, result)
            self._results.add((job.seller, job.document_id))
        about = Subject(
            seller_id=job.seller,
            at_ms=job.course.ends_at_ms,
            feed_id=job.id,
            feed_type=job.type,
            processing_status=job.course.outcome,
            document_id=job.document_id,
        )
        self._shop.tell(job, "FEED_PROCESSING_FINISHED", about)


def _messages(upload: Content | None) -> int:
    """Return how many messages or lines an uploaded feed has."""
    if upload is None:
        return 0
    try:
        fields = orjson.loads(upload.body)
    except orjson.JSONDecodeError:
        return max(0, len(upload.body.splitlines()) - 1)
    messages = fields.get("messages") if isinstance(fields, dict) else None
    return len(messages) if isinstance(messages, list) else 0
