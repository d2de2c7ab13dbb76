"""The kit for handler authors: its own promises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import BaseModel

from gateway import Context, Event, Later, Notification, Router
from gateway.errors import InvalidInputError, NotFoundError
from gateway.notifications import OrderChange
from gateway.simulator.notifications import known_types
from gateway.testing import (
    FakeClock,
    FakeSpApi,
    UnexpectedCallError,
    a_notification,
    run_handler,
    run_job,
)

router = Router()


class Options(BaseModel, extra="forbid"):
    rounds: int = 1


@router.on(OrderChange)
async def order(notification: Notification[OrderChange], ctx: Context) -> Event:
    found = await ctx.spapi.orders.get_order(notification.payload.amazon_order_id)
    return Event(type="x", data={"order": found.order_id, "at": ctx.now.isoformat()})


@router.job(Options)
async def rounds(request: Notification[Options], ctx: Context) -> Event | Later:
    done = (ctx.state or 0) + 1
    await ctx.documents.store(f"round-{done}", b"x")
    if done < request.payload.rounds:
        return Later(60, done)
    return Event(type="x", data={"now": ctx.now.isoformat()})


@router.fallback()
async def rest(notification: Notification[Mapping[str, Any]], ctx: Context) -> Event:
    return Event(type="rest", data={"type": notification.type})


@pytest.mark.parametrize("type_", [*known_types()])
async def test_a_notification_of_every_type_is_made(type_: str) -> None:
    made = a_notification(type_)
    assert made.type == type_
    assert made.event_time_ms is not None
    if type_ != "ORDER_CHANGE":
        assert (await run_handler(router, made)).event.data == {"type": type_}


def test_a_type_that_is_unknown_needs_a_payload() -> None:
    with pytest.raises(InvalidInputError, match="no notification 'ACME'"):
        a_notification("ACME")
    assert a_notification("ACME", {"sellerId": "A9"}).seller_id == "A9"


async def test_a_call_without_an_answer_fails_the_test_by_name() -> None:
    with pytest.raises(UnexpectedCallError, match=r"orders\.2026-01-01\.getOrder"):
        await run_handler(router, a_notification(OrderChange), spapi=FakeSpApi())
    with pytest.raises(NotFoundError):
        await run_handler(router, a_notification(OrderChange))


async def test_a_call_that_amazon_would_refuse_for_its_form_fails() -> None:
    calls = FakeSpApi().answers("getReport", {}).for_seller("A1")
    with pytest.raises(InvalidInputError):
        await calls.call("getReport", nothing="of the kind")
    with pytest.raises((InvalidInputError, NotFoundError)):
        FakeSpApi().answers("getNothing", {})


async def test_answers_come_in_turn_and_the_last_for_ever() -> None:
    api = FakeSpApi().answers("getReport", {"n": 1}, ValueError("away"), lambda c: {"p": c.path})
    calls = api.for_seller("A1")
    assert await calls.call("getReport", reportId="7") == {"n": 1}
    with pytest.raises(ValueError, match="away"):
        await calls.call("getReport", reportId="7")
    for _ in range(2):
        found = await calls.call("getReport", reportId="7")
        assert found["p"].endswith("/reports/7")
    assert [one.seller_id for one in api.made("getReport")] == ["A1"] * 4


async def test_a_job_runs_to_its_end_and_waits_are_skipped() -> None:
    clock = FakeClock()
    began = clock.now_ms()
    ran = await run_job(router, "rounds", {"rounds": 4}, clock=clock)
    assert clock.now_ms() - began == 180_000
    assert list(ran.documents) == [f"round-{n}" for n in (1, 2, 3, 4)]
    with pytest.raises(InvalidInputError, match="round: Extra inputs"):
        await run_job(router, "rounds", {"round": 4})
