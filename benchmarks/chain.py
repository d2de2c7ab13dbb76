"""The whole durable path against the naive loop: CPU per event, throughput, latency.

Both are driven by the same emulator in the same run, and only their own process's CPU counts. The
queue is filled while they run; the clock of CPU starts when they are ready and idle.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measured import EmulatorProcess, MeasuredProcess, resident_bytes
from tests.support.postgres import PostgresServer
from tests.support.processes import GatewayFolder

_READY_S = 20.0
_TIMEOUT_S = 120.0


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one run of one chain came to.

    Attributes:
        cpu_us: CPU microseconds an event, in the measured processes together.
        server_us: The same in the database's server.
        rate: Events a second.
    """

    cpu_us: float
    rate: float
    server_us: float = 0.0
    resident_mb: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0


class Chain:
    """Measures chains against one emulator."""

    def __init__(self, emulator: EmulatorProcess) -> None:
        self._emulator = emulator
        self._runs = 0

    def queue(self) -> str:
        """Return a fresh queue: a killed process's long polls may still swallow the old one's."""
        self._runs += 1
        url: str = self._emulator.ask(do="queue", name=f"bench-{self._runs}")["queue_url"]
        return url

    @contextmanager
    def naive(self, *, follow_up: bool) -> Iterator[list[MeasuredProcess]]:
        described = self._emulator.described
        arguments = ["-m", "benchmarks.naive", "--endpoint", described["sqs"]]
        arguments += ["--queue-url", self.queue(), "--sink", described["sink"]]
        if follow_up:
            arguments += ["--spapi", described["spapi"], "--token", _token(described)]
        process = MeasuredProcess(arguments)
        try:
            process.settle_down(1.5)
            yield [process]
        finally:
            process.stop()

    @contextmanager
    def gateway(
        self,
        *,
        server: PostgresServer | None = None,
        processes: int = 1,
        prepare: Callable[[GatewayFolder], None] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Iterator[list[MeasuredProcess]]:
        """Run gateways on a new SQLite file, or on a new database of `server`, once prepared."""
        database = nullcontext(None) if server is None else server.database()
        with tempfile.TemporaryDirectory() as name, database as store_url:
            folder = _folder(Path(name), self._emulator.described, self.queue(), store_url)
            if store_url is not None:
                folder.cli("db", "upgrade")
            sink = self._emulator.described["sink"]
            folder.cli("endpoints", "add", sink, "--concurrency", "32")
            if prepare is not None:
                prepare(folder)
            running = [
                MeasuredProcess(
                    ["-m", "gateway", "--config", str(folder.config), "run"],
                    env={**folder.environ(), **(environ or {}), "SPGW_ADMIN__PORT": "0"},
                )
                for _ in range(processes)
            ]
            try:
                for process in running:
                    process.settle_down(2.5)
                yield running
            finally:
                for process in running:
                    process.stop()

    def full_load(
        self,
        processes: list[MeasuredProcess],
        *,
        events: int,
        kind: str,
        server: PostgresServer | None = None,
    ) -> Figures:
        """Send everything at once and wait until it has arrived."""
        self._warm_up(kind)
        for process in processes:
            process.mark()
        server_s = server.cpu_s() if server is not None else 0.0
        started_s = time.monotonic()
        self._emulator.ask(do="send", count=events, first=1000, rate=None, type=kind)
        answer = self._emulator.ask(do="wait", count=events + 1000, timeout_s=_TIMEOUT_S)
        took_s = time.monotonic() - started_s
        _check(answer, events + 1000)
        time.sleep(0.3)
        return Figures(
            cpu_us=sum(process.used_s() for process in processes) / events * 1e6,
            server_us=(server.cpu_s() - server_s) / events * 1e6 if server is not None else 0.0,
            rate=events / took_s,
            resident_mb=max(resident_bytes(process.pid) for process in processes) / 1e6,
        )

    def delays(self, *, events: int, rate: float, kind: str) -> tuple[float, float]:
        """Send at a rate; return p50 and p99 of sending to the webhook's first byte, in ms."""
        self._warm_up(kind)
        before = self._emulator.ask(do="wait", count=0, timeout_s=0)
        self._emulator.ask(do="send", count=events, first=1000, rate=rate, type=kind)
        answer = self._emulator.ask(do="wait", count=events + 1000, timeout_s=_TIMEOUT_S)
        _check(answer, events + 1000)
        delays = answer["delays_ms"][len(before["delays_ms"]) :]
        return statistics.median(delays), statistics.quantiles(delays, n=100)[98]

    def _warm_up(self, kind: str) -> None:
        self._emulator.ask(do="send", count=1000, first=0, rate=None, type=kind)
        _check(self._emulator.ask(do="wait", count=1000, timeout_s=_TIMEOUT_S), 1000)


def _check(answer: dict[str, Any], wanted: int) -> None:
    if answer["done"] != wanted or answer["repeats"]:
        raise SystemExit(f"only {answer['done']} of {wanted} arrived, {answer['repeats']} twice")


def _folder(
    path: Path, described: dict[str, Any], queue_url: str, store_url: str | None
) -> GatewayFolder:
    folder = GatewayFolder(
        folder=path,
        store_url=store_url or f"sqlite:///{path / 'gateway.db'}",
        queue_urls=[queue_url],
        queue_endpoint=described["sqs"],
        spapi={
            "endpoint": described["spapi"],
            "lwa_endpoint": described["lwa"],
            "usage_plans": {"getOrder": {"rate": 100_000.0, "burst": 1_000_000}},
        },
        applications=[
            {"id": "main", **{k: v for k, v in one.items() if k != "id"}}
            for one in described["applications"][:1]
        ],
        sellers=[{**one, "application": "main"} for one in described["sellers"]],
        delivery={"timeout_s": 15.0, "lease_s": 60.0},
        dispatch={"timeout_s": 60.0, "lease_s": 120.0},
        queue={"wait_s": 20, "visibility_s": 120, "concurrency": 4},
        extra_env={
            "SPGW_LOGGING__FORMAT": "json",
            "PATH": os.environ["PATH"],
        },
    )
    folder.write()
    return folder


def _token(described: dict[str, Any]) -> str:
    application, seller = described["applications"][0], described["sellers"][0]
    form = {
        "grant_type": "refresh_token",
        "refresh_token": seller["refresh_token"],
        "client_id": application["client_id"],
        "client_secret": application["client_secret"],
    }
    body = urllib.parse.urlencode(form).encode()
    with urllib.request.urlopen(described["lwa"], data=body) as answer:
        token: str = json.load(answer)["access_token"]
        return token
