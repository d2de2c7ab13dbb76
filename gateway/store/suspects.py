"""Rows whose owners died with them, again and again: which may be claimed, and when.

A process that dies takes all that it has in hand with it, though one row at most was the cause. So
a row that has lost two owners becomes a suspect: it is passed over by claims until it is let go,
one suspect at a time in each process, and only by a process that has lived for a while. What is
innocent ends then; what kills its process does so alone, and reaches the limit of claims alone.
"""

from __future__ import annotations

from typing import Final

from gateway.store.claims_sql import LeaseSql
from gateway.store.statements import Plan

# Processes that are killed sooner prove nothing about what they had in hand.
_PROBATION_MS: Final = 3_000
# The one that was let go may wait for its endpoint or for a place; the next one goes after this.
_PATIENCE_MS: Final = 15_000


class Suspects:
    """The suspects of one table, as one process lets them go.

    Attributes:
        seen: Whether there were any when somebody looked last.
    """

    def __init__(self, leases: LeaseSql, *, now_ms: int) -> None:
        self._leases = leases
        self._from_ms = now_ms + _PROBATION_MS
        self._last = ""
        self._last_ms = now_ms
        self.seen = False

    def look(self) -> Plan[bool]:
        """Return whether there are any."""
        return bool((yield self._leases.suspected()))

    def let_go(self, now_ms: int) -> Plan[str | None]:
        """Make one ready to be claimed where its turn has come; return its id, for `note`."""
        if not self.seen or now_ms < self._from_ms:
            return None
        patient = now_ms - self._last_ms < _PATIENCE_MS
        rows = yield self._leases.let_go(self._last if patient else "")
        return rows[0][0] if rows else None

    def note(self, let_go: str | None, now_ms: int) -> None:
        """Remember, once it is committed, who was let go."""
        if let_go is not None:
            self._last, self._last_ms = let_go, now_ms
