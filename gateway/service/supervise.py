"""Running the parts of a process together, and ending together.

When one part crashes, the others drain as on an ordinary stop, and the process ends non-zero: a
task group would cancel deliveries in flight instead.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

import structlog

from gateway.worker.stop import Stop

_log = structlog.get_logger("gateway.service")

# How long parts may overrun the deadline while they give back what they hold.
_OVERRUN_S = 2.0
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Part(Protocol):
    """Something that runs until it is told to stop."""

    async def run(self, stop: Stop) -> None:
        """Return soon after `stop` is requested, by its deadline."""
        ...


async def run_together(parts: Mapping[str, Part], stop: Stop, *, drain_s: float) -> bool:
    """Run parts until `stop` is requested or one of them ends; return whether none crashed."""
    tasks = {asyncio.create_task(part.run(stop), name=name): name for name, part in parts.items()}
    asked = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait([asked, *tasks], return_when=asyncio.FIRST_COMPLETED)
        stop.request(drain_s=drain_s)
        await asyncio.wait(tasks, timeout=stop.left_s() + _OVERRUN_S)
        return not _crashes(tasks)
    finally:
        for task in (asked, *tasks):
            task.cancel()
        await asyncio.gather(asked, *tasks, return_exceptions=True)


def _crashes(tasks: Mapping[asyncio.Task[None], str]) -> Sequence[str]:
    crashed = []
    for task, name in tasks.items():
        if task.done() and not task.cancelled() and (error := task.exception()) is not None:
            crashed.append(name)
            _log.error("part.crashed", part=name, exc_info=error)
    return crashed


@contextmanager
def stop_on_signals(stop: Stop, *, drain_s: float) -> Iterator[None]:
    """While inside: the first SIGTERM or SIGINT requests `stop`, the second ends the process."""
    loop = asyncio.get_running_loop()

    def received(number: signal.Signals) -> None:
        if stop.requested:
            os._exit(128 + number)
        _log.info("service.stopping", signal=number.name, drain_s=drain_s)
        stop.request(drain_s=drain_s)

    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, received, number)
    try:
        yield
    finally:
        for number in _STOP_SIGNALS:
            loop.remove_signal_handler(number)
