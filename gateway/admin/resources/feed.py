"""Pulling: events fetched by customers whom nobody can post to, and acknowledged by them.

What is not acknowledged comes again: at least once, as with webhooks. Each event carries the
headers that a webhook would have, so the same libraries verify it.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, StringConstraints

from gateway.access import Scope
from gateway.admin.api import Api
from gateway.admin.audit import entry
from gateway.admin.fields import Given, Shown, Time
from gateway.admin.owned import own_endpoint
from gateway.admin.routes import PATH_PATTERNS, Call, Route
from gateway.admin.showing import shown
from gateway.clock import rfc3339
from gateway.delivery.feeding import Fed, SignedFeed
from gateway.endpoints import Endpoint, EndpointState
from gateway.errors import ConflictError
from gateway.store.feeds import ConsumerView

_PATH: Final = "/v1/endpoints/{endpoint_id}"
# Bodies are at most 256 KiB, so a page stays within some megabytes.
_LIMIT_MAX: Final = 100
_WAIT_S_MAX: Final = 30.0

Place = Annotated[str, StringConstraints(pattern="^p[0-9]{1,18}$")]
ConsumerName = Annotated[str, StringConstraints(pattern=PATH_PATTERNS["consumer"])]


class PulledEvent(Shown):
    """An event, as a webhook would bring it."""

    id: str
    type: str
    occurred_at: Time
    cursor: str = Field(description="Its place: acknowledge it and all before it with this.")
    body: str = Field(description="The text that is signed: verify it before you parse it.")
    headers: dict[str, str] = Field(
        description="`webhook-id`, `webhook-timestamp` (of this answer) and `webhook-signature`."
    )


class PulledPage(Shown):
    """Events that can be pulled."""

    items: list[PulledEvent]
    next_cursor: str = Field(description="Where to go on, and what to acknowledge; never null.")


class PullQuery(Given):
    """Which events to pull."""

    consumer: ConsumerName = Field(
        default="default", description="Who pulls; each name has a position of its own."
    )
    cursor: Place | None = Field(
        default=None, description="Behind this; left out, behind what was acknowledged last."
    )
    limit: int = Field(default=50, ge=1, le=_LIMIT_MAX, description="At most so many events.")
    wait_s: float = Field(
        default=0.0,
        ge=0,
        le=_WAIT_S_MAX,
        allow_inf_nan=False,
        description="How long to wait for the first one, where there is none yet.",
    )


class Acknowledging(Given):
    """How far everything is safe with the consumer."""

    cursor: Place = Field(description="Of the last event that is safe.")
    consumer: ConsumerName = "default"


class ConsumerShown(Shown):
    """How far a consumer has acknowledged."""

    name: str
    cursor: str
    acknowledged_at: Time
    behind: int = Field(description="Events that it has not acknowledged yet.")


class Consumers(Shown):
    """Who pulls the events of an endpoint."""

    items: list[ConsumerShown]


async def _pull(api: Api, call: Call) -> PulledPage:
    feed = SignedFeed(await _pullable(api, call), api.store.feeds, api.clock)
    query = call.query(PullQuery)
    after = None if query.cursor is None else _position(query.cursor)
    fed = await api.waiting.until(
        lambda: feed.read(query.consumer, after=after, limit=query.limit),
        lambda fed: bool(fed.items) or (after is not None and fed.position > after),
        wait_s=query.wait_s,
    )
    return PulledPage(items=[_event(one) for one in fed.items], next_cursor=_cursor(fed.position))


async def _acknowledge(api: Api, call: Call) -> ConsumerShown:
    endpoint = await own_endpoint(api, call)
    wanted = call.body(Acknowledging)
    await api.store.feeds.acknowledge(endpoint.id, wanted.consumer, _position(wanted.cursor))
    (consumer,) = (
        one for one in await api.store.feeds.consumers(endpoint.id) if one.name == wanted.consumer
    )
    return _consumer(consumer)


async def _list(api: Api, call: Call) -> Consumers:
    endpoint = await own_endpoint(api, call)
    return Consumers(items=[_consumer(c) for c in await api.store.feeds.consumers(endpoint.id)])


async def _forget(api: Api, call: Call) -> Consumers:
    endpoint = await own_endpoint(api, call)
    name = call.path["consumer"]
    noted = entry(
        api,
        call,
        "consumer.forget",
        endpoint.id,
        tenant=endpoint.tenant,
        changes={"consumer": {"from": name, "to": None}},
    )
    await api.store.changing(noted).feeds.forget(endpoint.id, name)
    return await _list(api, call)


async def _pullable(api: Api, call: Call) -> Endpoint:
    endpoint = await own_endpoint(api, call)
    if not endpoint.transport.pulls:
        raise ConflictError(
            "events of this endpoint are posted; set its transport to `pull` or `both`"
        )
    if endpoint.state is EndpointState.DISABLED:
        raise ConflictError("the endpoint is disabled; enable it to pull what was kept for it")
    return endpoint


def _event(one: Fed) -> PulledEvent:
    return PulledEvent(
        id=one.event.id,
        type=one.event.type,
        occurred_at=rfc3339(one.event.occurred_at_ms),
        cursor=_cursor(one.event.position),
        body=one.event.body.decode(),
        headers=dict(one.headers),
    )


def _consumer(one: ConsumerView) -> ConsumerShown:
    return shown(ConsumerShown, one, cursor=_cursor(one.position))


def _cursor(position: int) -> str:
    return f"p{position}"


def _position(cursor: str) -> int:
    return int(cursor[1:])


ROUTES: Final = (
    Route(
        method="GET",
        path=f"{_PATH}/events",
        name="pull_events",
        tag="pulling",
        summary="Pull the events of an endpoint, behind what was acknowledged",
        scope=Scope.READ,
        query=PullQuery,
        answer=PulledPage,
        refusals=frozenset({409}),
        handler=_pull,
    ),
    Route(
        method="POST",
        path=f"{_PATH}/events/ack",
        name="acknowledge_events",
        tag="pulling",
        summary="Acknowledge all events up to a cursor; they don't come again",
        scope=Scope.WRITE,
        body=Acknowledging,
        answer=ConsumerShown,
        handler=_acknowledge,
    ),
    Route(
        method="GET",
        path=f"{_PATH}/consumers",
        name="list_consumers",
        tag="pulling",
        summary="List who pulls, and how far behind they are",
        scope=Scope.READ,
        answer=Consumers,
        handler=_list,
    ),
    Route(
        method="DELETE",
        path=f"{_PATH}/consumers/{{consumer}}",
        name="forget_consumer",
        tag="pulling",
        summary="Forget how far a consumer has acknowledged: it begins anew",
        scope=Scope.WRITE,
        answer=Consumers,
        handler=_forget,
    ),
)
