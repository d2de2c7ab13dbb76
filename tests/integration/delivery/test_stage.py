"""The delivery stage whole: a real store, the real loop, real requests."""

import asyncio
import gzip
import tracemalloc
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

import pytest
import standardwebhooks

from gateway.clock import SystemClock
from gateway.delivery.deliverer import Deliverer, DeliverySettings
from gateway.delivery.signing import encode_secret, new_secret
from gateway.endpoints import Endpoint, EndpointState
from gateway.model import (
    Arrival,
    DeliveryState,
    Envelope,
    HandlingState,
    IdPrefix,
    NewEvent,
    Origin,
    Owed,
    new_id,
)
from gateway.results import HandlingResult
from gateway.sealing import open_sealer
from gateway.service.recorders import DeliveryRecorder
from gateway.store import open_store
from gateway.telemetry.metrics import Metrics
from gateway.worker.loop import Worker
from gateway.worker.stop import Stop, Wake
from tests.support.certificates import Authority
from tests.support.receivers import answer, receiver

CLOCK = SystemClock()


class Doorbell:
    """Rings the stage, whatever the topic."""

    def __init__(self):
        self.wake = Wake()

    def notify(self, topic):
        self.wake.ring()


class Gateway:
    """A store with published events, and the stage that delivers them."""

    def __init__(self, store, doorbell, sender):
        self.store = store
        self._doorbell = doorbell
        self._sender = sender

    async def endpoint(self, name, url, **fields):
        secret = new_secret(CLOCK.now_ms())
        await self.store.endpoints.add(
            Endpoint(id=f"ep_{name}", url=url, event_types=(name,), secrets=(secret,), **fields)
        )
        return encode_secret(secret)

    async def publish(self, name, count):
        """Accept a notification, and settle its handling with events of the type `name`."""
        now_ms = CLOCK.now_ms()
        envelope = Envelope(
            identity=new_id(IdPrefix.NOTIFICATION, now_ms),
            type="X",
            payload_version="1",
            body=b"{}",
        )
        await self.store.inbox.accept(
            [
                Arrival(
                    id=envelope.identity,
                    envelope=envelope,
                    source="queue",
                    origin=Origin.INJECT,
                    received_at_ms=now_ms,
                    owed=[Owed(handler="h")],
                )
            ]
        )
        (claimed,) = (
            await self.store.handlings.claim(room={"h": 1}, limit=1, lease_ms=30_000)
        ).items
        events = [
            NewEvent(
                id=new_id(IdPrefix.EVENT, now_ms),
                type=name,
                occurred_at_ms=now_ms,
                seller_id=None,
                marketplace_id=None,
                body=b'{"number":%d}' % number,
            )
            for number in range(count)
        ]
        await self.store.handlings.settle(
            [
                HandlingResult(
                    id=claimed.id,
                    token=claimed.token,
                    state=HandlingState.HANDLED,
                    tries=0,
                    events=events,
                )
            ]
        )
        return [event.id for event in events]

    async def states(self, name):
        views = await self.store.lists.deliveries(endpoint_id=f"ep_{name}", limit=1000)
        return [view.state for view in views]

    async def until(self, name, condition, *, within_s=15.0):
        async with asyncio.timeout(within_s):
            while not condition(await self.states(name)):
                await asyncio.sleep(0.005)

    async def attempted(self, name, *, within_s=30.0):
        """The attempts of the first delivery of an endpoint that had one."""
        async with asyncio.timeout(within_s):
            while True:
                views = await self.store.lists.deliveries(endpoint_id=f"ep_{name}", limit=1000)
                for view in views:
                    if attempts := (await self.store.queries.delivery(view.id)).attempts:
                        return attempts
                await asyncio.sleep(0.02)

    @asynccontextmanager
    async def running(self, *, drain_s=5.0):
        deliverer = Deliverer(
            self.store.deliveries,
            self.store.endpoints,
            self._sender,
            DeliverySettings(concurrency=32),
            clock=CLOCK,
            recorder=DeliveryRecorder(Metrics()),
        )
        stop = Stop()
        worker = Worker(deliverer, deliverer.pace, wake=self._doorbell.wake, clock=CLOCK)
        task = asyncio.create_task(worker.run(stop))
        try:
            yield
        finally:
            stop.request(drain_s=drain_s)
            await task


@pytest.fixture
async def gateway(tmp_path, open_sender):
    doorbell = Doorbell()
    sealer = open_sealer(tmp_path / "gateway.keys", clock=CLOCK, create=True)
    url = f"sqlite:///{tmp_path / 'gateway.db'}"
    async with (
        await open_store(url, sealer=sealer, clock=CLOCK, signals=doorbell, migrate=True) as store,
        open_sender() as sender,
    ):
        yield Gateway(store, doorbell, sender)


async def never_answers(reader, writer):
    await reader.read()


async def test_each_endpoint_gets_what_its_answers_ask_for(gateway):
    async with (
        receiver(answer(200)) as good,
        receiver(answer(410)) as gone,
        receiver(answer(503, headers={"Retry-After": "600"})) as busy,
        receiver(never_answers) as dead,
        gateway.running(),
    ):
        secret = await gateway.endpoint("good", good.url())
        await gateway.endpoint("gone", gone.url(), concurrency=1)
        await gateway.endpoint("busy", busy.url(), concurrency=1)
        await gateway.endpoint("dead", dead.url(), timeout_s=0.5)
        for name in ("dead", "gone", "busy"):
            await gateway.publish(name, 20)
        ids = await gateway.publish("good", 100)
        await gateway.until("good", lambda states: states == [DeliveryState.DELIVERED] * 100)
        await gateway.until("gone", lambda states: DeliveryState.HELD in states)
        await gateway.until("dead", lambda states: DeliveryState.LEASED in states)

    assert sorted(request.headers["webhook-id"] for request in good.requests) == sorted(ids)
    for request in good.requests:
        standardwebhooks.Webhook(secret).verify(request.body, request.headers)
    assert len(gone.requests) == 1
    assert len(busy.requests) == 1
    disabled = await gateway.store.endpoints.get("ep_gone")
    assert (disabled.state, disabled.disabled_reason) == (EndpointState.DISABLED, "gone")
    for name in ("gone", "busy", "dead"):
        assert DeliveryState.LEASED not in await gateway.states(name)
    while await gateway.store.deliveries.hold_disabled():
        pass
    assert await gateway.states("gone") == [DeliveryState.HELD] * 20


async def test_a_stop_ends_what_is_in_flight_and_nothing_is_sent_twice(gateway):
    async def thinks(reader, writer):
        await asyncio.sleep(0.2)
        writer.write(answer(200))
        await writer.drain()

    async with receiver(thinks) as slow:
        await gateway.endpoint("slow", slow.url(), concurrency=4)
        await gateway.publish("slow", 10)
        async with gateway.running():
            async with asyncio.timeout(10):
                while not slow.requests:
                    await asyncio.sleep(0.005)
        sent = len(slow.requests)
        states = await gateway.states("slow")
        assert 0 < sent < 10
        assert states.count(DeliveryState.DELIVERED) == sent
        assert states.count(DeliveryState.PENDING) == 10 - sent
        async with gateway.running():
            await gateway.until("slow", lambda states: set(states) == {DeliveryState.DELIVERED})
    assert len(slow.requests) == 10
    assert len({request.headers["webhook-id"] for request in slow.requests}) == 10


async def drips(reader, writer):
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X: y\r\n")
        await writer.drain()
        await asyncio.sleep(0.2)


async def sends_without_end(reader, writer):
    writer.write(b"HTTP/1.1 500 No\r\nContent-Length: 10737418240\r\n\r\n")
    while True:
        writer.write(b"x" * 65_536)
        await writer.drain()


async def hangs_up_half(reader, writer):
    writer.write_eof()
    await reader.read()


HOSTILE = {
    "drips": (drips, "timeout"),
    "endless": (sends_without_end, "http_5xx"),
    "bomb": (
        answer(
            500,
            headers={"Content-Encoding": "gzip"},
            body=gzip.compress(b"\0" * 50_000_000, compresslevel=9),
        ),
        "http_5xx",
    ),
    "headers": (
        b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 10_000 + b"Content-Length: 0\r\n\r\n",
        "bad_answer",
    ),
    "half": (hangs_up_half, "disconnected"),
}


async def test_receivers_that_mean_no_good_are_bounded_named_and_alone(gateway, tmp_path):
    async with AsyncExitStack() as stack:
        good = await stack.enter_async_context(receiver(answer(200)))
        now = datetime.fromtimestamp(CLOCK.now_ms() / 1000, UTC)
        other = Authority(tmp_path, now=now).server("another.example")
        tls = await stack.enter_async_context(receiver(answer(200), tls=other))
        await gateway.endpoint("tls", tls.url(scheme="https"), timeout_s=1.0)
        for name, (behaviour, _) in HOSTILE.items():
            got = await stack.enter_async_context(receiver(behaviour))
            await gateway.endpoint(name, got.url(), timeout_s=1.0)
        for name in (*HOSTILE, "tls"):
            await gateway.publish(name, 5)
        await gateway.endpoint("good", good.url())
        ids = await gateway.publish("good", 100)
        tracemalloc.start()
        try:
            async with gateway.running():
                await gateway.until("good", lambda states: set(states) == {DeliveryState.DELIVERED})
                for name in (*HOSTILE, "tls"):
                    await gateway.attempted(name)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert len(good.requests) == len(ids)
    assert peak < 64 * 1024 * 1024
    for name, (_, error_class) in HOSTILE.items():
        (attempt, *_) = await gateway.attempted(name)
        assert attempt.error_class == error_class, name
        assert len(attempt.answer) <= 16 * 1024
        # Bounded by its deadline; how much later it is noted depends on the machine.
        assert attempt.duration_ms < 30_000
    (attempt, *_) = await gateway.attempted("tls")
    assert attempt.error_class in ("tls_certificate", "tls_name")
