"""What arrived, and what became of it: notifications, handlings, quarantine. For operators."""

from __future__ import annotations

from typing import Any, Final

from pydantic import Field

from gateway.access import Scope
from gateway.admin.api import Api
from gateway.admin.bodies import body_value
from gateway.admin.fields import Given, Shown, Time, Word
from gateway.admin.paging import Page, PageQuery, page_asked, scanned_page
from gateway.admin.routes import Call, Route
from gateway.admin.showing import shown
from gateway.model import HandlingState, NotificationState, Origin
from gateway.operations import reference_of
from gateway.store.views import HandlingView
from gateway.telemetry.redaction import redact_text


class NotificationShown(Shown):
    """A notification without its body."""

    id: str
    identity: str = Field(description="Amazon's id, or the hash of what came.")
    type: str
    payload_version: str
    seller_id: str | None
    marketplace_id: str | None
    event_time: Time | None
    received_at: Time
    source: str
    origin: Origin
    state: NotificationState


class HandlingShown(Shown):
    """A notification owed to one handler."""

    id: str
    notification_id: str
    handler: str
    run: int
    seller_id: str | None
    key: str | None
    state: HandlingState
    parked: bool = Field(description="Whether it waits behind another one of its key.")
    due_at: Time
    tries: int
    claims: int
    error: str | None
    coalesced_into: str | None
    replayed_from: str | None
    created_at: Time
    ended_at: Time | None


class NotificationDetail(NotificationShown):
    """A notification with its handlings, and its body where it was asked for."""

    handlings: list[HandlingShown]
    body: Any = Field(description="Null unless it was asked for; credentials in it stay hidden.")


class QuarantineShown(Shown):
    """A message that can't be read, without its body, which may hold anything."""

    id: str
    source: str
    message_id: str
    reason: str
    size_bytes: int
    received_at: Time


class QuarantineDetail(Shown):
    """What a message holds that can't be read."""

    id: str
    text: str = Field(description="As far as it is UTF-8; credentials that are known stay hidden.")


class NotificationsQuery(PageQuery):
    """Which notifications."""

    type: Word | None = Field(default=None, description="Amazon's type, such as ORDER_CHANGE.")
    seller_id: Word | None = None
    marketplace_id: Word | None = None
    order_id: Word | None = Field(default=None, description="Those about this order.")
    sku: Word | None = Field(default=None, description="Those about this SKU.")
    report_id: Word | None = Field(
        default=None,
        description="Those about this report, feed, Data Kiosk query or document of one. Of"
        " order_id, sku and report_id give one at most.",
    )
    state: NotificationState | None = None


class BodyQuery(Given):
    """Whether to look into it."""

    body: bool = Field(default=False, description="With its body, which may hold customer data.")


class HandlingsQuery(PageQuery):
    """Which handlings."""

    handler: Word | None = None
    state: HandlingState | None = None


async def _list(api: Api, call: Call) -> Page[NotificationShown]:
    query = call.query(NotificationsQuery)
    reference = reference_of(query.order_id, query.sku, query.report_id)
    found = await api.store.lists.notifications(
        after=query.cursor,
        limit=query.limit,
        notification_type=query.type,
        seller_id=query.seller_id,
        state=query.state,
        marketplace_id=query.marketplace_id,
        reference=reference,
    )
    return scanned_page(found, lambda one: shown(NotificationShown, one))


async def _show(api: Api, call: Call) -> NotificationDetail:
    detail = await api.store.queries.notification(call.path["notification_id"])
    looked = call.query(BodyQuery).body
    return shown(
        NotificationDetail,
        detail.notification,
        handlings=[handling_shown(one) for one in detail.handlings],
        body=body_value(detail.notification.body) if looked else None,
    )


async def _list_handlings(api: Api, call: Call) -> Page[HandlingShown]:
    query = call.query(HandlingsQuery)
    found = await api.store.lists.handlings(
        after=query.cursor, limit=query.limit, handler=query.handler, state=query.state
    )
    return scanned_page(found, handling_shown)


async def _list_quarantine(api: Api, call: Call) -> Page[QuarantineShown]:
    after, limit = page_asked(call)
    found = await api.store.lists.quarantine(after=after, limit=limit)
    return scanned_page(found, lambda one: shown(QuarantineShown, one))


async def _show_handling(api: Api, call: Call) -> HandlingShown:
    return handling_shown(await api.store.queries.handling(call.path["handling_id"]))


async def _show_quarantine(api: Api, call: Call) -> QuarantineDetail:
    quarantine_id = call.path["quarantine_id"]
    body = await api.store.queries.quarantined_body(quarantine_id)
    return QuarantineDetail(id=quarantine_id, text=redact_text(body.decode("utf-8", "replace")))


def handling_shown(one: HandlingView) -> HandlingShown:
    return shown(HandlingShown, one)


ROUTES: Final = (
    Route(
        method="GET",
        path="/v1/notifications",
        name="list_notifications",
        tag="notifications",
        summary="List notifications, the newest first",
        scope=Scope.READ,
        operators_only=True,
        query=NotificationsQuery,
        answer=Page[NotificationShown],
        handler=_list,
    ),
    Route(
        method="GET",
        path="/v1/notifications/{notification_id}",
        name="show_notification",
        tag="notifications",
        summary="Show a notification with its handlings",
        scope=Scope.READ,
        operators_only=True,
        query=BodyQuery,
        answer=NotificationDetail,
        handler=_show,
    ),
    Route(
        method="GET",
        path="/v1/handlings",
        name="list_handlings",
        tag="notifications",
        summary="List handlings, the newest first",
        scope=Scope.READ,
        operators_only=True,
        query=HandlingsQuery,
        answer=Page[HandlingShown],
        handler=_list_handlings,
    ),
    Route(
        method="GET",
        path="/v1/handlings/{handling_id}",
        name="show_handling",
        tag="notifications",
        summary="Show a handling",
        scope=Scope.READ,
        operators_only=True,
        answer=HandlingShown,
        handler=_show_handling,
    ),
    Route(
        method="GET",
        path="/v1/quarantine/{quarantine_id}",
        name="show_quarantine",
        tag="notifications",
        summary="Show what a message holds that can't be read: a deliberate look",
        scope=Scope.ADMIN,
        operators_only=True,
        answer=QuarantineDetail,
        handler=_show_quarantine,
    ),
    Route(
        method="GET",
        path="/v1/quarantine",
        name="list_quarantine",
        tag="notifications",
        summary="List the messages that can't be read, with the reason, the newest first",
        scope=Scope.READ,
        operators_only=True,
        query=PageQuery,
        answer=Page[QuarantineShown],
        handler=_list_quarantine,
    ),
)
