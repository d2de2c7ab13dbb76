from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pytest
from pydantic import BaseModel

from gateway.dispatch.registry import Registry
from gateway.envelope import read_envelope
from gateway.errors import InvalidInputError, StoreUnavailableError
from gateway.jobs.requests import JobRequest, arrival_of, checked
from gateway.jobs.scheduler import Scheduler
from gateway.jobs.slots import Schedule
from gateway.model import Arrival, Origin, Verdict
from gateway.routing import Router
from tests.support.clock import FakeClock

MINUTE_S = 60
START_MS = 1_800_000_000_000  # a whole minute


class Options(BaseModel, extra="forbid"):
    days: int = 1


router = Router()


@router.job(Options)
async def export(notification: Any, ctx: Any) -> None: ...


REGISTRY = Registry(router.handlers)


class Store:
    """The inbox and the schedules of a store, shared by replicas; may be away."""

    def __init__(self) -> None:
        self.requests: dict[str, Arrival] = {}
        self.slots: dict[tuple[str, str], int] = {}
        self.sellers = ["A1", "A2"]
        self.fails_at = 0
        self.steps = 0

    def step(self) -> None:
        self.steps += 1
        if self.steps == self.fails_at:
            raise StoreUnavailableError("away")

    async def accept(self, batch: Sequence[Arrival]) -> Sequence[Verdict]:
        self.step()
        new = [one for one in batch if one.envelope.identity not in self.requests]
        self.requests |= {one.envelope.identity: one for one in batch}
        return [Verdict.ACCEPTED if one in new else Verdict.DUPLICATE for one in batch]

    async def last(self, schedule: str) -> Mapping[str, int]:
        return {seller: slot for (name, seller), slot in self.slots.items() if name == schedule}

    async def put(self, schedule: str, slots: Mapping[str, int]) -> None:
        self.step()
        for seller, slot in slots.items():
            key = (schedule, seller)
            self.slots[key] = max(slot, self.slots.get(key, 0))

    async def active_sellers(self) -> Sequence[str]:
        return self.sellers

    @property
    def asked(self) -> list[str]:
        return [one.envelope.seller_id or "" for one in self.requests.values()]


def scheduler(store: Store, clock: FakeClock, **settings: Any) -> Scheduler:
    schedule = Schedule(name="s", job="export", options={"days": 2}, **settings)
    return Scheduler([schedule], store, store, REGISTRY.owed_job, clock)


async def test_each_slot_is_requested_once_for_each_seller() -> None:
    store, clock = Store(), FakeClock(START_MS)
    one, other = (scheduler(store, clock, every_s=MINUTE_S) for _ in range(2))
    for _ in range(5 * MINUTE_S):
        await one.tick()
        await other.tick()
        clock.advance(1)
    assert sorted(store.asked) == ["A1"] * 4 + ["A2"] * 4


async def test_a_missed_slot_is_made_up_for_once() -> None:
    store, clock = Store(), FakeClock(START_MS)
    await scheduler(store, clock, every_s=MINUTE_S).tick()
    clock.advance(90 * MINUTE_S)
    restarted = scheduler(store, clock, every_s=MINUTE_S)
    for _ in range(3):
        await restarted.tick()
    assert sorted(store.asked) == ["A1", "A2"]
    assert {one.envelope.event_time_ms for one in store.requests.values()} == {clock.at_ms}


@pytest.mark.parametrize("fails_at", range(1, 8))
async def test_a_fault_at_any_step_neither_loses_nor_repeats(fails_at: int) -> None:
    store, clock = Store(), FakeClock(START_MS)
    store.fails_at = fails_at
    running = scheduler(store, clock, every_s=MINUTE_S)
    for _ in range(3 * MINUTE_S):
        try:
            await running.tick()
        except StoreUnavailableError:  # the process is killed here
            running = scheduler(store, clock, every_s=MINUTE_S)
        clock.advance(1)
    assert sorted(store.asked) == ["A1"] * 2 + ["A2"] * 2


async def test_a_new_seller_starts_with_the_next_slot() -> None:
    store, clock = Store(), FakeClock(START_MS)
    running = scheduler(store, clock, every_s=MINUTE_S)
    await running.tick()
    clock.advance(90)
    store.sellers.append("A3")
    await running.tick()
    assert "A3" not in store.asked
    clock.advance(MINUTE_S)
    await running.tick()
    assert store.asked.count("A3") == 1


async def test_jitter_spreads_sellers_after_the_slot() -> None:
    store, clock = Store(), FakeClock(START_MS)
    store.sellers = [f"A{number}" for number in range(40)]
    running = scheduler(store, clock, every_s=10 * MINUTE_S, jitter_s=5 * MINUTE_S)
    await running.tick()
    clock.advance(10 * MINUTE_S - (clock.at_ms / 1000) % (10 * MINUTE_S))
    counts = []
    for _ in range(6):
        await running.tick()
        counts.append(len(store.requests))
        clock.advance(MINUTE_S)
    assert counts[0] < 20
    assert counts == sorted(counts)
    assert counts[-1] == 40


async def test_only_named_sellers() -> None:
    store, clock = Store(), FakeClock(START_MS)
    running = scheduler(store, clock, every_s=MINUTE_S, seller_ids=("A2",))
    await running.tick()
    clock.advance(MINUTE_S)
    await running.tick()
    assert store.asked == ["A2"]


def test_a_request_reads_like_any_notification() -> None:
    request = JobRequest(
        job="export",
        seller_id="A1",
        origin=Origin.REQUEST,
        due_at_ms=START_MS,
        marketplace_id="A2Q3Y263D00KWC",
        options={"days": 2},
    )
    arrival = arrival_of(request, REGISTRY.owed_job, START_MS)
    assert [one.handler for one in arrival.owed] == ["export"]
    envelope = read_envelope(arrival.envelope.body)
    assert envelope == arrival.envelope
    assert orjson.loads(envelope.body)["Payload"]["options"] == {"days": 2}


def test_a_message_from_a_queue_starts_no_job() -> None:
    request = JobRequest(job="export", seller_id="A1", origin=Origin.REQUEST, due_at_ms=START_MS)
    envelope = arrival_of(request, REGISTRY.owed_job, START_MS).envelope
    assert list(REGISTRY.owed(envelope)) == []


@pytest.mark.parametrize(
    ("given", "fault"), [({"day": 1}, "day: Extra"), ({"days": "x"}, "days: Input")]
)
def test_options_that_dont_fit_are_refused_by_name(given: Mapping[str, Any], fault: str) -> None:
    with pytest.raises(InvalidInputError, match=rf"job export: {fault}.*its options are days"):
        checked(REGISTRY.job("export"), given)


def test_options_are_kept_as_they_were_given() -> None:
    assert checked(REGISTRY.job("export"), {"days": "3"}) == {"days": 3}
    assert checked(REGISTRY.job("export"), {}) == {}
