from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from structlog.testing import capture_logs

from gateway.errors import StoreUnavailableError
from gateway.worker.health import Health
from gateway.worker.periodic import Periodic
from gateway.worker.stop import Stop
from tests.support.clock import FakeClock
from tests.unit.worker.shelf import until


def periodic(action: Callable[[], Awaitable[object]], every_s: float = 0.001) -> Periodic:
    return Periodic("chore", action, every_s=every_s, clock=FakeClock())


async def test_runs_again_and_again_until_stopped() -> None:
    calls = 0
    stop = Stop()

    async def action() -> None:
        nonlocal calls
        calls += 1

    task = asyncio.create_task(periodic(action).run(stop))
    await until(lambda: calls >= 3)
    stop.request(drain_s=1.0)
    await task
    ended = calls
    await asyncio.sleep(0.01)

    assert calls == ended


async def test_stop_ends_the_pause() -> None:
    stop, ran = Stop(), asyncio.Event()

    async def action() -> None:
        ran.set()

    task = asyncio.create_task(periodic(action, every_s=3600.0).run(stop))
    await ran.wait()
    stop.request(drain_s=1.0)
    async with asyncio.timeout(5):
        await task


async def test_fault_is_logged_once_and_shown_until_it_works_again() -> None:
    stop = Stop()
    faults = 0

    async def action() -> None:
        nonlocal faults
        if faults < 5:
            faults += 1
            raise StoreUnavailableError("away")

    chore = periodic(action)
    with capture_logs() as logs:
        task = asyncio.create_task(chore.run(stop))
        await until(lambda: chore.health.fault == "away")
        await until(lambda: faults == 5 and chore.health.fault is None)
        stop.request(drain_s=1.0)
        await task

    assert [entry["event"] for entry in logs] == ["stage.fault", "stage.recovered"]


async def test_defect_is_raised() -> None:
    async def action() -> None:
        raise ValueError("defect")

    with pytest.raises(ValueError, match="defect"):
        await periodic(action).run(Stop())


def test_health_notes_changes_and_since_when() -> None:
    clock = FakeClock(1_000_000)
    health = Health("part", clock)

    with capture_logs() as logs:
        health.worked()
        health.failed("away")
        clock.advance(5)
        health.failed("away")
        assert health.since_ms == 1_000_000
        health.failed("full")
        assert (health.fault, health.since_ms) == ("full", 1_005_000)
        clock.advance(5)
        health.worked()
        health.worked()

    assert (health.fault, health.since_ms) == (None, 1_010_000)
    assert [(entry["event"], entry["fault"]) for entry in logs] == [
        ("stage.fault", "away"),
        ("stage.fault", "full"),
        ("stage.recovered", "full"),
    ]
