"""Signing keys over HTTP: listed without the key, rotated with an overlap, ended."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from gateway.access import Scope
from gateway.admin.api import Api
from gateway.admin.audit import created, entry
from gateway.admin.fields import Given, Shown
from gateway.admin.owned import own_endpoint
from gateway.admin.resources.endpoint_models import SecretCreated, SecretShown, secret_shown
from gateway.admin.routes import Call, Route
from gateway.delivery.signing import encode_secret, encode_verifier, new_secret
from gateway.errors import ConflictError, NotFoundError

_PATH: Final = "/v1/endpoints/{endpoint_id}/secrets"
_DAY_S: Final = 86_400.0


class Secrets(Shown):
    """The signing keys of an endpoint, the oldest first."""

    items: list[SecretShown]


class Rotating(Given):
    """How a signing key is replaced."""

    kind: Literal["v1", "v1a"] = Field(
        default="v1", description="`v1`: HMAC-SHA256, `v1a`: Ed25519."
    )
    overlap_s: float = Field(
        default=_DAY_S,
        ge=0,
        le=90 * _DAY_S,
        allow_inf_nan=False,
        description="How long the present keys of this kind go on signing beside the new one.",
    )


async def _list(api: Api, call: Call) -> Secrets:
    endpoint = await own_endpoint(api, call)
    return Secrets(items=[secret_shown(secret) for secret in endpoint.secrets])


async def _rotate(api: Api, call: Call) -> SecretCreated:
    endpoint = await own_endpoint(api, call)
    wanted = call.body(Rotating)
    now_ms = api.clock.now_ms()
    secret = new_secret(now_ms, kind=wanted.kind)
    made = secret_shown(secret)
    overlap = {"from": None, "to": wanted.overlap_s}
    changes = {**created(made, ("kind",)), "overlap_s": overlap}
    noted = entry(api, call, "secret.rotate", endpoint.id, tenant=endpoint.tenant, changes=changes)
    until_ms = now_ms + round(wanted.overlap_s * 1000)
    await api.store.changing(noted).endpoints.rotate_secret(
        endpoint.id, secret, expire_others_at_ms=until_ms
    )
    return SecretCreated(
        **made.model_dump(), secret=encode_secret(secret), verifier=encode_verifier(secret)
    )


async def _expire(api: Api, call: Call) -> Secrets:
    endpoint = await own_endpoint(api, call)
    secret_id, now_ms = call.path["secret_id"], api.clock.now_ms()
    usable = [s.id for s in endpoint.secrets if s.expires_at_ms is None or s.expires_at_ms > now_ms]
    if secret_id not in {secret.id for secret in endpoint.secrets}:
        raise NotFoundError(f"endpoint {endpoint.id} has no secret {secret_id}")
    if usable == [secret_id]:
        raise ConflictError("it is the only key left that signs; rotate it instead")
    noted = entry(
        api,
        call,
        "secret.expire",
        endpoint.id,
        tenant=endpoint.tenant,
        changes={"secret_id": {"from": secret_id, "to": None}},
    )
    await api.store.changing(noted).endpoints.expire_secret(endpoint.id, secret_id, now_ms)
    kept = await api.store.endpoints.get(endpoint.id)
    return Secrets(items=[secret_shown(secret) for secret in kept.secrets])


ROUTES: Final = (
    Route(
        method="GET",
        path=_PATH,
        name="list_secrets",
        tag="endpoints",
        summary="List an endpoint's signing keys, without the keys",
        scope=Scope.READ,
        answer=Secrets,
        handler=_list,
    ),
    Route(
        method="POST",
        path=f"{_PATH}/rotate",
        name="rotate_secret",
        tag="endpoints",
        summary="Make a signing key that replaces those of its kind; it is shown only now",
        scope=Scope.WRITE,
        body=Rotating,
        answer=SecretCreated,
        status=201,
        handler=_rotate,
    ),
    Route(
        method="DELETE",
        path=f"{_PATH}/{{secret_id}}",
        name="expire_secret",
        tag="endpoints",
        summary="Let a signing key sign no more, at once",
        scope=Scope.WRITE,
        answer=Secrets,
        refusals=frozenset({409}),
        handler=_expire,
    ),
)
