"""Check `settings`: would Amazon take what is declared? Judged before anything is called."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING, Final

from gateway.doctor.kinds import found, well
from gateway.errors import Fault
from gateway.findings import Finding

if TYPE_CHECKING:
    from gateway.doctor.check import Before

_KINDS: Final = {
    "fifo": "queue.fifo",
    "workflow": "subscription.wrong_workflow",
    "filter": "subscription.filter_missing",
}


SETTINGS: Final = "settings"


class SettingsCheck:
    """See the module."""

    name: str = SETTINGS
    needs: Sequence[str] = ()

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._faults = faults

    async def look(self, before: Before) -> AsyncGenerator[Finding]:  # noqa: ARG002 see `Check`
        """See `Check`."""
        for fault in self._faults:
            yield of_fault(fault)
        if not self._faults:
            yield well(self.name, "settings", "can be used, and declare what Amazon takes")


def of_fault(fault: Fault) -> Finding:
    """Return what a fault of the settings is as a finding."""
    kind = _KINDS.get(fault.kind, "settings.refused")
    return found(kind, fault.where, fault.what, mend=fault.mend)
