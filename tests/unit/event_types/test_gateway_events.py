"""What the gateway says about itself is declared, and as it is declared."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.breaker import Health, Notice
from gateway.gateway_events import GATEWAY_EVENTS
from gateway.model import AttemptResult, DeliveryState
from gateway.operational import OperationalEvent
from gateway.store.delivery_notices import dead_notices, held_notices
from gateway.store.health import _notice
from tests.support.events import assert_as_declared

ROOT = Path(__file__).parents[3]
ENDPOINT = ("ep_1", "https://erp.example/hooks", None, "acme")


def assert_declared(event: OperationalEvent) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(event.body(1_772_359_200_000))
    assert_as_declared(body, GATEWAY_EVENTS)
    return body


@pytest.mark.parametrize("notice", Notice)
@pytest.mark.parametrize("health", [Health(), Health(failures=9, first_failure_at_ms=1)])
def test_notices_of_endpoints(notice: Notice, health: Health) -> None:
    body = assert_declared(_notice(notice, ENDPOINT, health, {"ep_1": "gone"}))
    assert body["type"] == f"endpoint.{notice.value}"


def test_notices_of_deliveries() -> None:
    dead = AttemptResult(
        id="dlv_1", token=1, endpoint_id="ep_1", state=DeliveryState.DEAD, attempt=None
    )
    row = ("dlv_1", 10, "ep_1", None, None, "evt_1", "order.changed", None)
    for plan in (dead_notices([dead]), held_notices(["dlv_1"], "5 claims")):
        next(plan)
        with pytest.raises(StopIteration) as ended:
            plan.send([row])
        (event,) = ended.value.value
        assert_declared(event)


def announced_types() -> set[str]:
    """The types that are written out where operational events are made."""
    found = set()
    for path in (ROOT / "gateway").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "OperationalEvent":
                found |= {
                    one.value.value
                    for one in node.keywords
                    if one.arg == "type" and isinstance(one.value, ast.Constant)
                }
    return found


def test_every_announced_type_is_declared() -> None:
    types = announced_types() | {f"endpoint.{one.value}" for one in Notice}
    types |= {"delivery.dead", "delivery.held"}
    assert "seller.paused" in types
    assert types <= {one.type for one in GATEWAY_EVENTS}
