"""Who listens: one look at what is due, the doctor before the alarm, and never in its way."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway.errors import StoreUnavailableError
from gateway.store.silences import HeardSeller, SilenceChange, WatchKey, WatchPace, WatchState
from gateway.subscriptions import watching
from gateway.subscriptions.watching import Listener
from gateway.worker.stop import Stop
from tests.support.clock import FakeClock
from tests.unit.subscriptions.test_silence import HOUR_MS, LONG_AGO_MS, WATCH, seller

FOUND: Mapping[str, Any] = {"fault": None, "looked_at": 3, "findings": []}


@dataclass
class World:
    """A store that has two sellers, and a doctor."""

    clock: FakeClock = field(default_factory=FakeClock)
    sellers: list[HeardSeller] = field(default_factory=list)
    due: bool = True
    state: WatchState = field(default_factory=lambda: WatchState(since_ms=LONG_AGO_MS))
    settled: list[SilenceChange] = field(default_factory=list)
    asked: int = 0
    fault: Exception | None = None

    async def begin(self, watches: Mapping[WatchKey, WatchPace]) -> Mapping[WatchKey, WatchState]:
        if self.fault is not None:
            raise self.fault
        return dict.fromkeys(watches, self.state) if self.due else {}

    async def heard(self, notification_type: str) -> tuple[Sequence[HeardSeller], int | None]:
        assert notification_type == "PRICING_HEALTH"
        return self.sellers, None

    async def settle(self, changes: Sequence[SilenceChange]) -> Sequence[SilenceChange]:
        self.settled.extend(changes)
        return changes

    async def examine(self) -> Mapping[str, Any]:
        self.asked += 1
        return FOUND

    def listener(self, **more: Any) -> Listener:
        more = {"examine": self.examine, **more}
        return Listener([WATCH], self, clock=self.clock, slack_ms=0, **more)


@pytest.fixture
def world() -> World:
    return World()


def doctor_of(change: SilenceChange) -> Any:
    assert change.event is not None
    return change.event.data["doctor"]


async def test_the_doctor_is_asked_when_something_falls_silent_and_only_then(world: World) -> None:
    world.sellers = [seller("A1", 0.1)]
    assert list(await world.listener().tick()) == []
    world.sellers = [seller("A1", 2)]
    (told,) = await world.listener().tick()
    assert (doctor_of(told), world.asked) == (FOUND, 1)
    world.state = WatchState(since_ms=LONG_AGO_MS, silent_since_ms=world.clock.at_ms - 3 * HOUR_MS)
    (told,) = await world.listener().tick()
    assert (told.silent, world.asked) == (False, 1)


async def test_what_another_replica_looks_at_is_left_to_it(world: World) -> None:
    world.sellers = [seller("A1", 2)]
    world.due = False
    assert list(await world.listener().tick()) == []
    assert world.asked == 0


async def test_a_doctor_that_is_ill_is_no_reason_to_be_silent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ill() -> Mapping[str, Any]:
        raise OSError("no network")

    async def slow() -> Mapping[str, Any]:
        await asyncio.Event().wait()
        return FOUND

    world.sellers = [seller("A1", 2)]
    (told,) = await world.listener(examine=ill).tick()
    assert doctor_of(told) == {"fault": "OSError: no network", "looked_at": 0, "findings": []}
    monkeypatch.setattr(watching, "_EXAMINATION_S", 0.0)
    (told,) = await world.listener(examine=slow).tick()
    assert doctor_of(told)["fault"] == "it did not end within 0 s"
    (told,) = await world.listener(examine=None).tick()
    assert doctor_of(told) is None


async def test_a_store_that_is_away_ails_the_part_and_does_not_end_it(world: World) -> None:
    world.fault = StoreUnavailableError("away")
    listener = world.listener()
    with pytest.raises(StoreUnavailableError):
        await listener.tick()
    stop = Stop()
    stop.request(drain_s=1.0)
    await world.listener().run(stop)
    assert world.settled == []
