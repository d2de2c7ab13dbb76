"""Counts of calls by command."""

from __future__ import annotations

import asyncio

import pytest

from gateway.clock import SystemClock
from gateway.store import open_store
from gateway.usage import Called, UsageCount
from tests.conformance.store.world import FakeSealer, RecordedSignals
from tests.integration.cli.conftest import Gateway


def called(calls: int, seller_id: str, outcome: str = "ok", day: str = "2027-01-15") -> UsageCount:
    return UsageCount(
        called=Called(
            day=day,
            application_id="app",
            region="eu",
            seller_id=seller_id,
            operation="orders.2026-01-01.getOrder",
            method="GET",
            outcome=outcome,
        ),
        calls=calls,
    )


@pytest.fixture
def counted(gateway: Gateway) -> Gateway:
    gateway("db", "upgrade")

    async def add() -> None:
        async with await open_store(
            "sqlite:///gateway.db",
            sealer=FakeSealer(),
            clock=SystemClock(),
            signals=RecordedSignals(),
        ) as store:
            await store.usage.add(
                [
                    called(40, "S1"),
                    called(2, "S1", "throttled"),
                    called(7, ""),
                    called(9, "S1", day="2027-01-16"),
                ]
            )

    asyncio.run(add())
    return gateway


def test_counts_are_listed_by_day_and_seller(counted: Gateway) -> None:
    page = counted("usage", "--from", "2027-01-15", "--to", "2027-01-15", "--seller", "S1")
    assert page == {
        "items": [
            {
                "day": "2027-01-15",
                "application_id": "app",
                "region": "eu",
                "seller_id": "S1",
                "operation": "orders.2026-01-01.getOrder",
                "method": "GET",
                "outcome": outcome,
                "calls": calls,
            }
            for outcome, calls in (("ok", 40), ("throttled", 2))
        ],
        "next_cursor": None,
    }


def test_calls_of_the_application_itself_have_no_seller(counted: Gateway) -> None:
    first = counted("usage", "--operation", "getOrder", "--limit", "1")
    assert first["items"][0]["seller_id"] is None
    rest = counted("usage", "--operation", "getOrder", "--after", first["next_cursor"])
    assert [row["calls"] for row in rest["items"]] == [40, 2, 9]


def test_a_day_that_is_none_is_refused(counted: Gateway) -> None:
    assert "--from" in counted.fails(2, "usage", "--from", "yesterday")["detail"]


def test_a_person_sees_a_table(counted: Gateway) -> None:
    assert "throttled" in counted.said("usage")
