"""Chores that are due again and again: reaping leases, refreshing gauges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.errors import DependencyError
from gateway.worker.health import Health
from gateway.worker.stop import Wake

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.clock import Clock
    from gateway.worker.stop import Stop


class Periodic:
    """Calls something again and again, with its faults logged once per change."""

    def __init__(
        self, name: str, action: Callable[[], Awaitable[object]], *, every_s: float, clock: Clock
    ) -> None:
        self.health = Health(name, clock)
        self._name = name
        self._action = action
        self._every_s = every_s

    async def run(self, stop: Stop) -> None:
        """Call the action every `every_s` seconds until `stop` is requested."""
        wake = Wake()
        stop.ring_on_stop(wake)
        while not stop.requested:
            try:
                await self._action()
                self.health.worked()
            except DependencyError as exc:
                self.health.failed(str(exc))
            await wake.wait(self._every_s)
