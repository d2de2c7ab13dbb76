"""What events look like: each type that a loaded handler, or the gateway itself, publishes."""

from __future__ import annotations

from typing import Any, Final

from pydantic import Field

from gateway.access import Scope
from gateway.admin.api import Api
from gateway.admin.fields import Shown
from gateway.admin.paging import Page, PageQuery, page_asked, page_of
from gateway.admin.routes import Call, Route
from gateway.errors import NotFoundError
from gateway.event_types import EventType, event_type_of


class EventTypeShown(Shown):
    """A type of event, with the JSON Schema (draft 2020-12) of its whole body."""

    type: str = Field(description="Such as `order.changed`; `notification.*` for a family.")
    summary: str
    json_schema: dict[str, Any] = Field(alias="schema", description="Of the whole body.")


async def _list(api: Api, call: Call) -> Page[EventTypeShown]:
    async def fetch(after: str | None, limit: int) -> list[EventType]:
        names = sorted(name for name in api.event_types if name > (after or ""))
        return [api.event_types[name] for name in names[:limit]]

    return await page_of(*page_asked(call), fetch, _shown, lambda one: one.type)


async def _show(api: Api, call: Call) -> EventTypeShown:
    name = call.path["event_type"]
    found = api.event_types.get(name) or event_type_of(name, api.event_types.values())
    if found is None:
        raise NotFoundError(f"no loaded handler declares events of type {name}")
    return _shown(found)


def _shown(one: EventType) -> EventTypeShown:
    return EventTypeShown(type=one.type, summary=one.summary, schema=one.schema())


ROUTES: Final = (
    Route(
        method="GET",
        path="/v1/event-types",
        name="list_event_types",
        tag="events",
        summary="List the types of events with their JSON Schemas",
        scope=Scope.READ,
        query=PageQuery,
        answer=Page[EventTypeShown],
        handler=_list,
    ),
    Route(
        method="GET",
        path="/v1/event-types/{event_type}",
        name="show_event_type",
        tag="events",
        summary="Show what events of a type look like",
        scope=Scope.READ,
        answer=EventTypeShown,
        handler=_show,
    ),
)
