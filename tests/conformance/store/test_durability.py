"""Which commits wait for the disk, as the databases themselves tell it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateway.store.driver import Driver
from gateway.store.postgres import PostgresDriver
from gateway.store.sqlite import SqliteDriver
from gateway.store.statements import One, Plan
from tests.conformance.store.conftest import RecordedSignals

HOW = One(
    postgres="SELECT current_setting('synchronous_commit')",
    sqlite="SELECT CASE synchronous WHEN 2 THEN 'on' ELSE 'off' END FROM pragma_synchronous",
)


@pytest.fixture
async def driver(url: str, signals: RecordedSignals) -> AsyncIterator[Driver]:
    opened: Driver
    if url.startswith("sqlite"):
        opened = await SqliteDriver.open(Path(url.removeprefix("sqlite:///")), signals)
    else:
        # One connection, so that each plan meets what the one before left behind. The tests'
        # server is set not to wait, for speed.
        opened = await PostgresDriver.open(f"{url}?synchronous_commit=on", signals, pool_size=1)
    yield opened
    await opened.close()


def _how(seen: list[str]) -> Callable[[], Plan[None]]:
    def plan() -> Plan[None]:
        ((setting,),) = yield HOW()
        seen.append(setting)

    return plan


@pytest.mark.parametrize("brief", [False, True])
async def test_what_needs_no_disk_leaves_no_trace_in_what_does(driver: Driver, brief: bool) -> None:
    seen: list[str] = []
    for durable in (True, False, True, False, False, True):
        await driver.write(_how(seen), brief=brief, durable=durable)
    assert seen == ["on", "off", "on", "off", "off", "on"]


async def test_one_that_fails_leaves_no_trace(driver: Driver) -> None:
    def fails() -> Plan[None]:
        yield HOW()
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await driver.write(fails, durable=False)
    seen: list[str] = []
    await driver.write(_how(seen))
    assert seen == ["on"]


@pytest.mark.parametrize("brief", [False, True])
async def test_one_that_needs_the_disk_has_it_in_any_company(driver: Driver, brief: bool) -> None:
    durable: list[str] = []
    others: list[str] = []
    await asyncio.gather(
        driver.write(_how(others), brief=brief, durable=False),
        driver.write(_how(durable), brief=brief),
        driver.write(_how(others), brief=brief, durable=False),
    )
    assert durable == ["on"]
    assert len(others) == 2
