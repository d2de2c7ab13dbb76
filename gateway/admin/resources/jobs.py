"""Jobs over HTTP: asked for, and looked after. For operators."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints

from gateway.access import Scope
from gateway.admin.api import Api
from gateway.admin.audit import entry
from gateway.admin.bodies import body_value
from gateway.admin.fields import Given, Shown, Time, Word
from gateway.admin.paging import Page, PageQuery, page_of
from gateway.admin.resources.notifications import HandlingShown, handling_shown
from gateway.admin.routes import Call, Route
from gateway.admin.showing import shown
from gateway.errors import NotFoundError
from gateway.jobs.desk import JobWish
from gateway.model import HandlingState, Origin
from gateway.store.jobs import JobView

_SELLERS_MAX: Final = 1_000

JobName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,127}$")]


class JobGiven(Given):
    """A job to do."""

    job: JobName = Field(description="Such as invoices_export.")
    seller_ids: list[Word] = Field(
        default_factory=list, max_length=_SELLERS_MAX, description="For whom, once for each."
    )
    all_sellers: bool = Field(default=False, description="For all that are not paused.")
    marketplace_id: Word | None = None
    options: dict[str, Any] = Field(
        default_factory=dict, description="By the job's own names; `date_start` for an export."
    )


class JobRequested(Shown):
    """A request that a running gateway will see to."""

    id: str
    job: str
    seller_id: str | None


class JobsRequested(Shown):
    """The requests, one for each seller."""

    items: list[JobRequested]


class JobShown(Shown):
    """A job and how it stands."""

    id: str
    job: str
    seller_id: str | None
    origin: Origin
    slot_time: Time = Field(description="The time that it was for.")
    requested_at: Time
    handling_id: str
    state: HandlingState
    tries: int
    due_at: Time
    error: str | None
    ended_at: Time | None


class JobDetail(JobShown):
    """A job with what it was asked for, what it keeps between runs, and its handlings."""

    options: dict[str, Any]
    progress: Any
    handlings: list[HandlingShown]


class JobsQuery(PageQuery):
    """Which jobs."""

    job: JobName | None = None
    seller_id: Word | None = None
    state: HandlingState | None = None


async def _request(api: Api, call: Call) -> JobsRequested:
    given = call.body(JobGiven)
    noted = entry(
        api,
        call,
        "job.request",
        given.job,
        changes={
            name: {"from": None, "to": value} for name, value in given.model_dump().items() if value
        },
    )
    wish = JobWish(**given.model_dump())
    requested = await api.jobs.request(wish, api.store.changing(noted).inbox)
    return JobsRequested(items=[shown(JobRequested, one) for one in requested])


async def _list(api: Api, call: Call) -> Page[JobShown]:
    query = call.query(JobsQuery)
    return await page_of(
        query.cursor,
        query.limit,
        lambda after, limit: api.store.jobs.list(
            after=after,
            limit=limit,
            job=query.job,
            seller_id=query.seller_id,
            state=query.state,
        ),
        lambda one: shown(JobShown, one),
        lambda one: one.id,
    )


async def _show(api: Api, call: Call) -> JobDetail:
    job_id = call.path["job_id"]
    found = await api.store.jobs.find(job_id)
    if found is None:
        raise NotFoundError(f"there is no job {job_id}")
    detail = await api.store.queries.notification(job_id)
    return shown(
        JobDetail,
        found,
        options=body_value(detail.notification.body)["Payload"]["options"],
        progress=_progress(found),
        handlings=[handling_shown(one) for one in detail.handlings],
    )


def _progress(job: JobView) -> Any:
    return None if job.progress is None else body_value(job.progress)


ROUTES: Final = (
    Route(
        method="POST",
        path="/v1/jobs",
        name="request_job",
        tag="gateway",
        summary="Ask for a job; a running gateway does it",
        scope=Scope.WRITE,
        operators_only=True,
        body=JobGiven,
        answer=JobsRequested,
        status=202,
        refusals=frozenset({404}),
        handler=_request,
    ),
    Route(
        method="GET",
        path="/v1/jobs",
        name="list_jobs",
        tag="gateway",
        summary="List jobs, the newest first",
        scope=Scope.READ,
        operators_only=True,
        query=JobsQuery,
        answer=Page[JobShown],
        handler=_list,
    ),
    Route(
        method="GET",
        path="/v1/jobs/{job_id}",
        name="show_job",
        tag="gateway",
        summary="Show a job with its options and its handlings",
        scope=Scope.READ,
        operators_only=True,
        answer=JobDetail,
        handler=_show,
    ),
)
