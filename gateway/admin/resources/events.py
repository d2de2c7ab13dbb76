"""Events over HTTP: what was published, and a team's own to publish."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import orjson
from pydantic import Field

from gateway.access import Scope
from gateway.admin.api import Api
from gateway.admin.audit import entry
from gateway.admin.bodies import body_value
from gateway.admin.fields import EventTypeName, Given, Line, Shown, Time, Word
from gateway.admin.owned import own_event
from gateway.admin.paging import Page, PageQuery, scanned_page
from gateway.admin.resources.deliveries import DeliveryShown
from gateway.admin.routes import Answer, Call, Route
from gateway.admin.showing import shown
from gateway.clock import parse_rfc3339_ms, rfc3339
from gateway.dispatch.outcomes import event_body, order_key_of
from gateway.errors import InvalidInputError
from gateway.event_types import event_type_of
from gateway.model import IdPrefix, NewEvent, new_id
from gateway.store.outbox import Idempotency
from gateway.store.views import EventView

_BODY_BYTES_MAX: Final = 256 * 1024
_COMMON: Final = ("seller", "region", "marketplace", "notification", "replayed_from")


class EventShown(Shown):
    """An event without its body."""

    id: str = Field(description="The `webhook-id` of each of its deliveries.")
    type: str
    occurred_at: Time
    seller_id: str | None
    marketplace_id: str | None
    notification_id: str | None
    handling_id: str | None
    replayed_from: str | None
    created_at: Time


class EventDetail(EventShown):
    """An event with its deliveries, and its body where it was asked for."""

    deliveries: list[DeliveryShown]
    body: Any = Field(description="Null unless it was asked for; credentials in it stay hidden.")


class EventsQuery(PageQuery):
    """Which events."""

    type: EventTypeName | None = Field(default=None, description="Such as order.changed.")
    seller_id: Word | None = None


class EventQuery(Given):
    """Whether to look into it."""

    body: bool = Field(default=False, description="With its body, which may hold customer data.")


class NewEventGiven(Given):
    """An event of a team's own."""

    type: EventTypeName
    data: dict[str, Any] = Field(
        description="What stands in the body's `data`, beside the members that all events have."
    )
    occurred_at: str | None = Field(
        default=None,
        max_length=40,
        description="When it happened, RFC 3339; now unless given.",
        json_schema_extra={"format": "date-time"},
    )
    seller_id: Word | None = Field(default=None, description="Seller that it is about.")
    marketplace_id: Word | None = None
    order_key: Line | None = Field(
        default=None,
        description="Endpoints that keep order get events of one key one after the other; seller"
        " and order unless given, where `data` has an order.",
    )


class EventPublished(Shown):
    """What was published."""

    id: str
    type: str
    deliveries: int = Field(description="How many endpoints it goes to, held ones included.")
    repeated: bool = Field(description="Whether an earlier request with this key did it.")


async def _list(api: Api, call: Call) -> Page[EventShown]:
    query = call.query(EventsQuery)
    found = await api.store.tenancy.events(
        after=query.cursor,
        limit=query.limit,
        tenant=call.key.tenant,
        event_type=query.type,
        seller_id=query.seller_id,
    )
    return scanned_page(found, _shown)


async def _show(api: Api, call: Call) -> EventDetail:
    detail = await own_event(api, call)
    return shown(
        EventDetail,
        detail.event,
        deliveries=[shown(DeliveryShown, one) for one in detail.deliveries],
        body=body_value(detail.body) if call.query(EventQuery).body else None,
    )


async def _publish(api: Api, call: Call) -> Answer:
    wanted = call.body(NewEventGiven)
    event = _new_event(api, wanted)
    noted = entry(
        api, call, "event.publish", event.id, changes={"type": {"from": None, "to": event.type}}
    )
    published = await api.store.changing(noted).outbox.publish(
        event, idempotency=_idempotency(call, wanted)
    )
    return Answer(
        body=EventPublished(
            id=published.event_id,
            type=event.type,
            deliveries=published.deliveries,
            repeated=published.repeated,
        ),
        status=200 if published.repeated else 201,
        headers={"Location": f"/v1/events/{published.event_id}"},
    )


def _new_event(api: Api, wanted: NewEventGiven) -> NewEvent:
    declared = event_type_of(wanted.type, api.event_types.values())
    if declared is not None and declared.of_gateway:
        raise InvalidInputError(f"type: the gateway itself tells {wanted.type}; take another name")
    if taken := sorted(set(_COMMON) & set(wanted.data)):
        raise InvalidInputError(f"data: {', '.join(taken)} is set by the gateway; leave it out")
    now_ms = api.clock.now_ms()
    occurred_at_ms = now_ms if wanted.occurred_at is None else _read_time(wanted.occurred_at)
    common = {
        "seller": wanted.seller_id,
        "region": None,
        "marketplace": wanted.marketplace_id,
        "notification": None,
        "replayed_from": None,
    }
    return NewEvent(
        id=new_id(IdPrefix.EVENT, now_ms),
        type=wanted.type,
        occurred_at_ms=occurred_at_ms,
        seller_id=wanted.seller_id,
        marketplace_id=wanted.marketplace_id,
        body=_body(wanted, occurred_at_ms, common),
        order_key=wanted.order_key or order_key_of(wanted.seller_id, wanted.data),
    )


def _body(wanted: NewEventGiven, occurred_at_ms: int, common: dict[str, Any]) -> bytes:
    try:
        body = event_body(wanted.type, occurred_at_ms, common, wanted.data)
    except TypeError as exc:
        raise InvalidInputError("data: it holds a number that is too large for JSON") from exc
    if len(body) > _BODY_BYTES_MAX:
        raise InvalidInputError(
            f"data: the event has {len(body)} bytes, more than {_BODY_BYTES_MAX}; send a link"
        )
    return body


def _read_time(text: str) -> int:
    try:
        at_ms = parse_rfc3339_ms(text)
        rfc3339(at_ms)
    except (ValueError, OverflowError) as exc:
        raise InvalidInputError(
            "occurred_at: it is no time; write such as 2026-01-31T09:00:00Z"
        ) from exc
    return at_ms


def _idempotency(call: Call, wanted: NewEventGiven) -> Idempotency | None:
    if call.idempotency_key is None:
        return None
    asked = orjson.dumps(wanted.model_dump(), option=orjson.OPT_SORT_KEYS)
    return Idempotency(key=call.idempotency_key, fingerprint=hashlib.sha256(asked).digest())


def _shown(one: EventView) -> EventShown:
    return shown(EventShown, one)


ROUTES: Final[Sequence[Route]] = (
    Route(
        method="GET",
        path="/v1/events",
        name="list_events",
        tag="events",
        summary="List events, the newest first",
        scope=Scope.READ,
        query=EventsQuery,
        answer=Page[EventShown],
        handler=_list,
    ),
    Route(
        method="POST",
        path="/v1/events",
        name="publish_event",
        tag="events",
        summary="Publish an event of your own to the endpoints that take it",
        scope=Scope.WRITE,
        operators_only=True,
        body=NewEventGiven,
        answer=EventPublished,
        status=201,
        refusals=frozenset({200}),
        takes_idempotency_key=True,
        handler=_publish,
    ),
    Route(
        method="GET",
        path="/v1/events/{event_id}",
        name="show_event",
        tag="events",
        summary="Show an event with its deliveries",
        scope=Scope.READ,
        query=EventQuery,
        answer=EventDetail,
        handler=_show,
    ),
)
