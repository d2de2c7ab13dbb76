"""Processes of a measurement: the emulator that is spoken to, and those whose CPU is read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """User and system CPU seconds that a process and its waited-for children have used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def tree_cpu_s(pid: int) -> float:
    """CPU seconds of a process and of all that descend from it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return cpu_s(pid) + sum(tree_cpu_s(int(child)) for child in children)


def resident_bytes(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


class EmulatorProcess:
    """The world, in a process of its own."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.emulator"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.described: dict[str, Any] = self._read()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, **command: Any) -> dict[str, Any]:
        self.tell(**command)
        return self._read()

    def tell(self, **command: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


class MeasuredProcess:
    """A process whose CPU is read between two moments."""

    def __init__(self, arguments: Sequence[str], *, env: dict[str, str] | None = None) -> None:
        self._log = Path(os.devnull).open("wb")  # noqa: SIM115 closed in stop
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            stdout=self._log,
            stderr=subprocess.PIPE if os.environ.get("BENCH_DEBUG") else self._log,
            env={**os.environ, **(env or {})},
        )
        self._base_s = 0.0

    @property
    def pid(self) -> int:
        return self.process.pid

    def settle_down(self, seconds: float) -> None:
        """Let the start's CPU pass, then count from here."""
        time.sleep(seconds)
        self.mark()

    def mark(self) -> None:
        self._base_s = cpu_s(self.pid)

    def used_s(self) -> float:
        return cpu_s(self.pid) - self._base_s

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self._log.close()
