"""Deliveries and their attempts over HTTP."""

from __future__ import annotations

from typing import Final

import orjson
from pydantic import Field

from gateway.access import Scope
from gateway.admin.api import Api
from gateway.admin.audit import entry
from gateway.admin.fields import Shown, Time
from gateway.admin.owned import own_delivery
from gateway.admin.paging import Page, PageQuery, scanned_page
from gateway.admin.routes import PATH_PATTERNS, Call, Route
from gateway.admin.showing import shown
from gateway.delivery.reproduction import Sent, curl_line
from gateway.errors import ConflictError, NotFoundError
from gateway.model import DeliveryState
from gateway.store.views import AttemptView, DeliveryView
from gateway.store.views import DeliveryDetail as StoredDetail

_PATH: Final = "/v1/deliveries/{delivery_id}"


class DeliveryShown(Shown):
    """One event owed to one endpoint."""

    id: str
    event_id: str
    event_type: str
    endpoint_id: str
    state: DeliveryState
    due_at: Time
    attempts: int
    claims: int
    created_at: Time
    ended_at: Time | None
    reason: str | None = Field(description="Why it is dead or held, where no attempt says so.")
    order_key: str | None = Field(description="Set while it stands in the row of its key's.")
    parked: bool = Field(description="Whether it waits behind another one of its key.")
    thin: bool = Field(description="Whether it is sent in the thin form.")
    resent_at: Time | None = Field(description="When it was last sent again by hand.")


class AttemptShown(Shown):
    """One request that was made for a delivery."""

    id: str
    number: int
    started_at: Time
    duration_ms: int
    status: int | None
    error_class: str | None
    error: str | None
    answer: str = Field(description="The first part of the answer.")
    address: str | None = Field(description="Address and port that were dialled.")
    charged: bool = Field(description="Whether it counts against the endpoint.")
    next_due: Time | None = Field(description="When the next one is due.")
    next_reason: str | None = Field(description="Why then.")
    signature: str | None = Field(description="What `webhook-signature` was.")
    sent_headers: dict[str, str] | None = Field(
        description="The endpoint's own headers that were sent, credentials masked."
    )
    dns_ms: int | None
    connect_ms: int | None
    tls_ms: int | None
    first_byte_ms: int | None
    curl: str | None = Field(
        description="A shell line that makes the request again, credentials masked; null where the"
        " endpoint is gone."
    )


class DeliveryDetail(DeliveryShown):
    """A delivery with its attempts."""

    attempts_made: list[AttemptShown] = Field(description="The oldest first.")


class Attempts(Shown):
    """The attempts of a delivery, the oldest first."""

    items: list[AttemptShown]


class DeliveriesQuery(PageQuery):
    """Which deliveries."""

    state: DeliveryState | None = None
    endpoint_id: str | None = Field(default=None, pattern=PATH_PATTERNS["endpoint_id"])
    event_id: str | None = Field(default=None, pattern=PATH_PATTERNS["event_id"])


async def _list(api: Api, call: Call) -> Page[DeliveryShown]:
    query = call.query(DeliveriesQuery)
    found = await api.store.tenancy.deliveries(
        after=query.cursor,
        limit=query.limit,
        tenant=call.key.tenant,
        endpoint_id=query.endpoint_id,
        event_id=query.event_id,
        state=query.state,
    )
    return scanned_page(found, _shown)


async def _show(api: Api, call: Call) -> DeliveryDetail:
    detail = await own_delivery(api, call)
    attempts = await _attempts_shown(api, detail)
    return shown(DeliveryDetail, detail.delivery, attempts_made=attempts)


async def _attempts(api: Api, call: Call) -> Attempts:
    detail = await own_delivery(api, call)
    return Attempts(items=await _attempts_shown(api, detail))


async def _resend(api: Api, call: Call) -> DeliveryShown:
    delivery = (await own_delivery(api, call)).delivery
    noted = entry(api, call, "delivery.resend", delivery.id, tenant=call.key.tenant)
    resent = await api.store.changing(noted).deliveries.resend([delivery.id])
    if delivery.id in resent.refused:
        raise ConflictError(f"{delivery.id}: {resent.refused[delivery.id]}")
    return _shown((await own_delivery(api, call)).delivery)


def _shown(one: DeliveryView) -> DeliveryShown:
    return shown(DeliveryShown, one)


async def _attempts_shown(api: Api, detail: StoredDetail) -> list[AttemptShown]:
    try:
        url = (await api.store.endpoints.get(detail.delivery.endpoint_id)).url
    except NotFoundError:
        url = None
    return [_attempt(one, detail.delivery, url) for one in detail.attempts]


def _attempt(one: AttemptView, delivery: DeliveryView, url: str | None) -> AttemptShown:
    curl = None
    if url is not None:
        sent = Sent(
            url=url,
            event_id=delivery.event_id,
            started_at_ms=one.started_at_ms,
            signature=one.signature,
            sent_headers=one.sent_headers,
        )
        curl = curl_line(sent, delivery_id=delivery.id)
    return shown(
        AttemptShown,
        one,
        answer=one.answer.decode("utf-8", "replace"),
        sent_headers=None if one.sent_headers is None else orjson.loads(one.sent_headers),
        curl=curl,
    )


ROUTES: Final = (
    Route(
        method="GET",
        path="/v1/deliveries",
        name="list_deliveries",
        tag="deliveries",
        summary="List deliveries, the newest first",
        scope=Scope.READ,
        query=DeliveriesQuery,
        answer=Page[DeliveryShown],
        handler=_list,
    ),
    Route(
        method="GET",
        path=_PATH,
        name="show_delivery",
        tag="deliveries",
        summary="Show a delivery with every attempt",
        scope=Scope.READ,
        answer=DeliveryDetail,
        handler=_show,
    ),
    Route(
        method="GET",
        path=f"{_PATH}/attempts",
        name="list_attempts",
        tag="deliveries",
        summary="List the attempts of a delivery, the oldest first",
        scope=Scope.READ,
        answer=Attempts,
        handler=_attempts,
    ),
    Route(
        method="POST",
        path=f"{_PATH}/resend",
        name="resend_delivery",
        tag="deliveries",
        summary="Send a delivery again, with attempts of its own; the webhook-id stays",
        scope=Scope.WRITE,
        answer=DeliveryShown,
        refusals=frozenset({409}),
        handler=_resend,
    ),
)
