"""Whether a part of the process works; a fault is logged once per change, not once per try."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from gateway.clock import Clock

_log = structlog.get_logger("gateway.worker")


@dataclass(slots=True)
class Health:
    """Whether something works, and since when it doesn't.

    Attributes:
        fault: What is wrong, or None.
        since_ms: When the present state began.
    """

    name: str
    clock: Clock
    fault: str | None = None
    since_ms: int = 0

    def failed(self, fault: str) -> None:
        """Note a fault; logged once per change of its text."""
        if fault != self.fault:
            self.fault = fault
            self.since_ms = self.clock.now_ms()
            _log.warning("stage.fault", stage=self.name, fault=fault)

    def worked(self) -> None:
        """Note that it works (again)."""
        if self.fault is not None:
            _log.info("stage.recovered", stage=self.name, fault=self.fault)
            self.fault = None
            self.since_ms = self.clock.now_ms()
