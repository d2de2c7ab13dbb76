"""The audit log over HTTP."""

from __future__ import annotations

from typing import Any, Final

from pydantic import Field

from gateway.access import Scope
from gateway.admin.api import Api
from gateway.admin.fields import Cursor, Line, Shown, Time
from gateway.admin.paging import Page, PageQuery, page_of
from gateway.admin.routes import Call, Route
from gateway.admin.showing import shown
from gateway.store.audit import AuditEntry


class AuditShown(Shown):
    """One change: who made it, when, and what it changed."""

    id: str
    at: Time
    actor: str = Field(description="Id of the API key, or `cli:` and the user of the machine.")
    action: str = Field(description="Such as `endpoint.update`.")
    object_id: str | None
    tenant: str | None
    request_id: str | None
    changes: dict[str, Any] = Field(
        description="By member: `from` and `to`; secrets are masked, and only seen to differ."
    )


class AuditQuery(PageQuery):
    """Which changes."""

    object_id: Cursor | None = Field(default=None, description="Only changes of this object.")
    actor: Line | None = Field(default=None, description="Only changes by this one.")


async def _list(api: Api, call: Call) -> Page[AuditShown]:
    query = call.query(AuditQuery)
    return await page_of(
        query.cursor,
        query.limit,
        lambda after, limit: api.store.audit.list(
            after=after, limit=limit, object_id=query.object_id, actor=query.actor
        ),
        _shown,
        lambda one: one.id,
    )


def _shown(one: AuditEntry) -> AuditShown:
    return shown(AuditShown, one, changes=dict(one.changes))


ROUTES: Final = (
    Route(
        method="GET",
        path="/v1/audit",
        name="list_audit",
        tag="audit",
        summary="List who changed what, the newest first",
        scope=Scope.ADMIN,
        operators_only=True,
        query=AuditQuery,
        answer=Page[AuditShown],
        handler=_list,
    ),
)
