"""Passes over a dead-letter queue as commands make them: bounded, with progress and notes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.aws.letters import Letter
from gateway.cli.dlq_options import Opened, may_look
from gateway.cli.invocation import Invocation
from gateway.cli.output import Output
from gateway.replay.dlq.filters import LetterFilter
from gateway.replay.dlq.look import CHUNK, Look
from gateway.replay.dlq.reading import ReadLetter, groups, read_letter
from gateway.replay.dlq.settling import Limits, Safe, Tally, settle


def looking(invocation: Invocation, opened: Opened, hold_s: int) -> Look:
    """Return a pass over a command's queue."""
    return Look(opened.queue, clock=invocation.clock, hold_s=hold_s, expected=opened.facts.messages)


async def counted(look: Look, limit: int | None) -> AsyncIterator[Sequence[Letter]]:
    """Yield what a look brings until `limit` messages were seen or there are no more."""
    while limit is None or look.seen < limit:
        letters = await look.next(CHUNK if limit is None else min(CHUNK, limit - look.seen))
        if not letters:
            return
        yield letters


async def looked_through(
    invocation: Invocation, opened: Opened, wanted: LetterFilter, *, limit: int | None, hold_s: int
) -> list[ReadLetter]:
    """Return the letters that are meant among the first `limit`; says on stderr how many it saw."""
    output, clock = Output(invocation), invocation.clock
    found: list[ReadLetter] = []
    async with looking(invocation, opened, hold_s) as look:
        with output.progress("Looking") as tell:
            async for letters in counted(look, limit):
                now_ms = clock.now_ms()
                read = map(read_letter, letters)
                found += [each for each in read if wanted.matches(each, now_ms)]
                tell(
                    f"{look.seen} of about {opened.facts.messages} seen, {len(found)} meant",
                    part_seen(opened, look.seen),
                )
    if not invocation.json:
        output.note(seen_note(opened, look))
    return found


def part_seen(opened: Opened, seen: int) -> float:
    """Return which part of a queue's messages was seen, by what SQS says there are."""
    return seen / max(1, opened.facts.messages)


def seen_note(opened: Opened, look: Look) -> str:
    """Return what a person should know about a look."""
    note = (
        f"Looked at {look.seen} of about {opened.facts.messages} messages; they are back in the "
        "queue, each with one receive more."
    )
    if opened.queue.fifo and look.seen < opened.facts.messages:
        note += " A FIFO queue shows only the first few messages of each group."
    return note if look.stopped is None else f"{note} Not all were seen: {look.stopped}."


# ── taking messages out ──────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How far a run may go.

    Attributes:
        dry_run: Only look.
        accept: Look even where the queue's own redrive policy counts it.
    """

    limits: Limits
    dry_run: bool
    accept: bool


async def looked_at(
    invocation: Invocation, opened: Opened, wanted: LetterFilter, bounds: Bounds
) -> dict[str, Any]:
    """Return what a run would take; nothing is looked at where everything would be."""
    row: dict[str, Any] = {"queue": opened.queue.url, "dry_run": True}
    if wanted.everything:
        count = opened.facts.visible
        return row | {
            "matched": count if bounds.limits.most is None else min(count, bounds.limits.most)
        }
    may_look(opened, accept=bounds.accept)
    found = await looked_through(
        invocation, opened, wanted, limit=None, hold_s=bounds.limits.hold_s
    )
    taken = found[: bounds.limits.most]
    return row | {
        "matched": len(taken),
        "groups": groups(taken, ("type", "seller_id", "reason")),
    }


async def settled(
    invocation: Invocation,
    opened: Opened,
    safe: Safe,
    wanted: LetterFilter,
    bounds: Bounds,
    done: str,
) -> Tally:
    """Take what is meant out of a queue, with progress for a person."""
    with Output(invocation).progress("Looking") as tell:
        return await settle(
            opened.queue,
            safe,
            wanted,
            replace(bounds.limits, expected=opened.facts.messages),
            clock=invocation.clock,
            told=lambda tally: tell(
                f"{tally.done} {done}, {tally.seen} of about {opened.facts.messages} seen",
                part_seen(opened, tally.seen),
            ),
        )


def settled_row(opened: Opened, tally: Tally, done: str) -> dict[str, Any]:
    """Return what a run did as an object."""
    return {
        "queue": opened.queue.url,
        "dry_run": False,
        "looked_at": tally.seen,
        "matched": tally.matched,
        done: tally.done,
        "came_back": tally.came_back,
        "undeleted": tally.undeleted,
        "refused": dict(tally.refused),
        "stopped": tally.stopped,
    }


def failed(row: Mapping[str, Any]) -> bool:
    """Return whether a run left undone what it was asked to do."""
    task = row.get("task") or {}
    return bool(
        row.get("refused")
        or row.get("undeleted")
        or row.get("stopped")
        or task.get("status") == "FAILED"
    )
