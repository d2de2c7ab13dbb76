"""Bulk actions begun and looked after over HTTP; for operators."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.admin.objects import make_objects
from tests.integration.admin.world import AdminWorld, Caller

LONG_AGO = "2020-01-31T09:00:00Z"


async def test_an_operation_is_previewed_begun_and_ended(world: AdminWorld, admin: Caller) -> None:
    objects = await make_objects(world, None)
    asked = {"kind": "replay", "from_time": LONG_AGO, "type": "ORDER_CHANGE", "to_endpoints": []}
    world.clock.at_ms += 1
    found = (await admin("POST", "/v1/operations/preview", json=asked)).body
    assert (found["count"], found["complete"]) == (1, True)
    assert found["sample"] == [objects.ids["notification_id"]]
    assert [one["operation"] for one in found["follow_up_calls_at_most"]] == ["getOrder"]
    other = (await admin("POST", "/v1/operations/preview", json={**asked, "order_id": "1"})).body
    assert (other["count"], other["looked"]) == (0, 0)
    begun = await admin("POST", "/v1/operations", json={**asked, "rate_per_s": 0.5})
    assert begun.status == 201
    path = f"/v1/operations/{begun.body['id']}"
    shown = await admin.get(path)
    assert (shown["state"], shown["handlings"]) == ("running", {})
    assert shown["selection"]["type"] == "ORDER_CHANGE"
    assert shown["selection"]["to_endpoints"] == []
    assert shown["selection"]["from_time"] == "2020-01-31T09:00:00.000Z"
    for verb, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        assert (await admin("POST", f"{path}/{verb}")).body["state"] == state
    assert (await admin("POST", f"{path}/resume")).status == 409
    listed = (await admin.get("/v1/operations?state=cancelled"))["items"]
    assert [one["id"] for one in listed] == [begun.body["id"]]


async def test_one_event_is_sent_again_to_one_endpoint(world: AdminWorld, admin: Caller) -> None:
    objects = await make_objects(world, None)
    world.clock.at_ms += 1
    asked = {
        "kind": "redeliver",
        "event_id": objects.ids["event_id"],
        "endpoint_id": objects.ids["endpoint_id"],
    }
    found = (await admin("POST", "/v1/operations/preview", json=asked)).body
    assert found["sample"] == [objects.ids["event_id"]]
    assert (await admin("POST", "/v1/operations", json=asked)).status == 201


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "replay"},
        {"kind": "replay", "from_time": "yesterday"},
        {"kind": "replay", "from_time": LONG_AGO, "to_time": LONG_AGO},
        {"kind": "replay", "from_time": LONG_AGO, "state": "failed"},
        {"kind": "replay", "from_time": LONG_AGO, "endpoint_id": "ep_" + "0" * 32},
        {"kind": "redeliver", "from_time": LONG_AGO, "handler": "passthrough"},
        {"kind": "redeliver", "from_time": LONG_AGO, "event_id": "evt_" + "0" * 32},
        {"kind": "replay", "from_time": LONG_AGO, "order_id": "1", "report_id": "2"},
        {"kind": "redeliver", "from_time": LONG_AGO, "sku": "MUG-BLUE"},
        {"kind": "backfill", "from_time": LONG_AGO},
        {"kind": "erase", "from_time": LONG_AGO},
    ],
)
async def test_what_makes_no_sense_is_refused(admin: Caller, asked: dict[str, Any]) -> None:
    for path in ("/v1/operations", "/v1/operations/preview"):
        assert (await admin("POST", path, json=asked)).status == 422


async def test_names_that_nobody_knows_are_not_found(admin: Caller) -> None:
    asked = {"kind": "replay", "from_time": LONG_AGO, "to_endpoints": ["ep_" + "0" * 32]}
    assert (await admin("POST", "/v1/operations", json=asked)).status == 404
