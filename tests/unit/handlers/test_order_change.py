from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from gateway import Reject, Skip
from gateway.testing import FakeSpApi, a_notification, run_handler
from gateway.testing.clock import NOON
from handlers.order_change import router
from tests.support.events import assert_fits

ORDER = "902-3159896-1390916"


def order(status: str = "UNSHIPPED", **more: Any) -> dict[str, Any]:
    return {
        "order": {
            "orderId": ORDER,
            "lastUpdatedTime": "2026-11-24T11:59:00Z",
            "fulfillment": {"fulfillmentStatus": status},
            "buyer": {"buyerEmail": "buyer@example.com"},
            "recipient": {"deliveryAddress": {"name": "Jane Doe"}},
            **more,
        }
    }


def spapi(*bodies: dict[str, Any]) -> FakeSpApi:
    return FakeSpApi().answers("orders.2026-01-01.getOrder", *bodies)


def changed(minutes: int = 0) -> Any:
    return a_notification(
        "ORDER_CHANGE", order_id=ORDER, event_time=NOON + timedelta(minutes=minutes)
    )


async def test_the_first_time_an_order_is_created() -> None:
    ran = await run_handler(router, changed(), spapi=spapi(order()))
    assert ran.event.type == "order.created"
    assert ran.event.data["order"]["status"] == "UNSHIPPED"
    assert "previous" not in ran.event.data
    assert "example.com" not in str(ran)
    assert_fits(router, ran.event)


async def test_then_it_changes_with_what_it_was_before() -> None:
    api = spapi(order(), order("SHIPPED"))
    first = await run_handler(router, changed(), spapi=api)
    ran = await run_handler(router, changed(1), spapi=api, remembered=first.remembered)
    assert ran.event.type == "order.changed"
    assert ran.event.data["previous"]["status"] == "UNSHIPPED"
    assert ran.event.data["order"]["status"] == "SHIPPED"
    assert_fits(router, ran.event)


async def test_what_is_older_than_what_was_published_is_passed_over() -> None:
    api = spapi(order())
    first = await run_handler(router, changed(), spapi=api)
    ran = await run_handler(router, changed(-1), spapi=api, remembered=first.remembered)
    assert isinstance(ran.outcome, Skip)
    assert len(api.calls) == 1
    again = await run_handler(
        router, changed(-1), spapi=api, remembered=first.remembered, is_replay=True
    )
    assert again.event.type == "order.changed"
    assert again.remembered[ORDER]["at"] == first.remembered[ORDER]["at"]


async def test_nothing_personal_is_remembered() -> None:
    ran = await run_handler(
        router, changed(), spapi=spapi(order()), settings={"personal_data": True}
    )
    assert ran.event.data["personal_data"] == {
        "buyer": {"buyerEmail": "buyer@example.com"},
        "recipient": {"deliveryAddress": {"name": "Jane Doe"}},
    }
    assert "example.com" not in str(ran.remembered)
    assert_fits(router, ran.event)


async def test_personal_data_is_asked_for_only_where_it_is_wanted() -> None:
    api = spapi(order())
    await run_handler(router, changed(), spapi=api)
    await run_handler(router, changed(), spapi=api, settings={"personal_data": True})
    plain, personal = ("".join(call.query["includedData"]) for call in api.calls)
    assert "BUYER" not in plain
    assert "BUYER" in personal


async def test_v0_by_the_settings() -> None:
    body = {"AmazonOrderId": ORDER, "OrderStatus": "Shipped", "BuyerInfo": {"BuyerEmail": "x@y"}}
    api = FakeSpApi().answers("orders.v0.getOrder", {"payload": body})
    settings = {"version": "v0", "personal_data": True}
    ran = await run_handler(router, changed(), spapi=api, settings=settings)
    assert ran.event.data["order"]["status"] == "SHIPPED"
    assert ran.event.data["personal_data"]["buyer"] == {"BuyerEmail": "x@y"}


async def test_an_unknown_version_is_a_fault_of_the_settings() -> None:
    ran = await run_handler(router, changed(), spapi=FakeSpApi(), settings={"version": "1"})
    assert isinstance(ran.outcome, Reject)


@pytest.mark.parametrize("key", [ORDER])
def test_changes_of_one_order_wait_for_each_other(key: str) -> None:
    (handler,) = router.handlers
    assert handler.coalesce
    assert handler.key is not None
    assert handler.key(handler.view(changed())) == key
