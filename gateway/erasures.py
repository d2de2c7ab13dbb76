"""Erasures: whose data goes, how far it is, and the report that is left of it.

A report holds numbers only: neither it nor anything else that stays says whom an erasure was about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class SubjectKind(StrEnum):
    """What an erasure goes by."""

    SELLER = "seller"
    ORDER = "order"
    BUYER = "buyer"


class ErasureState(StrEnum):
    """Where an erasure stands."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whose data goes.

    Attributes:
        value: A seller's id, an order's id, or a buyer's name or address as it is written.
    """

    kind: SubjectKind
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """One erasure.

    Attributes:
        subject: None once it has ended.
        archives: Further archives that it goes through.
        cursor: Which place it is at, and the last thing there that was looked at.
        report: How many things were erased, by place.
    """

    id: str
    kind: SubjectKind
    subject: Subject | None
    archives: tuple[str, ...]
    state: ErasureState
    cursor: str
    report: Mapping[str, int]
    last_error: str | None
    created_at_ms: int
    updated_at_ms: int
    ended_at_ms: int | None
