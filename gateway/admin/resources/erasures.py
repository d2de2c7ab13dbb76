"""Erasures over HTTP: begun, and looked at with their reports. For operators who may everything."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, StringConstraints

from gateway.access import Scope
from gateway.admin.api import Api
from gateway.admin.audit import entry
from gateway.admin.fields import Given, Shown, Time
from gateway.admin.paging import Page, PageQuery, page_of
from gateway.admin.routes import Call, Route
from gateway.clock import rfc3339
from gateway.erasures import Erasure, ErasureState, SubjectKind
from gateway.retention.asking import new_erasure

Name = Annotated[str, StringConstraints(min_length=5, max_length=512)]


class ErasureGiven(Given):
    """Whose data is to go; exactly one is given."""

    seller_id: Name | None = Field(default=None, description="Everything of this seller.")
    order_id: Name | None = Field(default=None, description="Everything about this order.")
    buyer: Name | None = Field(
        default=None, description="Everything that names this buyer: a name, an e-mail."
    )


class ErasureShown(Shown):
    """An erasure, without whom it is about."""

    id: str
    by: SubjectKind
    state: ErasureState
    report: dict[str, int] = Field(description="How many things were erased, by place.")
    last_error: str | None
    created_at: Time
    updated_at: Time
    ended_at: Time | None


class ErasurePreview(Shown):
    """What an erasure would delete."""

    by: SubjectKind
    would_erase: dict[str, int] = Field(description="How many things, by place.")
    complete: bool = Field(
        description="False where all could not be looked through in 25 seconds: there may be more."
    )


async def _preview(api: Api, call: Call) -> ErasurePreview:
    erasure = _asked(api, call)
    found = await api.erasures.count(erasure)
    return ErasurePreview(by=erasure.kind, would_erase=dict(found.counts), complete=found.complete)


async def _start(api: Api, call: Call) -> ErasureShown:
    erasure = _asked(api, call)
    noted = entry(api, call, "erasure.start", erasure.id, changes={"by": erasure.kind.value})
    await api.store.changing(noted).erasures.start(erasure)
    return _shown(erasure)


async def _list(api: Api, call: Call) -> Page[ErasureShown]:
    query = call.query(PageQuery)
    return await page_of(
        query.cursor,
        query.limit,
        lambda after, limit: api.store.erasures.list(after=after, limit=limit),
        _shown,
        lambda one: one.id,
    )


async def _show(api: Api, call: Call) -> ErasureShown:
    return _shown(await api.store.erasures.get(call.path["erasure_id"]))


def _asked(api: Api, call: Call) -> Erasure:
    asked = call.body(ErasureGiven)
    given = {
        SubjectKind.SELLER: asked.seller_id,
        SubjectKind.ORDER: asked.order_id,
        SubjectKind.BUYER: asked.buyer,
    }
    return new_erasure(given, (), api.clock.now_ms())


def _shown(erasure: Erasure) -> ErasureShown:
    ended_ms = erasure.ended_at_ms
    return ErasureShown(
        id=erasure.id,
        by=erasure.kind,
        state=erasure.state,
        report=dict(erasure.report),
        last_error=erasure.last_error,
        created_at=rfc3339(erasure.created_at_ms),
        updated_at=rfc3339(erasure.updated_at_ms),
        ended_at=None if ended_ms is None else rfc3339(ended_ms),
    )


ROUTES: Final = (
    Route(
        method="POST",
        path="/v1/erasures",
        name="start_erasure",
        tag="erasures",
        summary="Erase everything about a seller, an order or a buyer; it can't be undone",
        scope=Scope.ADMIN,
        operators_only=True,
        status=201,
        body=ErasureGiven,
        answer=ErasureShown,
        handler=_start,
    ),
    Route(
        method="POST",
        path="/v1/erasures/preview",
        name="preview_erasure",
        tag="erasures",
        summary="Count what an erasure would delete; nothing is deleted",
        scope=Scope.ADMIN,
        operators_only=True,
        body=ErasureGiven,
        answer=ErasurePreview,
        refusals=frozenset({409}),
        handler=_preview,
    ),
    Route(
        method="GET",
        path="/v1/erasures",
        name="list_erasures",
        tag="erasures",
        summary="List erasures, the newest first",
        scope=Scope.READ,
        operators_only=True,
        query=PageQuery,
        answer=Page[ErasureShown],
        handler=_list,
    ),
    Route(
        method="GET",
        path="/v1/erasures/{erasure_id}",
        name="show_erasure",
        tag="erasures",
        summary="Show what an erasure has deleted, where, and how much",
        scope=Scope.READ,
        operators_only=True,
        answer=ErasureShown,
        handler=_show,
    ),
)
