"""What a stage of work is to the loop, and the bounds that the loop keeps to. It does nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.model import Claims

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


class Stage(Protocol[ItemT, ResultT]):
    """What a worker drives. No method may raise for a fault of one item alone."""

    name: str

    async def claim(self, room: int) -> Claims[ItemT]:
        """Take at most `room` items for a limited time.

        Raises:
            DependencyError: Nothing can be claimed now; the worker backs off and asks again.
        """
        ...

    async def work(self, item: ItemT) -> ResultT | None:
        """Do the item's work outside any transaction; None when there is nothing to settle."""
        ...

    async def settle(self, results: Sequence[ResultT]) -> None:
        """Record results in one transaction; safe to repeat with the same results.

        Raises:
            DependencyError: Nothing was recorded; the worker backs off and repeats it.
        """
        ...

    async def extend(self, items: Sequence[ItemT]) -> None:
        """Keep the claims on items that have been in hand for a while."""
        ...

    async def release(self, items: Sequence[ItemT]) -> None:
        """Give items back whose work was not done, so that they can be claimed at once."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How a worker goes about its stage.

    Attributes:
        capacity: Items in hand at once, from claim to settled.
        claimers: Claims in flight at once; more than one only while batches come back full. Each
            asks for its share of the capacity at most.
        batch: Most items settled in one transaction.
        linger_s: How long a finished item waits for others to be settled with.
        poll_s: Longest pause after a claim that brought nothing; 0 where claiming itself waits.
        extend_s: Age from which the claim on an item in hand is extended, and how often.
        inline: Work never waits, so it is done in the claiming task itself.
    """

    capacity: int
    claimers: int = 1
    batch: int = 100
    linger_s: float = 0.002
    poll_s: float = 1.0
    extend_s: float = 20.0
    inline: bool = False
