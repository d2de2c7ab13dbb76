"""`make bench`: every figure of docs/performance.md, measured in one run and written there.

    python -m benchmarks [--events N] [--rounds N] [--print]

Each round measures the naive loop and the gateway in turn; the medians over the rounds are shown.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence

from benchmarks.chain import Chain, Figures
from benchmarks.document import write_between
from benchmarks.measured import EmulatorProcess, MeasuredProcess
from tests.support.postgres import PostgresServer, running_postgres

_IDLE_EVENTS, _IDLE_RATE = 100, 10.0
_SHARES = ((0.5, "half of"), (0.25, "a quarter of"))


def _median(rounds: Sequence[Figures], get: Callable[[Figures], float]) -> float:
    return statistics.median(get(one) for one in rounds)


class Report:
    """Collects the lines of the document."""

    def __init__(self, chain: Chain, *, events: int, rounds: int) -> None:
        self._chain = chain
        self._events = events
        self._rounds = rounds
        self.lines: list[str] = []

    def say(self, line: str = "") -> None:
        print(line, flush=True)
        self.lines.append(line)

    def cpu_table(self, server: PostgresServer) -> None:
        self.say(
            "| chain | CPU µs an event | ratio to naive | events/s | database's CPU µs | RSS MB |"
        )
        self.say("| --- | --- | --- | --- | --- | --- |")
        for kind, suffix in (("plain", ""), ("order", ", one getOrder an event")):
            naive = [self._naive(kind) for _ in range(self._rounds)]
            floor_us = _median(naive, lambda one: one.cpu_us)
            self._row(f"naive loop{suffix}", naive, floor_us)
            sqlite = [self._gateway(kind) for _ in range(self._rounds)]
            self._row(f"gateway, SQLite{suffix}", sqlite, floor_us)
            postgres = [self._gateway(kind, server) for _ in range(self._rounds)]
            self._row(f"gateway, PostgreSQL{suffix}", postgres, floor_us)
            if kind == "plain":
                two = [self._gateway(kind, server, 2) for _ in range(self._rounds)]
                self._row("gateway, PostgreSQL, two processes summed", two, floor_us)
                self._rate = _median(sqlite, lambda one: one.rate)

    def latency_table(self, server: PostgresServer) -> None:
        self.say("| latency, send to first byte of the webhook | p50 ms | p99 ms |")
        self.say("| --- | --- | --- |")
        for name, one in (("SQLite", None), ("PostgreSQL", server)):
            for share, words in _SHARES:
                rate = self._rate * share
                with self._chain.gateway(server=one):
                    p50, p99 = self._chain.delays(
                        events=round(rate * 5) // 10 * 10, rate=rate, kind="plain"
                    )
                self.say(
                    f"| {name}, {rate:.0f} events/s ({words} SQLite's full load) "
                    f"| {p50:.1f} | {p99:.1f} |"
                )
            with self._chain.gateway(server=one):
                p50, p99 = self._chain.delays(events=_IDLE_EVENTS, rate=_IDLE_RATE, kind="plain")
            self.say(f"| {name}, idle (a burst of ten each second) | {p50:.1f} | {p99:.1f} |")

    def start_table(self) -> None:
        self.say("| start | seconds |")
        self.say("| --- | --- |")
        self.say(f"| `gateway --help` | {_help_s():.2f} |")

    def _naive(self, kind: str) -> Figures:
        with self._chain.naive(follow_up=kind == "order") as processes:
            return self._chain.full_load(processes, events=self._events, kind=kind)

    def _gateway(
        self, kind: str, server: PostgresServer | None = None, processes: int = 1
    ) -> Figures:
        with self._chain.gateway(server=server, processes=processes) as running:
            return self._chain.full_load(running, events=self._events, kind=kind, server=server)

    def _row(self, name: str, rounds: Sequence[Figures], floor_us: float) -> None:
        cpu_us = _median(rounds, lambda one: one.cpu_us)
        rate = _median(rounds, lambda one: one.rate)
        server_us = _median(rounds, lambda one: one.server_us)
        resident = _median(rounds, lambda one: one.resident_mb)
        self.say(
            f"| {name} | {cpu_us:.0f} | {cpu_us / floor_us:.2f} | {rate:.0f} | "
            f"{f'{server_us:.0f}' if server_us else '-'} | {resident:.0f} |"
        )


def _help_s() -> float:
    taken = []
    for _ in range(5):
        started_s = time.monotonic()
        process = MeasuredProcess(["-m", "gateway", "--help"])
        process.process.wait()
        taken.append(time.monotonic() - started_s)
        process.stop()
    return statistics.median(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=6_000, help="events of one measurement")
    parser.add_argument("--rounds", type=int, default=3, help="measurements; medians are shown")
    parser.add_argument("--print", action="store_true", help="leave the document alone")
    arguments = parser.parse_args()
    with EmulatorProcess() as emulator, running_postgres(durable=True) as server:
        report = Report(Chain(emulator), events=arguments.events, rounds=arguments.rounds)
        report.say(
            f"Measured with `make bench` on {time.strftime('%Y-%m-%d')}: {os.cpu_count()} cores, "
            f"{platform.system()} {platform.machine()}, CPython {platform.python_version()}, "
            f"loopback, {arguments.events} events of about 1.3 KB a measurement, medians of "
            f"{arguments.rounds}. The emulator (SQS, SP-API and receiver in one process) and "
            "PostgreSQL share the cores; CPU counts the measured process alone. SQLite commits "
            "with `synchronous=FULL`, PostgreSQL with its defaults."
        )
        report.say()
        report.cpu_table(server)
        report.say()
        report.latency_table(server)
        report.say()
        report.start_table()
    if not arguments.print:
        write_between("bench", report.lines)


if __name__ == "__main__":
    main()
