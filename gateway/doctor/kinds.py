"""Everything that the doctor can find: one row each of `kinds.tsv`, which the docs are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from gateway.findings import Finding, Level
from gateway.telemetry.redaction import redact_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of finding.

    Attributes:
        meaning: What is the matter, whatever it is about.
        why: What comes of it.
        mend: What mends it; `{…}` stands for what the finding fills in.
        blocks: Whether checks that need the one which found it can't be run.
    """

    id: str
    level: Level
    meaning: str
    why: str
    mend: str
    blocks: bool = False


def _load() -> Mapping[str, Kind]:
    lines = (files(__package__) / "kinds.tsv").read_text("utf-8").splitlines()[1:]
    kinds = {}
    for kind_id, level, blocks, meaning, why, mend in (line.split("\t") for line in lines):
        kinds[kind_id] = Kind(
            id=kind_id,
            level=Level(level),
            meaning=meaning,
            why=why,
            mend=mend,
            blocks=bool(blocks),
        )
    return MappingProxyType(kinds)


KINDS: Final = _load()
"""Every kind of finding that is no good one, by its id."""

BLOCKING: Final = frozenset(kind.id for kind in KINDS.values() if kind.blocks)


def found(kind_id: str, subject: str, what: str, **fills: str) -> Finding:
    """Return a finding of a kind; `fills` are what its mend names."""
    kind = KINDS[kind_id]
    return Finding(
        id=kind.id,
        level=kind.level,
        subject=subject,
        what=redact_text(what),
        why=kind.why,
        mend=kind.mend.format_map(fills),
    )


def well(check: str, subject: str, what: str) -> Finding:
    """Return a good finding of a check."""
    return Finding(id=f"{check}.ok", level=Level.OK, subject=subject, what=what)


def skipped(check: str, blocker: Finding) -> Finding:
    """Return that a check was not run for something that another one found."""
    passed_on = blocker.level is Level.SKIPPED
    return Finding(
        id=f"{check}.skipped",
        level=Level.SKIPPED,
        subject=f"check {check}",
        what=blocker.what if passed_on else f"was not run, for {blocker.id} is in its way",
        why="nobody knows how it stands",
        mend=blocker.mend,
    )
