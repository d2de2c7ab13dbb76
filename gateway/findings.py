"""What was looked at, and how it stands: what `gateway doctor` and `gateway aws check` tell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad a finding is.

    Attributes:
        SKIPPED: It could not be looked at, so nobody knows.
    """

    OK = "ok"
    SKIPPED = "skipped"
    WARNING = "warning"
    FAULT = "fault"


_ORDER = tuple(Level)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at. It never holds a secret.

    Attributes:
        id: Stable name of what was found, such as `queue.missing`; scripts may rely on it.
        subject: What it is about: a queue, a seller, a setting.
        what: How it stands.
        why: What comes of it; empty where all is well.
        mend: What to do, a command where there is one; empty where all is well.
    """

    id: str
    level: Level
    subject: str
    what: str
    why: str = ""
    mend: str = ""


def worst(findings: Iterable[Finding]) -> Level:
    """Return the worst level among findings; ok where there are none."""
    return max((one.level for one in findings), key=_ORDER.index, default=Level.OK)
