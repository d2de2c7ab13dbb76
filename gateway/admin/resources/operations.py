"""Operations over HTTP: begun, looked at, paused, gone on with and ended. For operators."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints

from gateway.access import Scope
from gateway.admin.api import Api
from gateway.admin.audit import entry
from gateway.admin.fields import Given, Shown, Time, Word
from gateway.admin.paging import Page, PageQuery, page_of
from gateway.admin.routes import PATH_PATTERNS, Call, Handler, Route
from gateway.admin.showing import shown
from gateway.clock import parse_rfc3339_ms, rfc3339
from gateway.errors import InvalidInputError
from gateway.operations import (
    DEFAULT_CONCURRENCY,
    Operation,
    OperationKind,
    OperationState,
    Selection,
    time_of,
)
from gateway.replay.starting import (
    CONCURRENCY_MAX,
    RATE_MAX,
    calls_ahead,
    check_names,
    check_selection,
    looking,
    new_operation,
    preview,
)
from gateway.spapi.catalog import Catalog

EndpointId = Annotated[str, StringConstraints(pattern=PATH_PATTERNS["endpoint_id"])]

_PATH: Final = "/v1/operations/{operation_id}"
_ENDPOINTS_MAX: Final = 1_000


class SelectionGiven(Given):
    """What is to be done, and to what."""

    kind: OperationKind
    from_time: Time | None = Field(
        default=None,
        max_length=64,
        description="Received, or published, then or later; for state failed: failed.",
    )
    to_time: Time | None = Field(
        default=None, max_length=64, description="And before then; left out for now."
    )
    type: Word | None = Field(default=None, description="Amazon's type, for a replay.")
    seller_id: Word | None = None
    marketplace_id: Word | None = None
    order_id: Word | None = Field(default=None, description="Only what is about this order.")
    sku: Word | None = Field(default=None, description="Only what is about it; for a replay.")
    report_id: Word | None = Field(
        default=None,
        description="Only what is about this report, feed, Data Kiosk query or document of one."
        " Of order_id, sku and report_id give one at most.",
    )
    state: Word | None = Field(
        default=None,
        description="For a replay handled, dead, skipped, coalesced, duplicate, ignored or"
        " quarantined; else failed or never.",
    )
    handler: Word | None = Field(default=None, description="Only by this handler.")
    event_id: str | None = Field(default=None, pattern=PATH_PATTERNS["event_id"])
    endpoint_id: str | None = Field(default=None, pattern=PATH_PATTERNS["endpoint_id"])
    to_endpoints: list[EndpointId] | None = Field(
        default=None,
        max_length=_ENDPOINTS_MAX,
        description="The only endpoints that a replay's events go to; empty for nobody.",
    )


class OperationGiven(SelectionGiven):
    """An operation to begin."""

    rate_per_s: float | None = Field(default=None, gt=0, le=RATE_MAX)
    concurrency: int = Field(default=DEFAULT_CONCURRENCY, ge=1, le=CONCURRENCY_MAX)


class OperationShown(Shown):
    """A bulk action, and how far it is."""

    id: str
    kind: OperationKind
    selection: dict[str, Any] = Field(description="What it is about; what is left open is not in.")
    state: OperationState
    rate_per_s: float | None
    concurrency: int
    looked: int = Field(description="Things that were looked at.")
    done: int = Field(description="Things that were done again.")
    skipped: int = Field(description="Things that were selected and not done.")
    last_error: str | None
    created_at: Time
    updated_at: Time
    ended_at: Time | None


class OperationDetail(OperationShown):
    """An operation with what the handlings that it made have come to."""

    handlings: dict[str, int] = Field(description="How many of them are in which state.")


class CallsShown(Shown):
    """What a replay costs of one operation of Amazon's, at most."""

    operation: str
    calls: int
    rate_per_s: float
    burst: int
    seconds: float = Field(description="How long they last for the seller with the most.")


class PreviewShown(Shown):
    """What an operation would do."""

    count: int = Field(description="Of those that were looked at.")
    estimated_count: int | None = Field(
        description="About how many in all, where not all were looked at."
    )
    looked: int
    complete: bool = Field(description="Whether all were looked at.")
    first_at: Time | None
    last_at: Time | None
    by_type: dict[str, int]
    sample: list[str] = Field(description="Ids of the first ones.")
    follow_up_calls_at_most: list[CallsShown]


class OperationsQuery(PageQuery):
    """Which operations."""

    state: OperationState | None = None


async def _start(api: Api, call: Call) -> OperationShown:
    asked = call.body(OperationGiven)
    operation = new_operation(
        asked.kind,
        _selection(asked, api.clock.now_ms()),
        api.clock.now_ms(),
        rate_per_s=asked.rate_per_s,
        concurrency=asked.concurrency,
    )
    await check_names(api.store, operation.selection)
    noted = entry(
        api,
        call,
        f"operation.{operation.kind.value}",
        operation.id,
        changes={"selection": dict(operation.selection.as_json())},
    )
    await api.store.changing(noted).operations.start(operation)
    return _shown(operation)


async def _preview(api: Api, call: Call) -> PreviewShown:
    asked = call.body(SelectionGiven)
    selection = _selection(asked, api.clock.now_ms())
    check_selection(asked.kind, selection)
    await check_names(api.store, selection)
    found = await preview(looking(api.store, asked.kind), asked.kind, selection)
    replays = asked.kind is OperationKind.REPLAY
    calls = calls_ahead(found, Catalog.load()) if replays else ()
    return shown(
        PreviewShown,
        found,
        by_type=dict(found.by_type),
        follow_up_calls_at_most=[shown(CallsShown, one) for one in calls],
    )


async def _list(api: Api, call: Call) -> Page[OperationShown]:
    query = call.query(OperationsQuery)
    return await page_of(
        query.cursor,
        query.limit,
        lambda after, limit: api.store.operations.list(after=after, limit=limit, state=query.state),
        _shown,
        lambda one: one.id,
    )


async def _show(api: Api, call: Call) -> OperationDetail:
    operation = await api.store.operations.get(call.path["operation_id"])
    handlings = await api.store.operations.outcome(operation.id)
    return shown(
        OperationDetail,
        operation,
        selection=_selected(operation.selection),
        handlings=dict(handlings),
    )


def _changes(state: OperationState) -> Handler:
    async def change(api: Api, call: Call) -> OperationShown:
        operation_id = call.path["operation_id"]
        noted = entry(api, call, f"operation.{state.value}", operation_id)
        await api.store.changing(noted).operations.change(operation_id, state)
        return _shown(await api.store.operations.get(operation_id))

    return change


def _shown(operation: Operation) -> OperationShown:
    return shown(OperationShown, operation, selection=_selected(operation.selection))


def _selected(selection: Selection) -> dict[str, Any]:
    members = dict(selection.as_json())
    times = {
        "from_time": rfc3339(members.pop("from_ms")),
        "to_time": rfc3339(members.pop("to_ms")),
    }
    if "notification_type" in members:
        members["type"] = members.pop("notification_type")
    return times | members


def _selection(asked: SelectionGiven, now_ms: int) -> Selection:
    if (asked.event_id is None) == (asked.from_time is None):
        raise InvalidInputError("give from_time, or the event_id of a redelivery")
    if asked.event_id is not None:
        from_ms = time_of(asked.event_id)
        to_ms = from_ms + 1
    else:
        from_ms = _time_ms(asked.from_time or "", "from_time")
        to_ms = now_ms if asked.to_time is None else _time_ms(asked.to_time, "to_time")
    return Selection(
        from_ms=from_ms,
        to_ms=to_ms,
        notification_type=asked.type,
        seller_id=asked.seller_id,
        marketplace_id=asked.marketplace_id,
        state=asked.state,
        handler=asked.handler,
        event_id=asked.event_id,
        endpoint_id=asked.endpoint_id,
        order_id=asked.order_id,
        sku=asked.sku,
        report_id=asked.report_id,
        to_endpoints=None if asked.to_endpoints is None else tuple(asked.to_endpoints),
    )


def _time_ms(text: str, name: str) -> int:
    try:
        at_ms = parse_rfc3339_ms(text)
        rfc3339(at_ms)
    except (ValueError, OverflowError):
        raise InvalidInputError(
            f"{name}: it is no time; write such as 2026-01-31T09:00:00Z"
        ) from None
    return at_ms


def _change_route(verb: str, state: OperationState, summary: str) -> Route:
    return Route(
        method="POST",
        path=f"{_PATH}/{verb}",
        name=f"{verb}_operation",
        tag="operations",
        summary=summary,
        scope=Scope.WRITE,
        operators_only=True,
        answer=OperationShown,
        refusals=frozenset({409}),
        handler=_changes(state),
    )


ROUTES: Final = (
    Route(
        method="POST",
        path="/v1/operations",
        name="start_operation",
        tag="operations",
        summary="Begin a replay, a redelivery or a backfill; a running gateway does it",
        scope=Scope.WRITE,
        operators_only=True,
        status=201,
        body=OperationGiven,
        answer=OperationShown,
        refusals=frozenset({404}),
        handler=_start,
    ),
    Route(
        method="POST",
        path="/v1/operations/preview",
        name="preview_operation",
        tag="operations",
        summary="Show what an operation would do and what it would cost; nothing is done",
        scope=Scope.READ,
        operators_only=True,
        body=SelectionGiven,
        answer=PreviewShown,
        refusals=frozenset({404}),
        handler=_preview,
    ),
    Route(
        method="GET",
        path="/v1/operations",
        name="list_operations",
        tag="operations",
        summary="List operations, the newest first",
        scope=Scope.READ,
        operators_only=True,
        query=OperationsQuery,
        answer=Page[OperationShown],
        handler=_list,
    ),
    Route(
        method="GET",
        path=_PATH,
        name="show_operation",
        tag="operations",
        summary="Show how far an operation is, and what its handlings have come to",
        scope=Scope.READ,
        operators_only=True,
        answer=OperationDetail,
        handler=_show,
    ),
    _change_route("pause", OperationState.PAUSED, "Let an operation rest where it is"),
    _change_route("resume", OperationState.RUNNING, "Go on with one that was paused, or failed"),
    _change_route("cancel", OperationState.CANCELLED, "End an operation; what is begun goes on"),
)
