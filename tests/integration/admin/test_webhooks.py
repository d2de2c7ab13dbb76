"""Why a verification fails, over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from standardwebhooks import Webhook

from tests.integration.admin.world import AdminWorld, Caller

BODY = '{"type": "order.packed", "data": {"n": 1}}'


async def test_an_endpoints_own_keys_verify(world: AdminWorld, admin: Caller) -> None:
    made = await admin.post("/v1/endpoints", {"transport": "pull"}, status=201)
    path = f"/v1/endpoints/{made['id']}/verify"
    request = _signed(made["secret"], world.clock.now_ms() // 1000)
    assert (await admin.post(path, request))["valid"] is True
    # Nobody can tell an altered body from another key; one that was written again, they can.
    altered = await admin.post(path, request | {"body": BODY.replace("1", "2")})
    assert (altered["valid"], altered["wrong"]) == (False, "key")
    rewritten = await admin.post(path, request | {"body": BODY.replace(": ", ":")})
    assert (rewritten["valid"], rewritten["wrong"]) == (False, "body")
    old = _signed(made["secret"], world.clock.now_ms() // 1000 - 3_600)
    assert (await admin.post(path, old))["wrong"] == "timestamp"
    assert (await admin.post(path, old | {"any_age": True}))["valid"] is True


async def test_given_secrets_verify_and_are_not_repeated(world: AdminWorld, admin: Caller) -> None:
    secret = "whsec_" + "MTIz" * 11
    request = _signed(secret, world.clock.now_ms() // 1000)
    path = "/v1/webhooks/verify"
    assert (await admin.post(path, request | {"secrets": [secret]}))["valid"] is True
    other = "whsec_" + "NDU2" * 11
    told = await admin("POST", path, json=request | {"secrets": [other]})
    assert told.body["valid"] is False
    assert other[6:].encode() not in told.raw
    unreadable = await admin("POST", path, json=request | {"secrets": ["whsec_secret!"]})
    assert unreadable.status == 422
    assert b"secret!" not in unreadable.raw


def _signed(secret: str, at_s: int) -> dict[str, Any]:
    at = datetime.fromtimestamp(at_s, UTC)
    return {
        "webhook_id": "evt_1",
        "webhook_timestamp": str(at_s),
        "webhook_signature": Webhook(secret).sign("evt_1", at, BODY),
        "body": BODY,
    }
