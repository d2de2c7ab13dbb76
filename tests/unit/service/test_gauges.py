"""What the store counts, brought into the gauges."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gateway.errors import StoreUnavailableError
from gateway.service.gauges import Gauges
from gateway.store.silences import SilenceCount
from gateway.store.views import Counts, WorkCounts
from gateway.telemetry.metrics import Metrics
from tests.support.clock import FakeClock

WORK = WorkCounts(
    ready=1, waiting=0, parked=2, leased=0, held=0, dead=4, oldest_ready_ms=1_799_999_990_000
)


def fake_store(clock: FakeClock, fault: Exception | None = None) -> Any:
    async def counts() -> Counts:
        if fault is not None:
            raise fault
        return Counts(handlings=WORK, deliveries=WORK, quarantined=5)

    async def newest() -> dict[str, int]:
        return {"ORDER_CHANGE": clock.now_ms() - 90_000, "FEE_PROMOTION": clock.now_ms() + 5}

    async def silent() -> dict[str, SilenceCount]:
        return {"ORDER_CHANGE": SilenceCount(whole=2, sellers=7)}

    async def sizes() -> list[Any]:
        return []

    async def size() -> Any:
        return SimpleNamespace(bytes=4_096, free_bytes=0)

    return SimpleNamespace(
        retention=SimpleNamespace(sizes=sizes),
        space=SimpleNamespace(size=size),
        queries=SimpleNamespace(counts=counts),
        silences=SimpleNamespace(newest=newest, counts=silent),
    )


async def test_what_is_counted_is_shown() -> None:
    clock, metrics = FakeClock(), Metrics()
    await Gauges(fake_store(clock), metrics, clock).refresh()
    text = metrics.render().decode()
    for line in (
        "gateway_store_up 1.0",
        "gateway_quarantined 5.0",
        'gateway_pending{kind="handlings"} 3.0',
        'gateway_oldest_due_age_seconds{kind="deliveries"} 10.0',
        'gateway_newest_notification_age_seconds{type="ORDER_CHANGE"} 90.0',
        'gateway_newest_notification_age_seconds{type="FEE_PROMOTION"} 0.0',  # another clock
        'gateway_silent{type="ORDER_CHANGE"} 1.0',
        'gateway_silent_sellers{type="ORDER_CHANGE"} 7.0',
    ):
        assert f"\n{line}\n" in text


async def test_a_store_that_is_away_is_shown_too() -> None:
    clock, metrics = FakeClock(), Metrics()
    store = fake_store(clock, StoreUnavailableError("away"))
    with pytest.raises(StoreUnavailableError):
        await Gauges(store, metrics, clock).refresh()
    assert b"\ngateway_store_up 0.0\n" in metrics.render()
