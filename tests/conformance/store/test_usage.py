from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from gateway.errors import InvalidInputError
from gateway.store import Store
from gateway.store.usage import UsageFilter, cursor
from gateway.usage import Called, UsageCount

CALLED = Called(
    day="2027-01-15",
    application_id="app",
    region="eu",
    seller_id="S1",
    operation="orders.2026-01-01.getOrder",
    method="GET",
    outcome="ok",
)
EVERYTHING = UsageFilter()


def counted(calls: int, **changes: Any) -> UsageCount:
    return UsageCount(called=replace(CALLED, **changes), calls=calls)


async def test_counts_add_up(store: Store) -> None:
    await store.usage.add([counted(2), counted(1, outcome="throttled")])
    await store.usage.add([counted(3), counted(4, seller_id="")])
    assert await store.usage.list(EVERYTHING) == [
        counted(4, seller_id=""),
        counted(5),
        counted(1, outcome="throttled"),
    ]


async def test_replicas_that_add_at_once_lose_nothing(store: Store) -> None:
    sellers = [counted(1, seller_id=f"S{number}") for number in range(1200)]
    await asyncio.gather(*(store.usage.add(part) for part in (sellers, sellers[::-1]) * 3))
    found = await store.usage.list(EVERYTHING, limit=2000)
    assert len(found) == 1200
    assert {one.calls for one in found} == {6}


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (UsageFilter(seller_id="S2"), [2]),
        (UsageFilter(operation="getOrder"), [1, 2, 8]),
        (UsageFilter(operation="orders.v0.getOrder"), [8]),
        (UsageFilter(operation="rder"), []),
        (UsageFilter(from_day="2027-01-16"), [16]),
        (UsageFilter(to_day="2027-01-15"), [1, 2, 4, 8]),
        (UsageFilter(from_day="2027-01-15", to_day="2027-01-15", seller_id="S1"), [1, 4, 8]),
    ],
)
async def test_counts_are_found(store: Store, wanted: UsageFilter, expected: list[int]) -> None:
    await store.usage.add(
        [
            counted(1),
            counted(2, seller_id="S2"),
            counted(4, operation="reports.2021-06-30.getReport"),
            counted(8, operation="orders.v0.getOrder"),
            counted(16, day="2027-01-16", operation="reports.2021-06-30.getReport"),
        ]
    )
    assert sorted(one.calls for one in await store.usage.list(wanted)) == expected


async def test_pages_hold_everything_once(store: Store) -> None:
    rows = [
        counted(number + 1, seller_id=f"S{number % 3}/%", day=f"2027-01-{15 + number // 3}")
        for number in range(9)
    ]
    await store.usage.add(rows)
    found: list[UsageCount] = []
    after = None
    while page := await store.usage.list(EVERYTHING, after=after, limit=2):
        found += page
        after = cursor(page[-1])
    assert found == sorted(rows, key=lambda one: one.called)


async def test_what_is_no_cursor_is_refused(store: Store) -> None:
    with pytest.raises(InvalidInputError, match="no cursor"):
        await store.usage.list(EVERYTHING, after="S1")


async def test_old_days_are_forgotten_one_by_one(store: Store) -> None:
    await store.usage.add(
        [counted(day, day=f"2027-01-{day}", seller_id=s) for day in (10, 11, 12) for s in "ab"]
    )
    assert await store.usage.forget("2027-01-12")
    assert {one.calls for one in await store.usage.list(EVERYTHING)} == {11, 12}
    assert await store.usage.forget("2027-01-12")
    assert not await store.usage.forget("2027-01-12")
    assert {one.calls for one in await store.usage.list(EVERYTHING)} == {12}
