"""About the gateway itself: this API's document, and how much work there is."""

from __future__ import annotations

from typing import Any, Final

from pydantic import RootModel

from gateway.access import Scope
from gateway.admin.api import Api
from gateway.admin.fields import Shown, Time
from gateway.admin.routes import Call, Route
from gateway.admin.showing import shown
from gateway.store.views import WorkCounts


class Document(RootModel[dict[str, Any]]):
    """An OpenAPI 3.1 document."""


class WorkShown(Shown):
    """How much work of one kind there is."""

    ready: int
    waiting: int
    parked: int
    leased: int
    held: int
    dead: int
    oldest_ready: Time | None


class CountsShown(Shown):
    """How much work there is, all counted at one moment."""

    handlings: WorkShown
    deliveries: WorkShown
    quarantined: int


async def _document(api: Api, _call: Call) -> Document:
    return Document(dict(api.document))


async def _counts(api: Api, _call: Call) -> CountsShown:
    counts = await api.store.queries.counts()
    return CountsShown(
        handlings=_work(counts.handlings),
        deliveries=_work(counts.deliveries),
        quarantined=counts.quarantined,
    )


def _work(counts: WorkCounts) -> WorkShown:
    return shown(WorkShown, counts)


ROUTES: Final = (
    Route(
        method="GET",
        path="/v1/openapi.json",
        name="show_openapi",
        tag="gateway",
        summary="Show this document",
        scope=None,
        answer=Document,
        handler=_document,
    ),
    Route(
        method="GET",
        path="/v1/counts",
        name="show_counts",
        tag="gateway",
        summary="Count the work that waits, runs, is held or dead",
        scope=Scope.READ,
        operators_only=True,
        answer=CountsShown,
        handler=_counts,
    ),
)
