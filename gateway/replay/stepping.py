"""What a kind of operation tells of what it finds, and of what it does, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.operations import Operation, Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is selected of the things behind a cursor.

    Attributes:
        things: Id, type and seller of each, the oldest first.
        looked: How many were looked at.
        cursor: Id of the last of those.
        ended: Whether none are left behind it.
    """

    things: Sequence[tuple[str, str, str]]
    looked: int
    cursor: str
    ended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one step did.

    Attributes:
        moved: Whether the operation is further than before.
        lost: Whether it was the caller's no more, and nothing was done.
        ended: Whether nothing is left to look at.
        done: Number of things done.
    """

    moved: bool
    lost: bool = False
    ended: bool = False
    done: int = 0


class Work(Protocol):
    """One kind of operation."""

    async def look(self, selection: Selection, cursor: str) -> Found:
        """Return what is selected of the next things behind `cursor`; change nothing."""
        ...

    async def step(self, operation: Operation, token: int, most: int, now_ms: int) -> Step:
        """Do the next things, at most `most`, and move the operation on with them."""
        ...
