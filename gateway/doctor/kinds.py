"""Everything that the doctor can find: one row each, from which the documentation is made too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.findings import Finding, Level

_F, _W = Level.FAULT, Level.WARNING


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


_ROWS: Final = (
    Kind(
        id="check.timed_out",
        level=_W,
        meaning="A check was cut off; what it found before stands.",
        why="nobody knows how the rest stands",
        mend="gateway doctor --only {check} --time-limit 120",
        blocks=True,
    ),
    Kind(
        id="check.failed",
        level=_W,
        meaning="A check met something that it does not know.",
        why="nobody knows how it stands",
        mend="see what it says; then gateway doctor --only {check}",
        blocks=True,
    ),
    # ── store ────────────────────────────────────────────────────────────────────────────────────
    Kind(
        id="store.unreachable",
        level=_F,
        meaning="The database can't be reached or used.",
        why="nothing is received, handled or delivered without it",
        mend="check store.url, and that the database runs and lets this user in",
        blocks=True,
    ),
    Kind(
        id="store.unmigrated",
        level=_F,
        meaning="The database is empty, or its schema is an older release's.",
        why="the gateway does not start on it, or upgrades it when it starts (SQLite)",
        mend="gateway db upgrade",
        blocks=True,
    ),
    Kind(
        id="store.newer",
        level=_F,
        meaning="The database was made by a newer release.",
        why="this release does not touch what it does not know",
        mend="run that release of the gateway, or a later one",
        blocks=True,
    ),
    Kind(
        id="store.keys_missing",
        level=_F,
        meaning="The key ring is missing, damaged or open to others.",
        why="no refresh token, client secret or signing secret can be opened",
        mend="put {file} back from its backup (mode 0600); for a new database: "
        "gateway db create-keys",
        blocks=True,
    ),
    Kind(
        id="store.keys_strange",
        level=_F,
        meaning="A value in the database was sealed with a key that the ring lacks.",
        why="that secret can't be opened, so calls that need it fail",
        mend="put the ring that belongs to this database back at {file}",
        blocks=True,
    ),
    # ── space ────────────────────────────────────────────────────────────────────────────────────
    Kind(
        id="space.full",
        level=_F,
        meaning="A disk is full, or as good as full.",
        why="nothing can be stored, so no message is taken from the queue",
        mend="free space on the disk of {folder}, or make it larger",
    ),
    Kind(
        id="space.low",
        level=_W,
        meaning="A disk will soon be full.",
        why="once it is full, no message is taken from the queue",
        mend="free space on the disk of {folder}, or make it larger",
    ),
    Kind(
        id="space.unwritable",
        level=_F,
        meaning="A folder can't be written to, or is not there.",
        why="nothing can be stored in it",
        mend="make {folder} and give it to the user that the gateway runs as",
    ),
)

KINDS: Final[Mapping[str, Kind]] = {kind.id: kind for kind in _ROWS}
"""Every kind of finding that is no good one, by its id."""

BLOCKING: Final = frozenset(kind.id for kind in _ROWS if kind.blocks)


def found(kind_id: str, subject: str, what: str, **fills: str) -> Finding:
    """Return a finding of a kind; `fills` are what its mend names."""
    kind = KINDS[kind_id]
    return Finding(
        id=kind.id,
        level=kind.level,
        subject=subject,
        what=what,
        why=kind.why,
        mend=kind.mend.format_map(fills),
    )


def well(check: str, subject: str, what: str) -> Finding:
    """Return a good finding of a check."""
    return Finding(id=f"{check}.ok", level=Level.OK, subject=subject, what=what)


def skipped(check: str, blocker: Finding) -> Finding:
    """Return that a check was not run for something that another one found."""
    return Finding(
        id=f"{check}.skipped",
        level=Level.SKIPPED,
        subject=f"check {check}",
        what=f"was not run, for {blocker.subject} {blocker.what}",
        why="nobody knows how it stands",
        mend=blocker.mend,
    )
