"""Jobs over HTTP: what was asked for is in the inbox, once for each seller, and in the audit log."""

from __future__ import annotations

from gateway.access import Scope
from tests.integration.admin.world import AdminWorld


async def test_a_job_is_asked_for_listed_and_shown(world: AdminWorld) -> None:
    caller = await world.caller(Scope.WRITE)
    given = {"job": "tidy", "seller_ids": ["A1", "A2", "A1"], "options": {"day": "2026-11-01"}}
    requested = (await caller.post("/v1/jobs", given, status=202))["items"]
    assert [one["seller_id"] for one in requested] == ["A1", "A2"]
    listed = (await caller.get("/v1/jobs?job=tidy"))["items"]
    assert [one["id"] for one in listed] == [one["id"] for one in reversed(requested)]
    assert (await caller.get("/v1/jobs?seller_id=A2"))["items"] == listed[:1]
    detail = await caller.get(f"/v1/jobs/{requested[0]['id']}")
    assert detail["options"] == {"day": "2026-11-01"}
    assert detail["state"] == "pending"
    assert detail["origin"] == "request"
    assert [one["handler"] for one in detail["handlings"]] == ["tidy"]


async def test_who_asked_stands_in_the_audit_log(world: AdminWorld) -> None:
    caller = await world.caller(Scope.ADMIN)
    await caller.post("/v1/jobs", {"job": "tidy", "seller_ids": ["A1"]}, status=202)
    (entry,) = (await caller.get("/v1/audit"))["items"]
    assert (entry["action"], entry["object_id"]) == ("job.request", "tidy")
    assert entry["changes"]["seller_ids"] == {"from": None, "to": ["A1"]}


async def test_what_no_job_takes_is_refused_before_anything_is_kept(world: AdminWorld) -> None:
    caller = await world.caller(Scope.WRITE)
    unknown = await caller("POST", "/v1/jobs", json={"job": "sweep_all", "seller_ids": ["A1"]})
    assert unknown.status == 404
    assert "tidy" in unknown.body["detail"]
    wrong = await caller(
        "POST", "/v1/jobs", json={"job": "tidy", "seller_ids": ["A1"], "options": {"dey": "x"}}
    )
    assert wrong.status == 422
    assert "dey" in wrong.body["detail"]
    nobody = await caller("POST", "/v1/jobs", json={"job": "tidy"})
    assert nobody.status == 422
    assert (await caller.get("/v1/jobs"))["items"] == []
