"""What reports, feeds and queries have in common: ids, the list of them, documents that die.

Ids are unique only together with the seller's, as Amazon's models say: two sellers' first reports
have the same id here.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gateway.clock import rfc3339
from gateway.simulator.apis import pages
from gateway.simulator.apis.contents import compressed
from gateway.simulator.spapi.answers import bad_input, not_found
from gateway.simulator.spapi.call import Answer, texts

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.simulator.agenda import Agenda
    from gateway.simulator.apis.publishing import Publisher
    from gateway.simulator.orders import OrderBook
    from gateway.simulator.payloads import Subject
    from gateway.simulator.spapi.call import Call
    from gateway.simulator.spapi.documents import Content, Documents
    from gateway.simulator.work import Course, Recipe, Work

DOCUMENT_LIFE_S = 300
_MAX_PLACES = 25
_GZIP = b"\x1f\x8b"
_STATUSES = frozenset({"IN_QUEUE", "IN_PROGRESS", "DONE", "CANCELLED", "FATAL"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What work is done with: shared by the APIs that do any."""

    clock: Clock
    agenda: Agenda
    work: Work
    orders: OrderBook
    documents: Documents
    publisher: Publisher

    def keep(self, job: Job, document_id: str, content: Content) -> bool:
        """Keep a document; return whether it is compressed: as the recipe says, or every other."""
        gzip = job.recipe.gzip if job.recipe.gzip is not None else int(job.id) % 2 == 0
        self.documents.put(job.seller, document_id, compressed(content) if gzip else content)
        return gzip

    def tell(self, job: Job, notification_type: str, about: Subject) -> None:
        """Publish that a job has ended, as often as its recipe says."""
        for _ in range(job.recipe.told):
            self.publisher.publish(notification_type, about)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A report, feed or query.

    Attributes:
        type: Report or feed type; the GraphQL text of a query.
        asked: What Amazon repeats of the request.
        document_id: Document of the result; None where there will be none.
        error_document_id: Document that says what went wrong, or None.
        given_up: Whether the seller cancelled it; no notification tells of that.
    """

    id: str
    seller: str
    type: str
    course: Course
    recipe: Recipe
    asked: Mapping[str, Any]
    document_id: str | None = None
    error_document_id: str | None = None
    given_up: bool = False


class Jobs:
    """The jobs of one kind, by seller.

    Args:
        first_id: What ids count from.
        clock: What time it is.
        agenda: Where the end of a job is noted.
        finish: Called when a job has ended, with it.
    """

    def __init__(
        self, *, first_id: int, clock: Clock, agenda: Agenda, finish: Callable[[Job], object]
    ) -> None:
        self._first_id = first_id
        self._clock = clock
        self._agenda = agenda
        self._finish = finish
        self._by_seller: defaultdict[str, dict[str, Job]] = defaultdict(dict)

    def next_id(self, seller_id: str) -> str:
        """Return the id that the seller's next job will have."""
        return str(self._first_id + len(self._by_seller[seller_id]))

    def add(self, job: Job) -> None:
        """Begin a job."""
        self._by_seller[job.seller][job.id] = job
        self._agenda.at(job.course.ends_at_ms, lambda: self._end(job.seller, job.id))

    def called(self, call: Call, name: str) -> Job:
        """Return the job that a path parameter names.

        Raises:
            RefusalError: The seller has none of this id.
        """
        job = self._by_seller[call.seller.id].get(call.arguments[name])
        if job is None:
            raise not_found(name.removesuffix("Id"), call.arguments[name])
        return job

    def cancel(self, job: Job) -> None:
        """Give a job up.

        Raises:
            RefusalError: It has begun.
        """
        if self.status(job) != "IN_QUEUE":
            raise bad_input("Only what is in the queue can be cancelled.", job.id)
        given_up = job.course.cancelled(self._clock.now_ms())
        self._by_seller[job.seller][job.id] = replace(
            job, course=given_up, document_id=None, error_document_id=None, given_up=True
        )

    def status(self, job: Job) -> str:
        """Return a job's processing status by now."""
        return job.course.status(self._clock.now_ms())

    def shown(self, job: Job) -> dict[str, Any]:
        """Return what all kinds show alike: what was asked for, status and times."""
        now_ms = self._clock.now_ms()
        times = job.course.times(now_ms, rfc3339)
        return {**job.asked, "processingStatus": job.course.status(now_ms), **times}

    def ended(self, job: Job) -> bool:
        """Whether a job has come to its end."""
        return self._clock.now_ms() >= job.course.ends_at_ms

    def page(self, call: Call, asked: Mapping[str, Any]) -> tuple[Sequence[Job], str | None]:
        """Return the newest jobs that fit `asked`, and the token of the page that follows."""
        jobs = [
            job
            for job in reversed(self._by_seller[call.seller.id].values())
            if self._fits(job, asked)
        ]
        shown, following = pages.page(jobs, start=asked["start"], size=asked["size"])
        if following is None:
            return shown, None
        return shown, pages.token(**{**asked, "start": following})

    def _fits(self, job: Job, asked: Mapping[str, Any]) -> bool:
        if (types := asked.get("types")) and job.type not in types:
            return False
        if (statuses := asked.get("statuses")) and self.status(job) not in statuses:
            return False
        places = asked.get("places")
        if places and not set(places) & set(job.asked.get("marketplaceIds") or places):
            return False
        created_ms = job.course.created_at_ms
        since_ms, until_ms = asked.get("since_ms"), asked.get("until_ms")
        return (since_ms is None or created_ms >= since_ms) and (
            until_ms is None or created_ms <= until_ms
        )

    def _end(self, seller_id: str, job_id: str) -> None:
        job = self._by_seller[seller_id][job_id]
        if not job.given_up:
            self._finish(job)


def asked_for(call: Call, *, types: str | None, token: str) -> Mapping[str, Any]:
    """Return what a list of jobs is asked for, by the query or by the page token in it.

    Raises:
        RefusalError: A parameter is wrong, or others stand beside the token.
    """
    following = pages.alone(call, token)
    if following is not None:
        return following
    statuses = call.listed("processingStatuses")
    if unknown := set(statuses) - _STATUSES:
        raise bad_input("processingStatuses is invalid.", ", ".join(sorted(unknown)))
    return {
        "start": 0,
        "size": call.whole("pageSize", default=10, low=1, high=100),
        "types": list(call.listed(types)) if types else [],
        "statuses": list(statuses),
        "places": list(call.listed("marketplaceIds")),
        "since_ms": call.time_ms("createdSince"),
        "until_ms": call.time_ms("createdUntil"),
    }


def listed(
    jobs: Jobs, call: Call, *, name: str, shown: Callable[[Job], Mapping[str, Any]]
) -> Answer:
    """Return a list of reports or feeds, as `name` says in the plural.

    Raises:
        RefusalError: Neither types nor a page token are given, or a parameter is wrong.
    """
    types = f"{name.removesuffix('s')}Types"
    asked = asked_for(call, types=types, token="nextToken")  # noqa: S106 a name
    if not asked["types"]:
        raise bad_input(f"{types} or nextToken is required.", types)
    found, following = jobs.page(call, asked)
    body: dict[str, Any] = {name: [shown(job) for job in found]}
    if following is not None:
        body["nextToken"] = following
    return Answer(body=body)


def marketplaces_asked(fields: Mapping[str, Any]) -> Sequence[str]:
    """Return the marketplaces that a report or feed is for.

    Raises:
        RefusalError: There are none, or too many.
    """
    places = texts(fields, "marketplaceIds")
    if not 1 <= len(places) <= _MAX_PLACES:
        raise bad_input(f"marketplaceIds takes 1 to {_MAX_PLACES} ids.", "marketplaceIds")
    return places


def linked(shop: Workshop, call: Call, document_id: str, *, gzip: bool) -> Mapping[str, str]:
    """Return where a document of a report or feed is to be fetched, and how it is compressed."""
    encoded = call.query.get("enableContentEncodingUrlHeader") == "true"
    url = shop.documents.link(
        call.seller.id,
        document_id,
        base_url=call.base_url,
        life_s=DOCUMENT_LIFE_S,
        encoding="gzip" if gzip and encoded else None,
    )
    return {"url": url, **({"compressionAlgorithm": "GZIP"} if gzip else {})}


def is_gzip(content: Content) -> bool:
    """Whether a document is kept compressed."""
    return content.body.startswith(_GZIP)


def new_document_id(region: str) -> str:
    """Return a new id in the form that Amazon's document ids have."""
    return f"amzn1.spdoc.1.4.{region}.{uuid.uuid4()}"
