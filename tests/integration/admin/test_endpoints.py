"""Endpoints and their signing keys over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from standardwebhooks import Webhook

from gateway.access import Scope
from gateway.telemetry.redaction import MASK
from tests.integration.admin.objects import URL, make_endpoint
from tests.integration.admin.world import AdminWorld, Caller
from tests.support.receivers import answer, receiver


async def _made(admin: Caller, **fields: Any) -> dict[str, Any]:
    made: dict[str, Any] = await admin.post("/v1/endpoints", {"url": URL, **fields}, status=201)
    return made


async def test_an_endpoint_from_create_to_delete(world: AdminWorld, admin: Caller) -> None:
    wanted = {
        "description": "ERP",
        "tags": ["eu"],
        "metadata": {"team": "ops"},
        "event_types": ["order.*", "offer.changed"],
        "seller_ids": ["A1"],
        "headers": {"X-Tenant": "blue"},
        "timeout_s": 5,
        "schedule_s": [0, 5],
        "concurrency": 2,
        "tenant": "acme",
    }
    made = await _made(admin, **wanted)
    assert {name: made[name] for name in wanted} == wanted
    assert made.pop("secret").startswith("whsec_")
    path = f"/v1/endpoints/{made['id']}"
    assert await admin.get(path) == made

    told = await admin("PATCH", path, json={"description": "WMS", "timeout_s": None})
    assert (told.body["description"], told.body["timeout_s"]) == ("WMS", None)
    assert told.body["event_types"] == wanted["event_types"]

    disabled = await admin.post(f"{path}/disable", {"reason": "moving"})
    assert (disabled["state"], disabled["disabled_reason"]) == ("disabled", "moving")
    enabled = await admin.post(f"{path}/enable")
    assert (enabled["state"], enabled["disabled_reason"]) == ("enabled", None)

    assert (await admin("DELETE", path)).status == 200
    assert (await admin("GET", path)).status == 404
    assert (await admin.get("/v1/endpoints"))["items"] == []


async def test_each_change_is_told_member_by_member(admin: Caller) -> None:
    made = await _made(admin, description="a")
    path = f"/v1/endpoints/{made['id']}"
    await admin("PATCH", path, json={"description": "b", "url": URL})
    await admin("PATCH", path, json={"description": "b"})
    changed, created = (await admin.get(f"/v1/audit?object_id={made['id']}"))["items"]
    assert changed["action"] == "endpoint.update"
    assert changed["changes"] == {"description": {"from": "a", "to": "b"}}
    assert created["changes"]["url"] == {"from": None, "to": URL}
    assert made["secret"] not in str(created)


async def test_credentials_go_in_and_never_come_out(world: AdminWorld, admin: Caller) -> None:
    secrets = ("pa55w0rd", "t0ken-1", "s3cret-2", "aGlkZGVu")
    made = await _made(admin, headers={"X-Api-Key": secrets[3], "X-Shown": "blue"})
    path = f"/v1/endpoints/{made['id']}"
    assert made["headers"] == {"X-Api-Key": MASK, "X-Shown": "blue"}
    given = [
        {"kind": "basic", "username": "me", "password": secrets[0]},
        {"kind": "bearer", "token": secrets[1]},
        {
            "kind": "oauth2",
            "token_url": "http://127.0.0.1:1/token",
            "client_id": "me",
            "client_secret": secrets[2],
        },
    ]
    told = [await admin("PATCH", path, json={"auth": auth}) for auth in given]
    told.append(await admin("PATCH", path, json={"headers": made["headers"], "auth": None}))
    assert [one.status for one in told] == [200] * 4, [one.body for one in told]
    assert [(one.body["auth"] or {}).get("kind") for one in told] == [
        "basic", "bearer", "oauth2", None,
    ]  # fmt: skip
    told.append(await admin("GET", "/v1/audit"))
    told.append(await admin("GET", "/v1/endpoints"))
    assert not [s for s in secrets for one in told if s.encode() in one.raw]
    kept = await world.store.endpoints.get(made["id"])
    assert kept.headers == {"X-Api-Key": secrets[3], "X-Shown": "blue"}
    changed = await admin.get(f"/v1/audit?object_id={made['id']}&limit=1")
    assert changed["items"][0]["changes"]["auth"]["from"]["kind"] == "oauth2"


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"url": "https://10.0.0.1/x"}, "url"),
        ({"url": "https://169.254.169.254/"}, "url"),
        ({"url": "ftp://127.0.0.1/x"}, "url"),
        ({"url": "https://0x7f000001/"}, "url"),
        ({"url": "https://user:pa55@127.0.0.1/"}, "url"),
        ({"headers": {"webhook-id": "1"}}, "headers"),
        ({"headers": {"X\n": "1"}}, "headers"),
        ({"event_types": ["order*"]}, "event_types"),
        ({"concurrency": 0}, "concurrency"),
        ({"metadata": {"a": 1}}, "metadata"),
        ({"auth": {"kind": "magic"}}, "auth"),
    ],
)
async def test_what_is_refused_is_not_made_and_changes_nothing(
    world: AdminWorld, admin: Caller, fields: dict[str, Any], where: str
) -> None:
    told = await admin("POST", "/v1/endpoints", json={"url": URL, **fields})
    assert told.status == 422
    assert where in told.raw.decode()
    assert b"pa55" not in told.raw
    endpoint = await make_endpoint(world, None)
    told = await admin("PATCH", f"/v1/endpoints/{endpoint.id}", json=fields)
    assert told.status == 422
    assert await world.store.endpoints.get(endpoint.id) == endpoint


async def test_who_changes_an_old_copy_is_told(admin: Caller) -> None:
    made = await _made(admin)
    path = f"/v1/endpoints/{made['id']}"
    tag = (await admin("GET", path)).headers["ETag"]
    told = await admin("PATCH", path, json={"description": "a"}, headers={"If-Match": tag})
    assert told.status == 200
    assert told.headers["ETag"] != tag
    for method in ("PATCH", "DELETE"):
        told = await admin(method, path, json={"description": "b"}, headers={"If-Match": tag})
        assert told.status == 412
    assert (await admin.get(path))["description"] == "a"


async def test_a_tenant_makes_endpoints_of_its_own_only(world: AdminWorld) -> None:
    acme = await world.caller(Scope.WRITE, tenant="acme")
    assert (await _made(acme))["tenant"] == "acme"
    for fields in ({"tenant": "globex"}, {"tenant": None}, {"operator": True}):
        told = await acme("POST", "/v1/endpoints", json={"url": URL, **fields})
        assert told.status == 403
    made = await _made(acme)
    told = await acme("PATCH", f"/v1/endpoints/{made['id']}", json={"tenant": "globex"})
    assert told.status == 403


async def test_a_test_is_signed_and_its_answer_shown(admin: Caller) -> None:
    async with receiver(answer(204), answer(500, body=b"no")) as got:
        made = await _made(admin, url=got.url())
        path = f"/v1/endpoints/{made['id']}/test"
        result = await admin.post(path)
        assert (result["delivered"], result["status"]) == (True, 204)
        (request,) = got.requests
        Webhook(made["secret"])  # a key that the library takes
        assert request.headers["webhook-id"] == result["event_id"]
        assert b'"endpoint.test"' in request.body
        failed = await admin.post(path)
        assert (failed["delivered"], failed["error_class"]) == (False, "http_5xx")
        assert failed["answer"] == "no"


async def test_a_test_of_a_forbidden_address_is_refused_by_the_same_guard(
    world: AdminWorld, admin: Caller
) -> None:
    endpoint = await make_endpoint(world, None, url="http://10.0.0.1/hook")
    result = await admin.post(f"/v1/endpoints/{endpoint.id}/test")
    assert (result["delivered"], result["error_class"]) == (False, "blocked_address")


async def test_a_rotated_key_overlaps_and_is_shown_once(world: AdminWorld, admin: Caller) -> None:
    made = await _made(admin)
    path = f"/v1/endpoints/{made['id']}/secrets"
    rotated = await admin.post(f"{path}/rotate", {"overlap_s": 60}, status=201)
    assert rotated["secret"] == rotated["verifier"]
    assert rotated["secret"] != made["secret"]
    listed = await admin("GET", path)
    old, new = listed.body["items"]
    assert new["id"] == rotated["id"]
    assert new["expires_at"] is None
    assert old["expires_at"] is not None
    public = await admin.post(f"{path}/rotate", {"kind": "v1a"}, status=201)
    assert (public["secret"][:5], public["verifier"][:5]) == ("whsk_", "whpk_")
    shown = await admin("GET", f"/v1/endpoints/{made['id']}")
    log = await admin("GET", "/v1/audit")
    for secret in (made["secret"], rotated["secret"], public["secret"]):
        for told in (listed, shown, log):
            assert secret[6:].encode() not in told.raw


async def test_the_last_key_that_signs_stays(admin: Caller) -> None:
    made = await _made(admin)
    path = f"/v1/endpoints/{made['id']}/secrets"
    (first,) = made["secrets"]
    assert (await admin("DELETE", f"{path}/{first['id']}")).status == 409
    await admin.post(f"{path}/rotate", {"overlap_s": 3600}, status=201)
    assert (await admin("DELETE", f"{path}/{first['id']}")).status == 200
    nobodys = f"{path}/sec_{'0' * 32}"
    assert (await admin("DELETE", nobodys)).status == 404


async def test_all_faults_are_told_at_once(admin: Caller) -> None:
    fields = {"url": "https://10.0.0.1/", "body_filter": "order..", "burst": 5}
    told = await admin("POST", "/v1/endpoints", json=fields)
    assert {fault["where"] for fault in told.body["faults"]} == {"url", "body_filter", "burst"}
