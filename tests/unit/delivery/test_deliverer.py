"""The delivery stage on a store and a sender in memory, driven by the real loop."""

import asyncio
import dataclasses
from contextlib import asynccontextmanager

import pytest
import structlog

from gateway.clock import SystemClock
from gateway.delivery.deliverer import Deliverer, DeliverySettings
from gateway.delivery.faults import ErrorClass
from gateway.endpoints import Endpoint, EndpointState
from gateway.errors import DependencyError, SealError, StoreUnavailableError
from gateway.model import DeliveryState
from gateway.worker.loop import Worker
from gateway.worker.stop import Stop, Wake
from tests.support.clock import FakeClock
from tests.unit.delivery.world import MemoryStore, Recorder, ScriptedSender, until


class World:
    def __init__(self, clock, **settings):
        self.clock = clock
        self.store = MemoryStore(clock)
        self.sender = ScriptedSender(clock)
        self.recorder = Recorder()
        self.deliverer = Deliverer(
            self.store,
            self.store,
            self.sender,
            DeliverySettings(**settings),
            clock=clock,
            recorder=self.recorder,
            jitter=lambda: 0.0,
        )

    def endpoint(self, endpoint_id="ep_1", **fields):
        return self.store.put(Endpoint(id=endpoint_id, url="https://example.com/", **fields))

    async def one_round(self, room=1000):
        """Claim once, work on all of it and settle."""
        claims = await self.deliverer.claim(room)
        results = await asyncio.gather(*(self.deliverer.work(item) for item in claims.items))
        results = [result for result in results if result is not None]
        if results:
            await self.deliverer.settle(results)
        return results


@pytest.fixture
def world():
    return World(FakeClock())


@asynccontextmanager
async def running(world):
    """Run the stage's worker; what hangs at the end is cut off and given back."""
    stop, wake = Stop(), Wake()
    worker = Worker(world.deliverer, world.deliverer.pace, wake=wake, clock=world.clock)
    task = asyncio.create_task(worker.run(stop))
    try:
        yield wake
    finally:
        stop.request(drain_s=0)
        await task


# ── one attempt ──────────────────────────────────────────────────────────────────────────────────


async def test_an_attempt_is_recorded_whole(world):
    world.endpoint()
    world.store.owe("ep_1", attempts=2)
    world.sender.answer("ep_1", ErrorClass.HTTP_5XX, duration_ms=40)
    (result,) = await world.one_round()
    assert (result.state, result.endpoint_id) == (DeliveryState.PENDING, "ep_1")
    assert result.due_at_ms == world.clock.now_ms() + 1_800_000
    assert result.attempt.number == 3
    assert result.attempt.id.startswith("att_")
    assert (result.attempt.error_class, result.attempt.charged) == ("http_5xx", True)
    assert type(result.attempt.error_class) is str
    assert world.recorder.attempts == [("http_5xx", "pending", 0.04)]
    assert world.recorder.latencies_s == []


async def test_a_delivered_one_is_counted_with_its_latency(world):
    world.endpoint()
    world.store.owe("ep_1")
    world.clock.advance(2)
    (result,) = await world.one_round()
    assert (result.state, result.attempt.error_class) == (DeliveryState.DELIVERED, None)
    assert world.recorder.attempts == [("delivered", "delivered", 0.005)]
    assert world.recorder.latencies_s == [2.005]


async def test_one_canonical_line_for_each_attempt(world):
    world.endpoint()
    world.store.owe("ep_1")
    world.sender.answer("ep_1", ErrorClass.TIMEOUT)
    with structlog.testing.capture_logs() as lines:
        await world.one_round()
    (line,) = [line for line in lines if line["event"] == "delivery.attempt"]
    assert line["log_level"] == "warning"
    assert {key: line[key] for key in ("endpoint_id", "event_id", "event_type", "number")} == {
        "endpoint_id": "ep_1",
        "event_id": "evt_1",
        "event_type": "order.changed",
        "number": 1,
    }
    assert (line["error_class"], line["duration_ms"]) == ("timeout", 5)
    assert line["next_due"] == "2027-01-15T08:00:05.000Z"


async def test_an_endpoints_own_schedule_is_kept(world):
    world.endpoint(schedule_s=(0, 60))
    world.store.owe("ep_1")
    world.sender.answer("ep_1", ErrorClass.CONNECT)
    (result,) = await world.one_round()
    assert result.due_at_ms == world.clock.now_ms() + 60_000


async def test_a_fault_of_ours_is_not_charged(world):
    world.endpoint()
    world.store.owe("ep_1")
    world.sender.answer("ep_1", ErrorClass.OWN_DNS)
    (result,) = await world.one_round()
    assert result.attempt.charged is False
    assert result.state is DeliveryState.PENDING


# ── what is not sent ─────────────────────────────────────────────────────────────────────────────


async def test_a_lease_that_would_end_too_early_is_given_back(world):
    world.endpoint()
    world.store.owe("ep_1")
    claims = await world.deliverer.claim(10)
    world.clock.advance(45)
    assert await world.deliverer.work(claims.items[0]) is None
    assert world.store.released == ["dlv_1"]
    assert world.sender.sent == []
    assert len(await world.one_round()) == 1


async def test_leases_outlast_the_slowest_endpoint(world):
    world.endpoint(timeout_s=200.0)
    world.store.owe("ep_1")
    (result,) = await world.one_round()
    assert result.state is DeliveryState.DELIVERED
    assert world.store.leases_ms[-1] >= 2 * 200_000


async def test_after_a_throttling_answer_the_rest_is_given_back_unsent(world):
    world.endpoint(concurrency=1)
    world.store.owe("ep_1")
    await world.one_round()  # now it is known as quick, and claimed ahead
    world.store.owe("ep_1", 5)
    world.sender.answer("ep_1", ErrorClass.THROTTLED, retry_after_s=60)
    results = await world.one_round()
    assert len(results) == 1
    assert results[0].pause_endpoint_until_ms == world.clock.now_ms() + 60_000
    assert len(world.store.released) == 4
    assert await world.one_round() == []
    world.clock.advance(61)
    world.sender.answer("ep_1")
    assert len(await world.one_round()) == 4


async def test_after_gone_nothing_more_is_sent(world):
    world.endpoint(concurrency=1)
    world.store.owe("ep_1")
    await world.one_round()
    world.store.owe("ep_1", 5)
    world.sender.answer("ep_1", ErrorClass.GONE)
    (result,) = await world.one_round()
    assert (result.state, result.disable_endpoint) == (DeliveryState.HELD, "gone")
    assert len(world.sender.sent) == 2
    assert await world.one_round() == []
    world.endpoint(concurrency=1, state=EndpointState.ENABLED, updated_at_ms=1)
    world.sender.answer("ep_1")
    world.deliverer.endpoints_changed()
    assert len(await world.one_round()) == 1
    assert len(await world.one_round()) == 3


async def test_a_release_that_fails_is_left_to_the_lease(world):
    world.endpoint()
    world.store.owe("ep_1")
    claims = await world.deliverer.claim(10)
    world.clock.advance(45)
    world.store.release_fault = StoreUnavailableError("away")
    assert await world.deliverer.work(claims.items[0]) is None


# ── endpoints ────────────────────────────────────────────────────────────────────────────────────


async def test_a_new_endpoint_is_served_by_the_first_claim_that_meets_it(world):
    world.endpoint("ep_1")
    await world.one_round()
    world.endpoint("ep_2")
    world.store.owe("ep_2")
    assert len(await world.one_round()) == 1


async def test_endpoints_are_looked_at_once_a_second_and_read_only_when_changed(world):
    world.endpoint()
    for _ in range(10):
        await world.one_round()
    assert (world.store.looks, world.store.reads) == (1, 1)
    world.clock.advance(1.1)
    await world.one_round()
    assert (world.store.looks, world.store.reads) == (2, 1)
    world.endpoint("ep_2")
    world.clock.advance(1.1)
    await world.one_round()
    assert (world.store.looks, world.store.reads) == (3, 2)


async def test_a_changed_endpoint_is_prepared_again_and_the_others_are_not(world):
    first = world.endpoint("ep_1")
    world.endpoint("ep_2")
    world.store.owe("ep_1")
    world.store.owe("ep_2")
    await world.one_round()
    world.store.put(dataclasses.replace(first, url="https://new.example.com/"))
    world.deliverer.endpoints_changed()
    world.store.owe("ep_1")
    world.store.owe("ep_2")
    await world.one_round()
    urls = [(e.id, e.url) for e in world.sender.prepared]
    assert urls[2:] == [("ep_1", "https://new.example.com/")]


async def test_an_endpoint_disabled_after_the_claim_gets_nothing(world):
    endpoint = world.endpoint(concurrency=1)
    world.store.owe("ep_1")
    await world.one_round()
    world.store.owe("ep_1", 3)
    claims = await world.deliverer.claim(10)
    world.store.put(dataclasses.replace(endpoint, state=EndpointState.DISABLED))
    world.deliverer.endpoints_changed()
    assert (await world.deliverer.claim(10)).items == []
    assert [await world.deliverer.work(item) for item in claims.items] == [None] * 3
    assert len(world.sender.sent) == 1


async def test_keys_that_cannot_be_opened_are_a_fault_to_wait_out(world):
    world.endpoint()
    world.store.owe("ep_1")
    whole, broken = world.store.all_with_secrets, True

    async def all_with_secrets():
        if broken:
            raise SealError("key 7 is missing")
        return await whole()

    world.store.all_with_secrets = all_with_secrets
    for _ in range(2):
        with pytest.raises(DependencyError, match="key 7 is missing"):
            await world.deliverer.claim(10)
    broken = False
    assert len(await world.one_round()) == 1


async def test_stale_results_are_logged(world):
    world.endpoint()
    world.store.owe("ep_1")
    world.store.stale.add("dlv_1")
    with structlog.testing.capture_logs() as lines:
        await world.one_round()
    assert [line["delivery_id"] for line in lines if line["event"] == "delivery.stale"] == ["dlv_1"]


# ── isolation ────────────────────────────────────────────────────────────────────────────────────


async def test_endpoints_that_have_not_answered_are_claimed_for_a_share_only():
    world = World(FakeClock(), concurrency=16)
    for number in range(40):
        world.endpoint(f"ep_{number}", concurrency=4)
        world.store.owe(f"ep_{number}", 100)
    claims = await world.deliverer.claim(64)
    assert len(claims.items) == 4
    assert (await world.deliverer.claim(60)).items == []


async def test_endpoints_that_never_answer_or_fail_leave_the_others_alone():
    world = World(SystemClock(), concurrency=32)
    for number in range(20):
        world.endpoint(f"ep_dead_{number}", concurrency=4)
        world.store.owe(f"ep_dead_{number}", 50)
        world.sender.hang(f"ep_dead_{number}")
    world.endpoint("ep_500")
    world.store.owe("ep_500", 200)
    world.sender.answer("ep_500", ErrorClass.HTTP_5XX)
    world.endpoint("ep_good")
    async with running(world) as wake:
        await until(lambda: sum(world.sender.in_flight.values()) >= 16)
        world.store.owe("ep_good", 300)
        wake.ring()
        await until(lambda: len(world.store.of("ep_good")) == 300)
        await until(lambda: len(world.store.of("ep_500")) == 200)
        assert not any(world.store.of(f"ep_dead_{number}") for number in range(20))
    assert all(most <= 4 for most in world.sender.most_in_flight.values())
    assert not world.store.leased


async def test_a_quick_endpoint_that_hangs_all_at_once_gives_back_what_waits():
    world = World(SystemClock(), concurrency=16)
    world.endpoint(concurrency=2)
    world.store.owe("ep_1")
    async with running(world) as wake:
        await until(lambda: world.store.settled)
        let_go = world.sender.hang("ep_1")
        world.store.owe("ep_1", 40)
        wake.ring()
        await until(lambda: len(world.store.leased) == 16)
        await until(lambda: len(world.store.leased) == 2)
        del world.sender.hanging["ep_1"]
        let_go.set()
        await until(lambda: len(world.store.settled) == 41)
    assert world.sender.most_in_flight["ep_1"] == 2
    assert len(world.sender.sent) == 41


async def test_what_is_cut_off_by_a_stop_is_given_back():
    world = World(SystemClock())
    world.endpoint(concurrency=2)
    world.store.owe("ep_1", 5)
    world.sender.hang("ep_1")
    async with running(world):
        await until(lambda: world.sender.in_flight["ep_1"] == 1)
    assert not world.store.leased
    assert len(world.store.pending["ep_1"]) == 5
    assert world.deliverer.in_flight == 0
