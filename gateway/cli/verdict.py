"""How a command ends that judges: 0 all is well, 10 warnings, 11 faults."""

from __future__ import annotations

from enum import IntEnum

from gateway.findings import Level


class Verdict(IntEnum):
    """Exit codes of `doctor` and `aws check`."""

    OK = 0
    WARNINGS = 10
    FAULTS = 11


def verdict(level: Level) -> Verdict:
    """Return how a command ends; what could not be looked at is worth a warning."""
    if level is Level.FAULT:
        return Verdict.FAULTS
    return Verdict.OK if level is Level.OK else Verdict.WARNINGS
