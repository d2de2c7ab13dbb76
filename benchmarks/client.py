"""CPU of one call to the SP-API: our client beside others, in one run.

    python -m benchmarks.client [--calls N] [--rounds N] [--print]

Each contender calls getOrder (Orders v0) of the local SP-API from a process of its own, in turns;
medians over the rounds are shown. Whole-process CPU counts; who can keeps 16 calls in flight.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from benchmarks.contenders import CONTENDERS
from benchmarks.document import write_between
from benchmarks.measured import EmulatorProcess

_ORDER = "902-1845936-5435065"


def _measure(name: str, given: dict[str, Any]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.contenders", name, json.dumps(given)],
        capture_output=True,
        text=True,
        check=True,
    )
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def report(emulator: EmulatorProcess, *, calls: int, rounds: int) -> Sequence[str]:
    """Measure, and return the lines of the document."""
    described = emulator.described
    application, seller = described["applications"][0], described["sellers"][0]
    given = {
        "spapi": described["spapi"],
        "lwa": described["lwa"],
        "client_id": application["client_id"],
        "client_secret": application["client_secret"],
        "refresh_token": seller["refresh_token"],
        "seller": seller["id"],
        "region": seller["region"],
        "order": _ORDER,
        "calls": calls,
    }
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in CONTENDERS}
    for _ in range(rounds):
        for name, results in found.items():
            results.append(_measure(name, given))
    base_us = statistics.median(one["cpu_us"] for one in found["aiohttp, bare"])
    conditions = (
        f"Measured with `make bench` on {time.strftime('%Y-%m-%d')}: {os.cpu_count()} cores, "
        f"{platform.system()} {platform.machine()}, CPython {platform.python_version()}, loopback, "
        f"{calls} calls of getOrder (Orders v0) a measurement, medians of {rounds}. The local "
        "SP-API is a process of its own and its CPU is not counted. The gateway's client is opened "
        "as the service opens it: usage plans in SQLite, metrics, account of calls. asyncio "
        "clients run on uvloop with 16 calls in flight, the others call one by one."
    )
    lines = [
        conditions,
        "",
        "| client | CPU µs a call | ratio to bare aiohttp | calls/s |",
        "| --- | --- | --- | --- |",
    ]
    for name, results in found.items():
        cpu_us = statistics.median(one["cpu_us"] for one in results)
        rate = statistics.median(one["rate"] for one in results)
        lines.append(
            f"| {name} {results[0]['release']} | {cpu_us:.0f} | {cpu_us / base_us:.2f} "
            f"| {rate:.0f} |"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2_000, help="calls of one measurement")
    parser.add_argument("--rounds", type=int, default=3, help="measurements; medians are shown")
    parser.add_argument("--print", action="store_true", help="leave the document alone")
    arguments = parser.parse_args()
    with EmulatorProcess() as emulator:
        lines = report(emulator, calls=arguments.calls, rounds=arguments.rounds)
    print("\n".join(lines))
    if not arguments.print:
        write_between("client", lines)


if __name__ == "__main__":
    main()
