"""What all routes share: the key, faults as problem+json, bounds, request ids, pages, the log."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path

import pytest

from gateway.access import Scope, new_api_key
from tests.integration.admin.world import AdminWorld, Caller, open_world
from tests.support.clock import FakeClock


async def test_without_any_key_the_api_says_how_to_make_one(world: AdminWorld) -> None:
    told = await (await world.caller())("GET", "/v1/keys")
    assert told.status == 401
    assert "gateway keys create --scopes admin" in told.body["detail"]
    assert told.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer spgw_1", "Basic aGk6aGk=", "Bearer spgw_" + "0" * 32 + "_" + "A" * 43],
)
async def test_no_usable_key(world: AdminWorld, admin: Caller, authorization: str) -> None:
    told = await admin("GET", "/v1/keys", headers={"Authorization": authorization})
    assert told.status == 401
    assert told.body["type"] == "urn:gateway:problem:unauthorized"


async def test_a_key_in_the_url_is_no_key(world: AdminWorld, admin: Caller) -> None:
    written = admin.headers["Authorization"].removeprefix("Bearer ")
    nobody = await world.caller()
    for name in ("key", "access_token", "authorization"):
        assert (await nobody("GET", f"/v1/keys?{name}={written}")).status == 401


async def test_a_key_ends_at_once(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_world(tmp_path, clock=clock) as world:
        key, written = new_api_key(
            clock.now_ms(), name="", scopes=[Scope.ADMIN], expires_at_ms=clock.now_ms() + 1_000
        )
        await world.store.api_keys.add(key)
        caller = Caller(world.session, world.base, {"Authorization": f"Bearer {written}"})
        assert (await caller("GET", "/v1/keys")).status == 200
        clock.advance(1.0)
        assert (await caller("GET", "/v1/keys")).status == 401

        revoked = await world.caller(Scope.ADMIN)
        (mine,) = (k for k in await world.store.api_keys.list() if k.expires_at_ms is None)
        assert (await revoked("DELETE", f"/v1/keys/{mine.id}")).status == 200
        assert (await revoked("GET", "/v1/keys")).status == 401


async def test_use_is_noted_to_the_minute(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_world(tmp_path, clock=clock) as world:
        caller = await world.caller(Scope.ADMIN)
        first_ms = clock.now_ms()
        await caller.get("/v1/keys")
        clock.advance(59.0)
        await caller.get("/v1/keys")
        (key,) = await world.store.api_keys.list()
        assert key.last_used_at_ms == first_ms
        clock.advance(1.0)
        await caller.get("/v1/keys")
        (key,) = await world.store.api_keys.list()
        assert key.last_used_at_ms == first_ms + 60_000


async def test_a_key_that_is_too_fast_waits_and_the_others_do_not(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_world(tmp_path, clock=clock, rate_per_s=0.5, burst=2) as world:
        fast, calm = await world.caller(Scope.ADMIN), await world.caller(Scope.READ)
        assert [(await fast("GET", "/v1/counts")).status for _ in range(3)] == [200, 200, 429]
        told = await fast("GET", "/v1/counts")
        assert told.headers["Retry-After"] == "2"
        assert told.body["type"] == "urn:gateway:problem:too-many-requests"
        assert (await calm("GET", "/v1/counts")).status == 200
        clock.advance(2.0)
        assert (await fast("GET", "/v1/counts")).status == 200


async def test_guessing_keys_is_slow(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_world(tmp_path, clock=clock) as world:
        admin, nobody = await world.caller(Scope.ADMIN), await world.caller()
        statuses = [(await nobody("GET", "/v1/keys")).status for _ in range(40)]
        assert statuses == [401] * 30 + [429] * 10
        # Who has a key is not held up by them, behind the same address or not.
        assert (await admin("GET", "/v1/keys")).status == 200
        clock.advance(60.0)
        assert (await nobody("GET", "/v1/keys")).status == 401


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1", 404),
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/keys/key_1", 404),
        ("GET", "/v1/keys/key_" + "0" * 32, 404),
        ("GET", "/v1/keys/%00", 404),
        ("PUT", "/v1/keys", 405),
        ("GET", "/v1/keys?limit=0", 422),
        ("GET", "/v1/keys?limit=1&limit=2", 422),
        ("GET", "/v1/keys?colour=red", 422),
        ("GET", "/v1/keys?cursor=%00", 422),
        ("GET", "/v1/keys/key_" + "0" * 32 + "?x=1", 422),
        ("GET", "/v1/audit?actor=a%00b", 422),
    ],
)
async def test_faults_are_problems(admin: Caller, method: str, path: str, status: int) -> None:
    told = await admin(method, path)
    assert told.status == status
    assert told.headers["Content-Type"].startswith("application/problem+json")
    assert told.body["status"] == status
    assert told.body["request_id"] == told.headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("data", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"", "application/json", 400),
        (b'{"scopes": ["read"], "expires_in_days": NaN}', "application/json", 400),
        (b'{"name": "\xff"}', "application/json", 400),
        (b"[]", "application/json", 422),
        (b'{"scopes": []}', "application/json", 422),
        (b'{"scopes": ["read"], "name": 1}', "application/json", 422),
        (b'{"scopes": ["read"], "name": "a\\u0000"}', "application/json", 422),
        (b'{"scopes": ["read"], "tenant": ""}', "application/json", 422),
        (b'{"scopes": ["root"]}', "application/json", 422),
        (b'{"scopes": ["read"], "colour": "red"}', "application/json", 422),
        (b"scopes=read", "application/x-www-form-urlencoded", 415),
        (b"x" * ((1 << 20) + 1), "application/json", 413),
    ],
)
async def test_a_body_that_is_not_what_was_asked_for(
    world: AdminWorld, admin: Caller, data: bytes, content_type: str, status: int
) -> None:
    headers = {"Content-Type": content_type}
    told = await admin("POST", "/v1/keys", data=io.BytesIO(data), headers=headers)
    assert told.status == status, told.body
    assert len(await world.store.api_keys.list()) == 1


async def test_a_fault_in_the_body_is_named_and_its_value_is_not_repeated(admin: Caller) -> None:
    told = await admin("POST", "/v1/keys", json={"scopes": ["read"], "name": 17_171_717})
    (fault,) = told.body["faults"]
    assert fault["where"] == "body.name"
    assert b"17171717" not in told.raw


async def test_answers_stay_out_of_caches_and_carry_the_request_id(admin: Caller) -> None:
    told = await admin("GET", "/v1/keys", headers={"X-Request-Id": "mine-1"})
    assert told.headers["X-Request-Id"] == "mine-1"
    assert told.headers["Cache-Control"] == "no-store"
    told = await admin("GET", "/v1/keys", headers={"X-Request-Id": "no good"})
    assert told.headers["X-Request-Id"].startswith("req_")


async def test_each_request_is_one_line_without_the_key(
    world: AdminWorld, admin: Caller, lines: io.BytesIO
) -> None:
    made = await admin.post("/v1/keys", {"scopes": ["read"]}, status=201)
    text = lines.getvalue().decode()
    (line,) = (json.loads(line) for line in text.splitlines() if '"admin.request"' in line)
    assert (line["method"], line["route"], line["status"]) == ("POST", "create_key", 201)
    assert line["key"].startswith("key_")
    for written in (made["key"], admin.headers["Authorization"].removeprefix("Bearer ")):
        assert written not in text
        assert written[38:] not in text


async def test_pages_join_without_gap(world: AdminWorld, admin: Caller) -> None:
    for _ in range(6):
        await world.caller(Scope.READ)
    ids = [key.id for key in await world.store.api_keys.list()]
    found, path = [], "/v1/keys?limit=3"
    while True:
        page = await admin.get(path)
        found += [one["id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        path = f"/v1/keys?limit=3&cursor={page['next_cursor']}"
    assert found == ids


async def test_a_store_that_is_away_is_told_as_such(world: AdminWorld, admin: Caller) -> None:
    await world.store.close()
    told = await admin("GET", "/v1/keys")
    assert told.status == 503
    assert told.headers["Retry-After"]
    assert "gateway.db" not in told.body["detail"]


async def test_requests_are_counted_by_route_and_status(world: AdminWorld, admin: Caller) -> None:
    await admin("GET", "/v1/keys")
    await admin("GET", f"/v1/keys/key_{'0' * 32}")
    await admin("GET", "/v1/nothing")
    text = world.metrics.render().decode()
    for route, status in (("list_keys", 200), ("show_key", 404), ("none", 404)):
        assert f'gateway_api_requests_total{{route="{route}",status="{status}"}} 1.0' in text
    assert "gateway_api_duration_seconds_count 3.0" in text


async def test_a_body_that_drips_is_cut_off(
    world: AdminWorld, admin: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.admin.reading._BODY_WITHIN_S", 0.05)
    host, port = world.base.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = [
        "POST /v1/keys HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        "Content-Length: 100",
        *(f"{name}: {value}" for name, value in admin.headers.items()),
    ]
    writer.write("\r\n".join([*head, "", "{"]).encode())
    assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
    writer.close()
    await writer.wait_closed()


async def test_a_problem_never_shows_what_an_unforeseen_fault_says(
    world: AdminWorld, admin: Caller, monkeypatch: pytest.MonkeyPatch, lines: io.BytesIO
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("hidden detail")

    monkeypatch.setattr(world.store.audit, "list", broken)
    told = await admin("GET", "/v1/audit", headers={"X-Request-Id": "mine-2"})
    assert (told.status, told.body["type"]) == (500, "urn:gateway:problem:unexpected")
    assert b"hidden" not in told.raw
    logged = lines.getvalue().decode()
    assert "hidden detail" in logged
    assert "mine-2" in logged
