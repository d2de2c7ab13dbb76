"""Erasures over HTTP: what one would delete is counted before it is begun."""

from __future__ import annotations

import pytest

from gateway.access import Scope
from tests.integration.admin.objects import publish
from tests.integration.admin.world import AdminWorld, Caller

ORDER = "902-0000001-0000001"


async def test_an_erasure_is_counted_before_it_is_begun(world: AdminWorld, admin: Caller) -> None:
    for name in ("Erika Mustermann", "ERIKA  Mustermann", "Max Other"):
        await publish(world, "order.changed", f'{{"data": {{"buyer": "{name}"}}}}'.encode())
    asked = {"buyer": "Erika Mustermann"}
    counted = await admin("POST", "/v1/erasures/preview", json=asked)
    assert counted.status == 200
    assert counted.body == {"by": "buyer", "would_erase": {"events": 2}, "complete": True}
    again = await admin("POST", "/v1/erasures/preview", json=asked)
    assert again.body == counted.body, "nothing was deleted"
    assert list(await world.store.erasures.list()) == []
    nobody = await admin("POST", "/v1/erasures/preview", json={"buyer": "Nobody Atall"})
    assert nobody.body == {"by": "buyer", "would_erase": {}, "complete": True}
    assert "Mustermann" not in str(await world.store.audit.list())


@pytest.mark.parametrize("asked", [{}, {"buyer": "Erika Mustermann", "order_id": ORDER}])
async def test_whose_data_is_said_by_exactly_one(admin: Caller, asked: dict[str, str]) -> None:
    for path in ("/v1/erasures", "/v1/erasures/preview"):
        assert (await admin("POST", path, json=asked)).status == 422


async def test_counting_is_for_who_may_erase(world: AdminWorld) -> None:
    caller = await world.caller(Scope.WRITE)
    refused = await caller("POST", "/v1/erasures/preview", json={"buyer": "Erika Mustermann"})
    assert refused.status == 403
