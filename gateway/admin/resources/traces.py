"""The story of one thing over HTTP. For operators."""

from __future__ import annotations

from typing import Any, Final

from pydantic import Field

from gateway.access import Scope
from gateway.admin.api import Api
from gateway.admin.fields import Shown, Time
from gateway.admin.routes import Call, Route
from gateway.admin.showing import shown
from gateway.store.traces import TraceStep


class StepShown(Shown):
    """One thing that happened, or is due."""

    at: Time = Field(description="When; for what is pending when it is due.")
    what: str = Field(
        description="received, received_again (recognised as a duplicate), quarantined, owed,"
        " called, deferred (a call that its usage plan put off), published, resent, attempted, or"
        " the state that a handling or delivery has come to."
    )
    id: str
    of: str | None = Field(description="Id of what it came from; null for what came in.")
    details: dict[str, Any] = Field(description="What else there is to say; no customer data.")


class TraceShown(Shown):
    """What happened to one thing, in the order of time."""

    id: str = Field(description="What was asked for.")
    items: list[StepShown]


async def _show(api: Api, call: Call) -> TraceShown:
    thing_id = call.path["thing_id"]
    steps = await api.store.traces.trace(thing_id)
    return TraceShown(id=thing_id, items=[_shown(step) for step in steps])


def _shown(step: TraceStep) -> StepShown:
    return shown(StepShown, step, details=dict(step.details))


ROUTES: Final = (
    Route(
        method="GET",
        path="/v1/traces/{thing_id}",
        name="show_trace",
        tag="notifications",
        summary="Tell the whole story of a notification, event, delivery, order or report",
        scope=Scope.READ,
        operators_only=True,
        answer=TraceShown,
        handler=_show,
    ),
)
