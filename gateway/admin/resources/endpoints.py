"""Endpoints over HTTP: where events go, managed by operators and, their own, by tenants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from pydantic import Field

from gateway.access import Scope
from gateway.admin.api import Api
from gateway.admin.audit import created, differences, entry
from gateway.admin.fields import Given, Line
from gateway.admin.owned import own_endpoint
from gateway.admin.paging import Page, PageQuery, page_asked, page_of
from gateway.admin.problems import Refusal, forbidden
from gateway.admin.resources.endpoint_models import (
    EndpointCreated,
    EndpointDetail,
    EndpointPatch,
    EndpointShown,
    HealthShown,
    NewEndpoint,
    TestShown,
    endpoint_detail,
    endpoint_shown,
    kept_headers,
)
from gateway.admin.routes import Answer, Call, Route
from gateway.admin.showing import shown
from gateway.delivery.signing import encode_secret, new_secret
from gateway.endpoints import Endpoint, EndpointState
from gateway.model import IdPrefix, new_id

_CREATED: Final = tuple(EndpointPatch.model_fields)
_PATH: Final = "/v1/endpoints/{endpoint_id}"


class Disabling(Given):
    """Why an endpoint is disabled."""

    reason: Line = Field(default="disabled over the API", description="Shown beside it.")


async def _list(api: Api, call: Call) -> Page[EndpointShown]:
    async def fetch(after: str | None, limit: int) -> Sequence[Endpoint]:
        return await api.store.endpoints.list(
            after=after or "", limit=limit, tenant=call.key.tenant
        )

    return await page_of(*page_asked(call), fetch, endpoint_shown, lambda one: one.id)


async def _show(api: Api, call: Call) -> Answer:
    return _tagged(await own_endpoint(api, call))


async def _create(api: Api, call: Call) -> Answer:
    members = call.body(NewEndpoint).members()
    _check_rights(call, members)
    now_ms = api.clock.now_ms()
    endpoint = Endpoint(
        id=new_id(IdPrefix.ENDPOINT, now_ms),
        created_at_ms=now_ms,
        updated_at_ms=now_ms,
        secrets=(new_secret(now_ms),),
        **{"url": "", "tenant": call.key.tenant, **members},
    )
    await api.checks.check(endpoint)
    detail = endpoint_detail(endpoint)
    changes = created(detail, _CREATED)
    noted = entry(
        api, call, "endpoint.create", endpoint.id, tenant=endpoint.tenant, changes=changes
    )
    await api.store.changing(noted).endpoints.add(endpoint)
    secret = encode_secret(endpoint.secrets[0])
    headers = {"Location": f"/v1/endpoints/{endpoint.id}", "ETag": _etag(endpoint)}
    return Answer(body=EndpointCreated(**detail.model_dump(), secret=secret), headers=headers)


async def _update(api: Api, call: Call) -> Answer:
    before = await own_endpoint(api, call)
    _check_unchanged(call, before)
    members = kept_headers(call.body(EndpointPatch).members(), before)
    _check_rights(call, members)
    after = replace(before, **members)
    await api.checks.check(after)
    hidden = [
        name for name in ("headers", "auth", "client_certificate")
        if getattr(before, name) != getattr(after, name)
    ]  # fmt: skip
    return _tagged(await _changed(api, call, "endpoint.update", before, after, hidden))


async def _delete(api: Api, call: Call) -> EndpointDetail:
    endpoint = await own_endpoint(api, call)
    _check_unchanged(call, endpoint)
    noted = entry(api, call, "endpoint.delete", endpoint.id, tenant=endpoint.tenant)
    await api.store.changing(noted).endpoints.delete(endpoint.id)
    return endpoint_detail(endpoint)


async def _disable(api: Api, call: Call) -> Answer:
    before = await own_endpoint(api, call)
    reason = call.body(Disabling).reason
    after = replace(before, state=EndpointState.DISABLED, disabled_reason=reason)
    return _tagged(await _changed(api, call, "endpoint.disable", before, after))


async def _enable(api: Api, call: Call) -> Answer:
    before = await own_endpoint(api, call)
    after = replace(before, state=EndpointState.ENABLED, disabled_reason=None)
    await api.checks.check(after)
    return _tagged(await _changed(api, call, "endpoint.enable", before, after))


async def _test(api: Api, call: Call) -> TestShown:
    result = await api.checks.test(await own_endpoint(api, call))
    return shown(TestShown, result, answer=result.answer.decode("utf-8", "replace"))


async def _health(api: Api, call: Call) -> HealthShown:
    endpoint = await own_endpoint(api, call)
    return shown(HealthShown, await api.store.queries.health_of(endpoint.id))


async def _changed(
    api: Api,
    call: Call,
    action: str,
    before: Endpoint,
    after: Endpoint,
    hidden: Sequence[str] = (),
) -> Endpoint:
    changes = differences(endpoint_detail(before), endpoint_detail(after), hidden=hidden)
    if not changes:
        return before
    noted = entry(api, call, action, after.id, tenant=after.tenant, changes=changes)
    await api.store.changing(noted).endpoints.update(
        after, unless_changed_since=before.updated_at_ms
    )
    return await api.store.endpoints.get(after.id)


def _check_rights(call: Call, members: dict[str, Any]) -> None:
    if call.key.tenant is None:
        return
    if members.get("tenant", call.key.tenant) != call.key.tenant:
        raise forbidden("a tenant's key can give an endpoint to no other tenant")
    if members.get("operator"):
        raise forbidden("operational events are for operators' endpoints")


def _check_unchanged(call: Call, endpoint: Endpoint) -> None:
    if call.if_match is not None and call.if_match.strip() not in {"*", _etag(endpoint)}:
        raise Refusal(
            status=412, word="changed", detail="it was changed since you read it; read it again"
        )


def _tagged(endpoint: Endpoint) -> Answer:
    return Answer(body=endpoint_detail(endpoint), headers={"ETag": _etag(endpoint)})


def _etag(endpoint: Endpoint) -> str:
    return f'"{endpoint.updated_at_ms:x}"'


ROUTES: Final = (
    Route(
        method="GET",
        path="/v1/endpoints",
        name="list_endpoints",
        tag="endpoints",
        summary="List endpoints in the order they were made",
        scope=Scope.READ,
        query=PageQuery,
        answer=Page[EndpointShown],
        handler=_list,
    ),
    Route(
        method="POST",
        path="/v1/endpoints",
        name="create_endpoint",
        tag="endpoints",
        summary="Make an endpoint; its signing key is shown only now",
        scope=Scope.WRITE,
        body=NewEndpoint,
        answer=EndpointCreated,
        status=201,
        handler=_create,
    ),
    Route(
        method="GET",
        path=_PATH,
        name="show_endpoint",
        tag="endpoints",
        summary="Show an endpoint",
        scope=Scope.READ,
        answer=EndpointDetail,
        handler=_show,
    ),
    Route(
        method="PATCH",
        path=_PATH,
        name="update_endpoint",
        tag="endpoints",
        summary="Change what is given of an endpoint; deliveries that wait follow it",
        scope=Scope.WRITE,
        body=EndpointPatch,
        answer=EndpointDetail,
        refusals=frozenset({409, 412}),
        takes_if_match=True,
        handler=_update,
    ),
    Route(
        method="DELETE",
        path=_PATH,
        name="delete_endpoint",
        tag="endpoints",
        summary="Remove an endpoint; deliveries that wait for it are cancelled",
        scope=Scope.WRITE,
        answer=EndpointDetail,
        refusals=frozenset({412}),
        takes_if_match=True,
        handler=_delete,
    ),
    Route(
        method="POST",
        path=f"{_PATH}/disable",
        name="disable_endpoint",
        tag="endpoints",
        summary="Hold an endpoint's deliveries",
        scope=Scope.WRITE,
        body=Disabling,
        answer=EndpointDetail,
        refusals=frozenset({409}),
        handler=_disable,
    ),
    Route(
        method="POST",
        path=f"{_PATH}/enable",
        name="enable_endpoint",
        tag="endpoints",
        summary="Deliver again, what was held first",
        scope=Scope.WRITE,
        answer=EndpointDetail,
        refusals=frozenset({409}),
        handler=_enable,
    ),
    Route(
        method="POST",
        path=f"{_PATH}/test",
        name="test_endpoint",
        tag="endpoints",
        summary="Post one signed event of type endpoint.test, and show the answer",
        scope=Scope.WRITE,
        answer=TestShown,
        handler=_test,
    ),
    Route(
        method="GET",
        path=f"{_PATH}/health",
        name="show_endpoint_health",
        tag="endpoints",
        summary="Show how an endpoint has answered lately",
        scope=Scope.READ,
        answer=HealthShown,
        handler=_health,
    ),
)
