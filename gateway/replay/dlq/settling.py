"""Taking the letters that are meant out of a queue: moved elsewhere, or written down and deleted.

The promise is one: a letter is deleted only after it is safe somewhere else, in the target or in
the file. Killed in between, it is in both places, and comes twice; never in neither.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gateway.aws.letters import Letter, Sent
from gateway.clock import Clock
from gateway.replay.dlq.filters import LetterFilter
from gateway.replay.dlq.look import Look, LookedAt
from gateway.replay.dlq.pace import Pace
from gateway.replay.dlq.reading import ReadLetter, read_letter


class Emptied(LookedAt, Protocol):
    """The queue that letters are taken out of."""

    async def delete(self, letters: Sequence[Letter]) -> frozenset[str]: ...


class Target(Protocol):
    """The queue that letters are sent to."""

    async def send(self, letters: Sequence[Letter]) -> Sent: ...


class Safe(Protocol):
    """Where letters go before they are deleted."""

    async def keep(self, letters: Sequence[ReadLetter]) -> Mapping[str, str]:
        """Keep letters; return the id of each that could not be kept, with why.

        What is not among them is safe when this returns.
        """
        ...

    def came_back(self, letter: Letter) -> bool:
        """Whether this run put the letter where it went, and it died again since."""
        ...


class Nowhere:
    """A `Safe` for letters that nobody wants to keep."""

    async def keep(self, letters: Sequence[ReadLetter]) -> Mapping[str, str]:  # noqa: ARG002
        """See `Safe`."""
        return {}

    def came_back(self, letter: Letter) -> bool:  # noqa: ARG002 the protocol's
        """See `Safe`."""
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How far and how fast a run may go.

    Attributes:
        most: Letters that are taken at most, or None.
        rate: Letters a second, or None for as fast as it goes.
        hold_s: How long messages stay hidden if this process is killed.
        expected: How many messages the queue says it holds, as `Look` wants it.
    """

    most: int | None = None
    rate: float | None = None
    hold_s: int = 120
    expected: int | None = None


@dataclass(slots=True, kw_only=True)
class Tally:
    """What a run did so far.

    Attributes:
        seen: Letters looked at.
        matched: Letters that are meant.
        done: Letters that are safe elsewhere and gone from the queue.
        came_back: Letters that this run moved and that died again meanwhile; left alone.
        undeleted: Letters that are safe elsewhere and could not be deleted: they come twice.
        refused: Why letters were not kept → how many; they stay in the queue.
        stopped: Why the run ended before the queue did, or None.
    """

    seen: int = 0
    matched: int = 0
    done: int = 0
    came_back: int = 0
    undeleted: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    stopped: str | None = None


async def settle(
    queue: Emptied,
    safe: Safe,
    wanted: LetterFilter,
    limits: Limits,
    *,
    clock: Clock,
    told: Callable[[Tally], None],
) -> Tally:
    """Take every letter that is meant out of a queue, up to the limit.

    Args:
        queue: Where they are.
        safe: Where they go first.
        wanted: Which are meant.
        limits: How many, how fast.
        clock: For ages and the rate.
        told: Called after each step.
    """
    tally, pace, most = Tally(), Pace(limits.rate, clock), limits.most
    async with Look(queue, clock=clock, hold_s=limits.hold_s, expected=limits.expected) as look:
        while most is None or tally.matched < most:
            letters = await look.next(pace.chunk)
            if not letters:
                tally.stopped = look.stopped
                break
            fresh = [letter for letter in letters if not safe.came_back(letter)]
            tally.came_back += len(letters) - len(fresh)
            meant = _meant(fresh, wanted, clock.now_ms())
            meant = meant if most is None else meant[: most - tally.matched]
            tally.seen = look.seen
            tally.matched += len(meant)
            await pace.turn(len(meant))
            look.settled(await _take(queue, safe, meant, tally))
            told(tally)
    return tally


def _meant(letters: Sequence[Letter], wanted: LetterFilter, now_ms: int) -> Sequence[ReadLetter]:
    read = map(read_letter, letters)
    return [each for each in read if wanted.matches(each, now_ms)]


async def _take(
    queue: Emptied, safe: Safe, meant: Sequence[ReadLetter], tally: Tally
) -> Sequence[str]:
    """Keep letters, delete those that are safe; return the ids that are gone."""
    if not meant:
        return []
    refused = await safe.keep(meant)
    tally.refused.update(refused.values())
    kept = [each.letter for each in meant if each.letter.id not in refused]
    left = await queue.delete(kept)
    tally.undeleted += len(left)
    tally.done += len(kept) - len(left)
    return [letter.id for letter in kept if letter.id not in left]
