"""Redeliveries of what failed since some time: dead deliveries are walked, whatever their age.

A delivery that dies in an outage may have been published long before it, so no span of events holds
them all; the dead are few, and have an index of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.operations import Operation, Progress, Selection
from gateway.replay.pacing import paced_at_ms
from gateway.replay.stepping import Found, Step
from gateway.store.redelivering import DeadDelivery, Redeliveries

WINDOW: Final = 1_000


class FailedWork:
    """See the module."""

    def __init__(self, store: Redeliveries) -> None:
        self._store = store

    async def look(self, selection: Selection, cursor: str) -> Found:
        """Return the selected ones of the next dead deliveries behind `cursor`."""
        looked = await self._store.dead(after=cursor, limit=WINDOW)
        return Found(
            things=[
                (one.id, one.type or "", one.seller_id or "")
                for one in looked
                if _is_selected(one, selection)
            ],
            looked=len(looked),
            cursor=looked[-1].id if looked else cursor,
            ended=len(looked) < WINDOW,
        )

    async def step(self, operation: Operation, token: int, most: int, now_ms: int) -> Step:
        """Send the next ones again, at most so many."""
        looked = await self._store.dead(after=operation.cursor, limit=WINDOW)
        if not looked:
            return Step(moved=False, ended=True)
        taken, passed = _taken(looked, operation.selection, most)
        progress = Progress(
            cursor=passed[-1].id,
            looked=len(passed),
            done=len(taken),
            skipped=0,
            paced_at_ms=paced_at_ms(operation, done=len(taken), now_ms=now_ms),
        )
        ids = [one.id for one in taken]
        kept = await self._store.send_again(operation, token, progress, resent=ids, missing=())
        return Step(moved=kept, lost=not kept, done=len(taken))


def walks_the_dead(selection: Selection) -> bool:
    """Whether dead deliveries are looked through, and no events."""
    return selection.by_failure and selection.reference is None


def _is_selected(one: DeadDelivery, selection: Selection) -> bool:
    """Whether a dead delivery is sent again."""
    return (
        one.sendable
        and selection.failed_within(one.ended_at_ms)
        and selection.endpoint_id in (None, one.endpoint_id)
        and selection.seller_id in (None, one.seller_id)
    )


def _taken(
    looked: Sequence[DeadDelivery], selection: Selection, most: int
) -> tuple[Sequence[DeadDelivery], Sequence[DeadDelivery]]:
    """Return the first `most` selected ones, and all up to where the next step begins."""
    chosen = [one for one in looked if _is_selected(one, selection)]
    if len(chosen) <= most:
        return chosen, looked
    taken = chosen[:most]
    return taken, [one for one in looked if one.id <= taken[-1].id]
