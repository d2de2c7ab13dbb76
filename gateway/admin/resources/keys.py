"""API keys over HTTP: made, listed, revoked, by an operator's key with the scope `admin`."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from gateway.access import ApiKey, Scope, new_api_key
from gateway.admin.api import Api
from gateway.admin.audit import created, entry
from gateway.admin.fields import Given, Line, Shown, TenantName, Time
from gateway.admin.paging import Page, PageQuery, page_asked, page_of
from gateway.admin.routes import Call, Route
from gateway.admin.showing import shown

_DAY_MS: Final = 24 * 3_600_000


class KeyShown(Shown):
    """An API key, without what proves it."""

    id: str
    name: str
    scopes: list[Scope]
    tenant: str | None = Field(description="Whose endpoints it sees; null for everything.")
    created_at: Time
    expires_at: Time | None
    revoked_at: Time | None
    last_used_at: Time | None = Field(description="Noted to the minute.")


class KeyCreated(KeyShown):
    """A fresh API key."""

    key: str = Field(description="Sent as `Authorization: Bearer KEY`; it can't be had again.")


class NewKey(Given):
    """An API key to be made."""

    scopes: list[Scope] = Field(min_length=1, max_length=3)
    name: Line = Field(default="", description="What it is for.")
    tenant: TenantName | None = Field(
        default=None, description="Whose endpoints it sees; left out for everything."
    )
    expires_in_days: float | None = Field(default=None, gt=0, le=36_500, allow_inf_nan=False)


async def _list(api: Api, call: Call) -> Page[KeyShown]:
    return await page_of(
        *page_asked(call),
        lambda after, limit: api.store.api_keys.list(after=after or "", limit=limit),
        _shown,
        lambda key: key.id,
    )


async def _show(api: Api, call: Call) -> KeyShown:
    return _shown(await api.store.api_keys.get(call.path["key_id"]))


async def _create(api: Api, call: Call) -> KeyCreated:
    wanted = call.body(NewKey)
    now_ms = api.clock.now_ms()
    lasts_ms = None if wanted.expires_in_days is None else wanted.expires_in_days * _DAY_MS
    key, written = new_api_key(
        now_ms,
        name=wanted.name,
        scopes=wanted.scopes,
        tenant=wanted.tenant,
        expires_at_ms=None if lasts_ms is None else now_ms + round(lasts_ms),
    )
    made = _shown(key)
    changes = created(made, ("name", "scopes", "tenant", "expires_at"))
    noted = entry(api, call, "key.create", key.id, tenant=key.tenant, changes=changes)
    await api.store.changing(noted).api_keys.add(key)
    return KeyCreated(**made.model_dump(), key=written)


async def _revoke(api: Api, call: Call) -> KeyShown:
    key_id = call.path["key_id"]
    before = await api.store.api_keys.get(key_id)
    noted = entry(api, call, "key.revoke", key_id, tenant=before.tenant)
    await api.store.changing(noted).api_keys.revoke(key_id, api.clock.now_ms())
    return _shown(await api.store.api_keys.get(key_id))


def _shown(key: ApiKey) -> KeyShown:
    return shown(KeyShown, key, scopes=sorted(key.scopes))


ROUTES: Final = (
    Route(
        method="GET",
        path="/v1/keys",
        name="list_keys",
        tag="keys",
        summary="List API keys in the order they were made",
        scope=Scope.ADMIN,
        operators_only=True,
        query=PageQuery,
        answer=Page[KeyShown],
        handler=_list,
    ),
    Route(
        method="POST",
        path="/v1/keys",
        name="create_key",
        tag="keys",
        summary="Make an API key; it is shown only now",
        scope=Scope.ADMIN,
        operators_only=True,
        body=NewKey,
        answer=KeyCreated,
        status=201,
        handler=_create,
    ),
    Route(
        method="GET",
        path="/v1/keys/{key_id}",
        name="show_key",
        tag="keys",
        summary="Show an API key, without what proves it",
        scope=Scope.ADMIN,
        operators_only=True,
        answer=KeyShown,
        handler=_show,
    ),
    Route(
        method="DELETE",
        path="/v1/keys/{key_id}",
        name="revoke_key",
        tag="keys",
        summary="Make an API key useless at once",
        scope=Scope.ADMIN,
        operators_only=True,
        answer=KeyShown,
        handler=_revoke,
    ),
)
