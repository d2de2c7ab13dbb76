"""A process that delivers, and kills itself at a chosen moment: the victim of `test_kills.py`.

Run: python -m tests.support.delivering URL KEYS MOMENT COUNT. It says `ready`, delivers what is
owed, and dies by SIGKILL once COUNT deliveries have come to MOMENT: `claimed` (leased, not yet
sent), `answered` (the answer is there, nothing is recorded), `recording` (within the settling
transaction, or as it commits). With `never` it says `done` when nothing is left, and ends.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from gateway.clock import SystemClock
from gateway.delivery.deliverer import Deliverer, DeliverySettings
from gateway.delivery.egress import EgressPolicy
from gateway.delivery.resolver import SystemResolver
from gateway.delivery.sender import Sender
from gateway.sealing import open_sealer
from gateway.store import open_store
from gateway.worker.loop import Worker
from gateway.worker.stop import Stop, Wake

CLOCK = SystemClock()
CONCURRENCY = 2
IN_HAND_MOST = 8
"""What the worker has in hand at once with that concurrency, from claim to settled."""


def die() -> None:
    """End at once, with nothing flushed, closed or given back."""
    os.kill(os.getpid(), signal.SIGKILL)


class Fatal:
    """The store's deliveries, deadly at one moment."""

    def __init__(self, deliveries: Any, moment: str, count: int) -> None:
        self._deliveries = deliveries
        self._moment = moment
        self._left = count

    def _reached(self, moment: str, count: int) -> bool:
        if moment == self._moment:
            self._left -= count
        return moment == self._moment and self._left <= 0

    async def claim(self, **wanted: Any) -> Any:
        claims = await self._deliveries.claim(**wanted)
        if self._reached("claimed", len(claims.items)):
            die()
        return claims

    async def settle(self, results: Any, *, rules: Any) -> Any:
        if self._reached("answered", len(results)):
            die()
        if self._reached("recording", len(results)):
            threading.Timer(random.uniform(0.0, 0.004), die).start()
            await self._deliveries.settle(results, rules=rules)
            await asyncio.Event().wait()
        return await self._deliveries.settle(results, rules=rules)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._deliveries, name)


class Doorbell:
    """Rings the stage, whatever the topic."""

    def __init__(self) -> None:
        self.wake = Wake()

    def notify(self, topic: str) -> None:
        self.wake.ring()


class Uncounted:
    """Counts nothing."""

    def attempted(self, outcome: str, state: str, duration_s: float) -> None: ...

    def delivered_after(self, latency_s: float) -> None: ...

    def committed(self, settled: Any) -> None: ...


async def deliver(url: str, keys: Path, moment: str, count: int) -> None:
    doorbell = Doorbell()
    policy = EgressPolicy(
        allow_http=True, allow_private_cidrs=["127.0.0.0/8"], allowed_ports=["1-65535"]
    )
    async with (
        await open_store(
            url, sealer=open_sealer(keys, clock=CLOCK, create=False), clock=CLOCK, signals=doorbell
        ) as store,
        Sender(policy, SystemResolver(CLOCK), CLOCK, timeout_s=5.0) as sender,
    ):
        # As a process does that knows itself to be the only one.
        await store.deliveries.release_all()
        deliverer = Deliverer(
            Fatal(store.deliveries, moment, count),
            store.endpoints,
            sender,
            DeliverySettings(concurrency=CONCURRENCY),
            clock=CLOCK,
            recorder=Uncounted(),
        )
        stop = Stop()
        assert deliverer.pace.capacity == IN_HAND_MOST
        worker = Worker(deliverer, deliverer.pace, wake=doorbell.wake, clock=CLOCK)
        task = asyncio.create_task(worker.run(stop))
        print("ready", flush=True)
        while True:
            if task.done():
                await task  # a defect must not look like patience
            counts = (await store.queries.counts()).deliveries
            if moment == "never" and not (counts.pending + counts.leased):
                break
            await asyncio.sleep(0.02)
        stop.request(drain_s=5.0)
        await task
        print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(deliver(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
