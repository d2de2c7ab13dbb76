"""CPU that the store takes for one event on its whole way, in batches of 50, on both databases.

One event is: a notification and its handling stored, the handling claimed and settled with an event
and a delivery, the delivery claimed and settled with its attempt. Run it as
`python -m benchmarks.store [sqlite|postgres]…`.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvloop

from gateway.clock import SystemClock
from gateway.endpoints import Endpoint
from gateway.model import (
    Arrival,
    Attempt,
    AttemptResult,
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
from gateway.store import Store, open_store
from tests.support.postgres import PostgresServer, running_postgres

BATCH = 50
WARM_UP = 20
ROUNDS = 200
SELLERS = 12
BODY = b'{"payload":"' + b"x" * 2_000 + b'"}'


class _NoSealer:
    def seal(self, plain: bytes, *, context: str) -> bytes:  # noqa: ARG002
        return plain

    def open(self, sealed: bytes, *, context: str) -> bytes:  # noqa: ARG002
        return sealed


class _NoSignals:
    def notify(self, topic: str) -> None:
        pass


class _Stages:
    """Runs events through the store and sums the CPU of each stage."""

    def __init__(self, store: Store, *, keyed: bool) -> None:
        self.store = store
        self.keyed = keyed
        self.clock = SystemClock()
        self.cpu_s: dict[str, float] = {}
        self.number = 0

    async def round(self) -> None:
        arrivals = [self._arrival() for _ in range(BATCH)]
        mark = time.process_time()
        await self.store.inbox.accept(arrivals)
        mark = self._lap("accept", mark)
        handlings = (
            await self.store.handlings.claim(room={"h": BATCH}, limit=BATCH, lease_ms=60_000)
        ).items
        self._lap("claim handlings", mark)
        assert len(handlings) == BATCH
        results = [
            HandlingResult(
                id=h.id,
                token=h.token,
                state=HandlingState.HANDLED,
                tries=0,
                events=(self._event(h.notification.seller_id),),
            )
            for h in handlings
        ]
        mark = time.process_time()
        await self.store.handlings.settle(results)
        mark = self._lap("settle handlings", mark)
        deliveries = (
            await self.store.deliveries.claim(room=lambda _: BATCH, limit=BATCH, lease_ms=60_000)
        ).items
        self._lap("claim deliveries", mark)
        assert len(deliveries) == BATCH
        attempts = [self._attempt(d.id, d.token, d.endpoint_id) for d in deliveries]
        mark = time.process_time()
        await self.store.deliveries.settle(attempts)
        self._lap("settle deliveries", mark)

    def _lap(self, name: str, mark: float) -> float:
        now = time.process_time()
        self.cpu_s[name] = self.cpu_s.get(name, 0.0) + now - mark
        return now

    def _arrival(self) -> Arrival:
        self.number += 1
        now_ms = self.clock.now_ms()
        key = f"order-{self.number}" if self.keyed else None
        return Arrival(
            id=new_id(IdPrefix.NOTIFICATION, now_ms),
            envelope=Envelope(
                identity=new_id(IdPrefix.NOTIFICATION, now_ms),
                type="ORDER_CHANGE",
                payload_version="1.0",
                body=BODY,
                event_time_ms=now_ms,
                seller_id=f"A{self.number % SELLERS}",
            ),
            source="q",
            origin=Origin.SQS,
            received_at_ms=now_ms,
            owed=(Owed(handler="h", key=key, coalesce=self.keyed),),
        )

    def _event(self, seller_id: str | None) -> NewEvent:
        now_ms = self.clock.now_ms()
        return NewEvent(
            id=new_id(IdPrefix.EVENT, now_ms),
            type="order.changed",
            occurred_at_ms=now_ms,
            seller_id=seller_id,
            marketplace_id=None,
            body=BODY,
        )

    def _attempt(self, delivery_id: str, token: int, endpoint_id: str) -> AttemptResult:
        now_ms = self.clock.now_ms()
        return AttemptResult(
            id=delivery_id,
            token=token,
            endpoint_id=endpoint_id,
            state=DeliveryState.DELIVERED,
            attempt=Attempt(
                id=new_id(IdPrefix.ATTEMPT, now_ms),
                number=1,
                started_at_ms=now_ms,
                duration_ms=3,
                status=200,
                error_class=None,
                error=None,
                answer=b"ok",
                address="127.0.0.1:80",
            ),
        )


async def _measure(url: str, server: PostgresServer | None, *, keyed: bool) -> None:
    clock = SystemClock()
    async with await open_store(
        url, sealer=_NoSealer(), clock=clock, signals=_NoSignals(), migrate=True
    ) as store:
        await store.endpoints.add(
            Endpoint(id=new_id(IdPrefix.ENDPOINT, clock.now_ms()), url="http://127.0.0.1/")
        )
        stages = _Stages(store, keyed=keyed)
        for _ in range(WARM_UP):
            await stages.round()
        stages.cpu_s.clear()
        started = time.perf_counter()
        server_before = server.cpu_s() if server else 0.0
        for _ in range(ROUNDS):
            await stages.round()
        wall = time.perf_counter() - started
        server_cpu = server.cpu_s() - server_before if server else 0.0
    events = ROUNDS * BATCH
    kind = "keyed" if keyed else "unkeyed"
    print(f"\n{url.partition(':')[0]}, {kind}: {events / wall:,.0f} events/s one after another")
    for name, spent in stages.cpu_s.items():
        print(f"  {name:<18}{spent / events * 1e6:>8.1f} µs")
    print(f"  {'all':<18}{sum(stages.cpu_s.values()) / events * 1e6:>8.1f} µs an event")
    if server:
        print(f"  {'in the server':<18}{server_cpu / events * 1e6:>8.1f} µs an event")


@asynccontextmanager
async def _database(kind: str) -> AsyncIterator[tuple[str, PostgresServer | None]]:
    if kind == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{Path(folder) / 'bench.db'}", None
    else:
        with running_postgres(durable=True) as server:
            yield await server.create_database(), server


async def _main(kinds: list[str]) -> None:
    for kind in kinds:
        for keyed in (False, True):
            async with _database(kind) as (url, server):
                await _measure(url, server, keyed=keyed)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_main(sys.argv[1:] or ["sqlite", "postgres"]))
