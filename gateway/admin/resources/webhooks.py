"""Why a receiver's verification fails: which part of a request is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from gateway.access import Scope
from gateway.admin.api import Api
from gateway.admin.fields import Given, Line, Shown
from gateway.admin.owned import own_endpoint
from gateway.admin.routes import Call, Route
from gateway.delivery.signing import encode_verifier
from gateway.delivery.verification import Part, verify

Secret = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class ReceivedRequest(Given):
    """A request as a receiver got it."""

    webhook_id: Line = Field(description="The header `webhook-id`.")
    webhook_timestamp: Line = Field(description="The header `webhook-timestamp`.")
    webhook_signature: str = Field(
        max_length=8_192, description="The header `webhook-signature`, as it came."
    )
    body: str = Field(description="The raw body, before anything parsed it.")
    any_age: bool = Field(default=False, description="Accept a timestamp that is long past.")


class ReceivedWithSecrets(ReceivedRequest):
    """A request, with what its receiver verifies with."""

    secrets: list[Secret] = Field(
        min_length=1, max_length=10, description="`whsec_…` or `whpk_…`; one that fits is enough."
    )


class VerificationShown(Shown):
    """Whether a request verifies."""

    valid: bool
    wrong: Part | None = Field(description="The part that is wrong; null where it is valid.")
    detail: str = Field(description="The finding in words, with what to change.")


async def _verify(api: Api, call: Call) -> VerificationShown:
    given = call.body(ReceivedWithSecrets)
    return _verified(api, given, given.secrets)


async def _verify_with_keys_of_endpoint(api: Api, call: Call) -> VerificationShown:
    endpoint = await own_endpoint(api, call)
    secrets = [encode_verifier(secret) for secret in endpoint.secrets]
    return _verified(api, call.body(ReceivedRequest), secrets)


def _verified(api: Api, given: ReceivedRequest, secrets: Sequence[str]) -> VerificationShown:
    found = verify(
        secrets,
        webhook_id=given.webhook_id,
        timestamp=given.webhook_timestamp,
        signature=given.webhook_signature,
        body=given.body.encode(),
        now_s=None if given.any_age else api.clock.now_ms() // 1000,
    )
    return VerificationShown(valid=found.valid, wrong=found.wrong, detail=found.detail)


ROUTES: Final = (
    Route(
        method="POST",
        path="/v1/webhooks/verify",
        name="verify_webhook",
        tag="endpoints",
        summary="Say whether a request verifies with given secrets, and what is wrong with it",
        scope=Scope.READ,
        body=ReceivedWithSecrets,
        answer=VerificationShown,
        handler=_verify,
    ),
    Route(
        method="POST",
        path="/v1/endpoints/{endpoint_id}/verify",
        name="verify_with_endpoint",
        tag="endpoints",
        summary="Say whether a request verifies with an endpoint's keys, and what is wrong with it",
        scope=Scope.READ,
        body=ReceivedRequest,
        answer=VerificationShown,
        handler=_verify_with_keys_of_endpoint,
    ),
)
