"""API keys over HTTP."""

from __future__ import annotations

from tests.integration.admin.world import AdminWorld, Caller


async def test_a_key_is_made_used_and_revoked(world: AdminWorld, admin: Caller) -> None:
    wanted = {"scopes": ["write", "read"], "name": "ERP", "tenant": "acme", "expires_in_days": 1}
    made = await admin.post("/v1/keys", wanted, status=201)
    assert made["scopes"] == ["read", "write"]
    key = made.pop("key")
    assert await admin.get(f"/v1/keys/{made['id']}") == made
    assert made in (await admin.get("/v1/keys"))["items"]

    tenant = Caller(world.session, world.base, {"Authorization": f"bearer {key}"})
    assert (await tenant("GET", "/v1/event-types")).status == 200
    revoked = (await admin("DELETE", f"/v1/keys/{made['id']}")).body
    assert revoked["revoked_at"] is not None
    assert (await tenant("GET", "/v1/event-types")).status == 401


async def test_each_change_is_in_the_log_with_who_made_it(admin: Caller) -> None:
    headers = {"X-Request-Id": "r-1"}
    made = await admin.post(
        "/v1/keys", {"scopes": ["read"], "tenant": "acme"}, status=201, headers=headers
    )
    await admin("DELETE", f"/v1/keys/{made['id']}")
    revoked, created = (await admin.get(f"/v1/audit?object_id={made['id']}"))["items"]
    assert (revoked["action"], created["action"]) == ("key.revoke", "key.create")
    assert (created["tenant"], created["request_id"]) == ("acme", "r-1")
    assert created["changes"]["scopes"] == {"from": None, "to": ["read"]}
    assert made["key"] not in str(created)
    by_actor = await admin.get(f"/v1/audit?actor={created['actor']}&limit=1")
    assert [one["id"] for one in by_actor["items"]] == [revoked["id"]]
