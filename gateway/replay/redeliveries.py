"""Redeliveries and backfills: which deliveries are sent again, and which are made at last.

The event keeps its id, so a receiver that had it knows it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.model import DeliveryState, IdPrefix
from gateway.operations import Operation, Progress, RedeliverState, Selection, first_id
from gateway.replay.failed import FailedWork, walks_the_dead
from gateway.replay.pacing import paced_at_ms
from gateway.replay.stepping import Found, Step
from gateway.store.redelivering import LookedEvent, Redeliveries, Sent

WINDOW: Final = 200
_ENDED: Final = frozenset({DeliveryState.DELIVERED, DeliveryState.DEAD, DeliveryState.CANCELLED})


class RedeliveryWork:
    """See the module."""

    def __init__(self, store: Redeliveries) -> None:
        self._store = store
        self._failed = FailedWork(store)

    async def look(self, selection: Selection, cursor: str) -> Found:
        """Return the events, or dead deliveries, that are selected of the next ones behind it."""
        if walks_the_dead(selection):
            return await self._failed.look(selection, cursor)
        looked, last = await self._looked(selection, cursor)
        chosen = [one for one in looked if _count(one, selection)]
        return Found(
            things=[(one.id, one.type, one.seller_id or "") for one in chosen],
            looked=len(looked),
            cursor=cursor if last is None else last,
            ended=last is None,
        )

    async def step(self, operation: Operation, token: int, most: int, now_ms: int) -> Step:
        """Send the next ones again, at most so many."""
        selection = operation.selection
        if walks_the_dead(selection):
            return await self._failed.step(operation, token, most, now_ms)
        looked, last = await self._looked(selection, operation.cursor)
        if last is None:
            return Step(moved=False, ended=True)
        chosen = [one for one in looked if _count(one, selection)]
        taken, left = chosen[:most], chosen[most:]
        passed = [one for one in looked if not left or one.id <= taken[-1].id]
        progress = Progress(
            cursor=taken[-1].id if left else last,
            looked=len(passed),
            done=len(taken),
            skipped=0,
            paced_at_ms=paced_at_ms(operation, done=len(taken), now_ms=now_ms),
        )
        kept = await self._store.send_again(
            operation,
            token,
            progress,
            resent=[sent.id for one in taken for sent in resendable(one, selection)],
            missing=[one.id for one in taken if one.missing],
        )
        return Step(moved=kept, lost=not kept, done=len(taken))

    async def _looked(
        self, selection: Selection, cursor: str
    ) -> tuple[Sequence[LookedEvent], str | None]:
        return await self._store.look(
            after=cursor,
            before=first_id(IdPrefix.EVENT, selection.to_ms),
            limit=WINDOW,
            endpoint_id=selection.endpoint_id,
            missing=selection.state in (None, RedeliverState.NEVER),
            reference=selection.reference,
        )


def resendable(one: LookedEvent, selection: Selection) -> Sequence[Sent]:
    """Return the deliveries of an event that are sent again."""
    if not _selected(one, selection) or selection.state == RedeliverState.NEVER:
        return ()
    wanted = {DeliveryState.DEAD} if selection.state == RedeliverState.FAILED else _ENDED
    return [
        sent
        for sent in one.sent
        if sent.state in wanted and selection.failed_within(sent.ended_at_ms)
    ]


def _count(one: LookedEvent, selection: Selection) -> int:
    if not _selected(one, selection):
        return 0
    return len(resendable(one, selection)) + len(one.missing)


def _selected(one: LookedEvent, selection: Selection) -> bool:
    return selection.event_id in (None, one.id) and selection.seller_id in (None, one.seller_id)
