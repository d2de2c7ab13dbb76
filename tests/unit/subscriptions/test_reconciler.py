"""When a replica goes through the sellers, and what operators are told of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from gateway.errors import ConflictError
from gateway.gateway_events import GATEWAY_EVENTS
from gateway.model import Seller
from gateway.operational import OperationalEvent
from gateway.store.subscription_runs import Run
from gateway.store.subscriptions import UnitState
from gateway.subscriptions.declaration import Unit
from gateway.subscriptions.desired import Declared
from gateway.subscriptions.drift import drift_event
from gateway.subscriptions.plan import Action, ActionKind
from gateway.subscriptions.reconciler import Reconciler, Rhythm
from gateway.subscriptions.reconciling import Mode, Report, Scope
from gateway.subscriptions.unit import Done, Outcome, Task
from gateway.worker.stop import Stop
from tests.support.clock import FakeClock
from tests.support.events import assert_as_declared

HOUR_S = 3_600
STATE = UnitState(digest="d", settled_at_ms=1, gap_since_ms=None, fault=None)
TASK = Task(
    unit=Unit(application_id="main", region="eu", seller_id="A1", type="ORDER_CHANGE"),
    wanted=(),
    digest="d",
    managed=(),
    state=STATE,
    destination_ids={},
)
CREATED = Done(action=Action(kind=ActionKind.CREATE, reason="there is none"))


@dataclass
class World:
    """Everything round a reconciler: sellers, the last run, and who would do it."""

    clock: FakeClock = field(default_factory=FakeClock)
    unsettled_now: set[str] = field(default_factory=set)
    tags: str = "[]"
    run_before: Run | None = None
    runs: list[tuple[Mode, Scope]] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    fault: Exception | None = None
    told: list[OperationalEvent] = field(default_factory=list)

    async def unsettled(self) -> Mapping[str, str]:
        return dict.fromkeys(self.unsettled_now, self.tags)

    async def all(self) -> Sequence[Seller]:
        return []

    async def last(self) -> Run | None:
        return self.run_before

    async def run(self, *_: Any, mode: Mode, scope: Scope, **__: Any) -> Report:
        self.runs.append((mode, scope))
        if self.fault is not None:
            raise self.fault
        if scope.whole:
            self.ended()
        return Report(total=1, through=True, outcomes=list(self.outcomes))

    async def announce(self, events: Sequence[OperationalEvent]) -> int:
        self.told.extend(events)
        return 0

    def ended(self, *, lease_ms: int = 0, ended: bool = True) -> None:
        now_ms = self.clock.now_ms()
        self.run_before = Run(
            owner="one",
            lease_until_ms=now_ms + lease_ms if lease_ms else 0,
            digest="d",
            started_at_ms=now_ms,
            ended_at_ms=now_ms if ended else None,
        )

    def reconciler(self, **rhythm: Any) -> Reconciler:
        settled = Rhythm(**{"every_s": HOUR_S, "jitter": lambda: 0.5, **rhythm})
        world: Any = self
        return Reconciler(world, Declared(), self, self, self.announce, settled, clock=self.clock)


@pytest.fixture
def world() -> World:
    return World()


async def test_the_first_tick_goes_through_all_and_the_next_after_the_interval(
    world: World,
) -> None:
    reconciler = world.reconciler()
    assert await reconciler.tick() is not None
    world.clock.advance(HOUR_S * 1.04)
    assert await reconciler.tick() is None  # the interval is longer by half of a tenth
    world.clock.advance(HOUR_S * 0.02)
    assert await reconciler.tick() is not None
    assert world.runs == [(Mode.APPLY, Scope()), (Mode.APPLY, Scope())]


async def test_replicas_share_one_interval_and_never_go_at_once(world: World) -> None:
    one, two = world.reconciler(), world.reconciler()
    await one.tick()
    assert await two.tick() is None
    world.ended(lease_ms=60_000, ended=False)
    assert await two.tick() is None
    assert len(world.runs) == 1
    world.ended(ended=False)  # it was cut off
    assert await two.tick() is not None
    world.fault = ConflictError("somebody was quicker")
    world.ended(ended=False)
    assert await one.tick() is None


async def test_everything_is_looked_at_at_once_where_somebody_asks(world: World) -> None:
    reconciler = world.reconciler()
    await reconciler.tick()
    assert world.run_before is not None
    world.run_before = replace(world.run_before, asked_at_ms=world.clock.now_ms())
    assert await reconciler.tick() is not None
    assert await reconciler.tick() is None
    assert world.runs == [(Mode.APPLY, Scope())] * 2


async def test_a_seller_who_is_new_or_resumed_is_looked_at_at_once(world: World) -> None:
    reconciler = world.reconciler()
    await reconciler.tick()
    world.unsettled_now = {"A9"}
    await reconciler.tick()
    assert world.runs[-1] == (Mode.APPLY, Scope(seller_ids=frozenset({"A9"})))
    await reconciler.tick()
    assert len(world.runs) == 2  # refused as before: the interval will do
    world.unsettled_now = set()  # paused
    await reconciler.tick()
    world.unsettled_now = {"A9"}  # resumed
    await reconciler.tick()
    assert len(world.runs) == 3
    world.tags = '["gold"]'  # which may be wanted elsewhere
    await reconciler.tick()
    await reconciler.tick()
    assert len(world.runs) == 4


async def test_drift_is_told_in_one_event(world: World) -> None:
    world.outcomes = [
        Outcome(task=TASK, done=[CREATED], drifted=True),
        Outcome(task=TASK, done=[CREATED]),
        Outcome(task=TASK, fault="403"),
    ]
    await world.reconciler().tick()
    (event,) = world.told
    body = json.loads(event.body(1_772_359_200_000))
    assert_as_declared(body, GATEWAY_EVENTS)
    assert body["type"] == "subscriptions.drifted"
    assert (body["data"]["created"], body["data"]["refused"]) == (1, 1)
    assert body["data"]["mended"] is True
    assert [one["reason"] for one in body["data"]["examples"]] == ["create: there is none", "403"]


async def test_nothing_is_told_of_what_is_as_declared_or_was_told_before(world: World) -> None:
    known = replace(TASK, state=replace(STATE, fault="403"))
    world.outcomes = [Outcome(task=TASK, done=[CREATED]), Outcome(task=known, fault="403")]
    await world.reconciler().tick()
    assert world.told == []
    assert drift_event([Outcome(task=known, fault="404")], mended=False) is not None


async def test_where_nothing_may_be_changed_it_is_only_told(world: World) -> None:
    world.outcomes = [Outcome(task=TASK, done=[CREATED], fault="differs")]
    await world.reconciler(apply=False).tick()
    assert world.runs == [(Mode.TELL, Scope())]
    assert world.told[0].data["mended"] is False


async def test_as_a_part_it_ends_with_the_stop(world: World) -> None:
    stop = Stop()
    stop.request(drain_s=1.0)
    await world.reconciler().run(stop)
    assert world.runs == []
