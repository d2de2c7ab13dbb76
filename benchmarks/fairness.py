"""What one endpoint that is far behind does to the others: their delays with it and without it.

Run: python -m benchmarks.fairness [--backlog N] [--seconds N] [--rounds N] [--print]. Fifty healthy
endpoints get events at a steady rate; one more endpoint, which takes 100 ms for each answer, is
nothing or 300,000 overdue deliveries behind. The delay of an event is from its publication to its
arrival at the receiver, a process of its own. Rounds without and with the backlog take turns; the
table in docs/performance.md shows the medians over them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, cast

import structlog
import uvloop

from benchmarks.document import write_between
from gateway.clock import SystemClock
from gateway.delivery.deliverer import Deliverer, DeliverySettings
from gateway.delivery.egress import EgressPolicy
from gateway.delivery.resolver import SystemResolver
from gateway.delivery.sender import Sender
from gateway.delivery.signing import new_secret
from gateway.endpoints import Endpoint
from gateway.model import IdPrefix, NewEvent, new_id
from gateway.service.recorders import DeliveryRecorder
from gateway.service.signals import DELIVERIES, ENDPOINTS, Signals
from gateway.store import Store, open_store
from gateway.store.statements import One, Plan
from gateway.telemetry.metrics import Metrics
from gateway.worker.loop import Worker
from gateway.worker.stop import Stop
from tests.support.postgres import running_postgres

HEALTHY = 50
RATE = 100.0
SLOW_S = 0.1
CLOCK = SystemClock()

_OWED_SQLITE = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
INSERT INTO deliveries (id, event_id, endpoint_id, state, readiness, due_at_ms, created_at_ms)
SELECT 'dlv_' || printf('%032d', i), $2, $3, 'pending', 2, $4, $4 FROM n
"""
_OWED_POSTGRES = """
INSERT INTO deliveries (id, event_id, endpoint_id, state, readiness, due_at_ms, created_at_ms)
SELECT 'dlv_' || lpad(i::text, 32, '0'), $2, $3, 'pending', 2, $4, $4
FROM generate_series(1, $1::bigint) AS i
"""


# ── the receiver ─────────────────────────────────────────────────────────────────────────────────


class _Receiver(asyncio.Protocol):
    """Answers posts, at once or slowly, and notes how long events of healthy endpoints took."""

    delays_ms: list[int] = []  # noqa: RUF012 one receiver a process

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._waiting = b""

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        head, found, rest = self._waiting.partition(b"\r\n\r\n")
        if not found:
            return
        length = next(
            (
                int(line.partition(b":")[2])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length:")
            ),
            0,
        )
        if len(rest) < length:
            return
        self._waiting = rest[length:]
        self._answer(head.split(b" ", 2)[1], rest[:length])

    def _answer(self, path: bytes, body: bytes) -> None:
        if path == b"/delays":
            told = json.dumps(self.delays_ms).encode()
            self.delays_ms.clear()
            self._write(told)
        elif path == b"/slow":
            asyncio.get_running_loop().call_later(SLOW_S, self._write, b"")
        else:
            self.delays_ms.append(CLOCK.now_ms() - int(json.loads(body)["at"]))
            self._write(b"")

    def _write(self, body: bytes) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
        self._transport.write(head.encode() + body)


async def _receive() -> None:
    server = await asyncio.get_running_loop().create_server(_Receiver, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def _receiver() -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.fairness", "--receiver"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


# ── one round ────────────────────────────────────────────────────────────────────────────────────


class _NoSealer:
    def seal(self, plain: bytes, *, context: str) -> bytes:  # noqa: ARG002
        return plain

    def open(self, sealed: bytes, *, context: str) -> bytes:  # noqa: ARG002
        return sealed

    def needs_reseal(self, sealed: bytes) -> bool:  # noqa: ARG002
        return False


def _event(kind: str) -> NewEvent:
    now_ms = CLOCK.now_ms()
    body = json.dumps({"type": kind, "at": now_ms, "data": "x" * 1_000}).encode()
    return NewEvent(
        id=new_id(IdPrefix.EVENT, now_ms),
        type=kind,
        occurred_at_ms=now_ms,
        seller_id=None,
        marketplace_id=None,
        body=body,
    )


async def _owe(store: Store, endpoint_id: str, backlog: int) -> None:
    event = _event("nobody")
    await store.outbox.publish(event)

    def plan() -> Plan[None]:
        statement = One(_OWED_SQLITE, _OWED_POSTGRES)
        yield statement(backlog, event.id, endpoint_id, CLOCK.now_ms())

    await store._driver.write(plan)  # noqa: SLF001 no method makes so many at once


@asynccontextmanager
async def _delivering(store: Store, signals: Signals) -> AsyncIterator[None]:
    policy = EgressPolicy(
        allow_http=True, allow_private_cidrs=["127.0.0.0/8"], allowed_ports=["1-65535"]
    )
    async with Sender(policy, SystemResolver(CLOCK), CLOCK) as sender:
        deliverer = Deliverer(
            store.deliveries,
            store.endpoints,
            sender,
            DeliverySettings(),
            clock=CLOCK,
            recorder=DeliveryRecorder(Metrics()),
        )
        stop = Stop()
        wake = signals.doorbell(DELIVERIES, ENDPOINTS)
        worker = Worker(deliverer, deliverer.pace, wake=wake, clock=CLOCK)
        task = asyncio.create_task(worker.run(stop))
        try:
            yield
        finally:
            stop.request(drain_s=5.0)
            await task


async def _round(url: str, receiver: str, *, backlog: int, seconds: float) -> list[int]:
    signals = Signals()
    store = await open_store(url, sealer=_NoSealer(), clock=CLOCK, signals=signals, migrate=True)
    async with store:
        for name in [*(f"h{n}" for n in range(HEALTHY)), "slow"]:
            await store.endpoints.add(
                Endpoint(
                    id=f"ep_{name}",
                    url=f"{receiver}/{name}",
                    event_types=(name,),
                    secrets=(new_secret(0),),
                )
            )
        if backlog:
            await _owe(store, "ep_slow", backlog)
        async with _delivering(store, signals):
            # The first seconds are for connections and for getting to know the endpoints.
            await _publish(store, seconds=2.0)
            await asyncio.sleep(1.0)
            await asyncio.to_thread(_delays, receiver)
            await _publish(store, seconds=seconds)
            await asyncio.sleep(1.0)
            delays_ms: list[int] = await asyncio.to_thread(_delays, receiver)
        return delays_ms


async def _publish(store: Store, *, seconds: float) -> None:
    start_s = time.monotonic()
    tasks: set[asyncio.Task[Any]] = set()
    for number in range(round(seconds * RATE)):
        await asyncio.sleep(max(0.0, start_s + number / RATE - time.monotonic()))
        task = asyncio.create_task(store.outbox.publish(_event(f"h{number % HEALTHY}")))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)


def _delays(receiver: str) -> list[int]:
    with urllib.request.urlopen(f"{receiver}/delays") as answer:
        delays: list[int] = json.load(answer)
        return delays


# ── the table ────────────────────────────────────────────────────────────────────────────────────


def _p(delays_ms: Sequence[int], share: float) -> float:
    return float(sorted(delays_ms)[round(share * (len(delays_ms) - 1))])


async def _measure(kind: str, arguments: argparse.Namespace, receiver: str) -> list[str]:
    figures: dict[int, list[tuple[float, float]]] = {0: [], arguments.backlog: []}
    for _ in range(arguments.rounds):
        for backlog, rounds in figures.items():
            async with _database(kind) as url:
                delays_ms = await _round(url, receiver, backlog=backlog, seconds=arguments.seconds)
            assert len(delays_ms) == round(arguments.seconds * RATE), len(delays_ms)
            rounds.append((_p(delays_ms, 0.5), _p(delays_ms, 0.99)))
    p99 = {backlog: statistics.median(p[1] for p in rounds) for backlog, rounds in figures.items()}
    return [
        f"| {kind} | {backlog:,} | {statistics.median(p[0] for p in rounds):.0f} "
        f"| {p99[backlog]:.0f} | {p99[backlog] / max(1.0, p99[0]):.2f} |"
        for backlog, rounds in figures.items()
    ]


@asynccontextmanager
async def _database(kind: str) -> AsyncIterator[str]:
    if kind == "SQLite":
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{Path(folder) / 'bench.db'}"
    else:
        with running_postgres(durable=True) as server:
            yield await server.create_database()


async def _table(arguments: argparse.Namespace) -> list[str]:
    lines = [
        f"| database | overdue at one endpoint | p50 ms of the {HEALTHY} others | p99 ms | ratio |",
        "| --- | --- | --- | --- | --- |",
    ]
    with _receiver() as receiver:
        for kind in ("SQLite", "PostgreSQL"):
            lines += await _measure(kind, arguments, receiver)
    return lines


def main() -> None:
    """Measure, print, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backlog", type=int, default=300_000)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--print", action="store_true", dest="print_only")
    parser.add_argument("--receiver", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.receiver:
        uvloop.run(_receive())
        return
    quiet = structlog.make_filtering_bound_logger(logging.ERROR)
    structlog.configure(wrapper_class=quiet)
    lines = uvloop.run(_table(arguments))
    print("\n".join(lines))
    if not arguments.print_only:
        write_between("fairness", lines)


if __name__ == "__main__":
    main()
