"""Replays: which notifications are selected, and which handlers run on them again.

Handlers are those that the notification is owed to by what is loaded now, so what was ignored finds
its handler. One whose last handling has not ended is left to that. Messages in quarantine are read
again; what still can't be read stays there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.envelope import read_envelope
from gateway.errors import EnvelopeError
from gateway.model import (
    Arrival,
    Envelope,
    IdPrefix,
    Origin,
    Owed,
    StoredNotification,
    new_id,
)
from gateway.operations import Operation, Progress, ReplayState, Selection, first_id
from gateway.replay.intake import SOURCE
from gateway.replay.pacing import paced_at_ms
from gateway.replay.stepping import Found, Step
from gateway.routing import JOB_PREFIX
from gateway.store.replaying import Again, Earlier, Looked, Quarantined, Replays

WINDOW: Final = 500
_AT_WORK: Final = frozenset({"pending", "leased"})

OwedFor = Callable[[Envelope], Sequence[Owed]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """What lies behind an operation after a step.

    Attributes:
        cursor: Its new cursor.
        looked: Things that the step looked at.
        selected: Those of them that it took.
    """

    cursor: str
    looked: int
    selected: int


class ReplayWork:
    """See the module.

    Args:
        store: Where notifications are.
        owed: Which handlings a notification gives rise to; None where none are made.
        owed_job: The same for a request for a job.
    """

    def __init__(
        self, store: Replays, owed: OwedFor | None = None, owed_job: OwedFor | None = None
    ) -> None:
        self._store = store
        self._owed = owed
        self._owed_job = owed_job

    async def look(self, selection: Selection, cursor: str) -> Found:
        """Return what is selected of the next ones behind `cursor`."""
        if selection.state == ReplayState.QUARANTINED:
            return _found(await self._quarantined(selection, cursor), cursor, lambda _: "")
        looked = await self._looked(selection, cursor, WINDOW)
        chosen = [one for one in looked if selected(one, selection)]
        return Found(
            things=[(one.id, one.type, one.seller_id or "") for one in chosen],
            looked=len(looked),
            cursor=looked[-1].id if looked else cursor,
            ended=len(looked) < WINDOW,
        )

    async def step(self, operation: Operation, token: int, most: int, now_ms: int) -> Step:
        """Replay the next ones, at most so many."""
        if operation.selection.state == ReplayState.QUARANTINED:
            return await self._read_again(operation, token, most, now_ms)
        selection = operation.selection
        limit = WINDOW if _passes_over(selection) else most
        looked = await self._looked(selection, operation.cursor, limit)
        chosen = [one for one in looked if selected(one, selection)]
        taken, left = chosen[:most], chosen[most:]
        passed = [one for one in looked if not left or one.id <= taken[-1].id]
        if not passed:
            return Step(moved=False, ended=True)
        behind = Behind(cursor=passed[-1].id, looked=len(passed), selected=len(taken))
        return await self.handle(operation, token, taken, behind, now_ms)

    async def handle(
        self,
        operation: Operation,
        token: int,
        taken: Sequence[Looked],
        behind: Behind,
        now_ms: int,
    ) -> Step:
        """Handle stored notifications again, and move the operation on with them."""
        selection = operation.selection
        kept = await self._store.whole([one.id for one in taken]) if taken else ()
        whole = [one for one in kept if one.body]  # of the others retention left the frame
        by_id = {one.id: one for one in taken}
        again = [a for one in whole for a in self._again(one, by_id[one.id], selection)]
        done = len({one.notification.id for one in again})
        progress = Progress(
            cursor=behind.cursor,
            looked=behind.looked,
            done=done,
            skipped=behind.selected - done,
            paced_at_ms=paced_at_ms(operation, done=done, now_ms=now_ms),
            last_error=_EMPTIED if len(whole) < len(kept) else None,
        )
        moved = await self._store.handle_again(operation, token, progress, again)
        return Step(moved=moved, lost=not moved, done=done)

    async def _read_again(self, operation: Operation, token: int, most: int, now_ms: int) -> Step:
        found = (await self._quarantined(operation.selection, operation.cursor))[:most]
        if not found:
            return Step(moved=False, ended=True)
        read: dict[str, Arrival] = {}
        error = None
        for one in found:
            try:
                arrival = self._arrival(one)
            except EnvelopeError as exc:
                error = f"{one.id}: {exc}"
            else:
                if _wanted(arrival.envelope, operation.selection):
                    read[one.id] = arrival
        progress = Progress(
            cursor=found[-1].id,
            looked=len(found),
            done=len(read),
            skipped=len(found) - len(read),
            paced_at_ms=paced_at_ms(operation, done=len(read), now_ms=now_ms),
            last_error=error,
        )
        kept = await self._store.read_again(operation, token, progress, read)
        return Step(moved=kept, lost=not kept, done=len(read))

    async def _looked(self, selection: Selection, cursor: str, limit: int) -> Sequence[Looked]:
        before = first_id(IdPrefix.NOTIFICATION, selection.to_ms)
        return await self._store.look(selection, after=cursor, before=before, limit=limit)

    async def _quarantined(self, selection: Selection, cursor: str) -> Sequence[Quarantined]:
        before = first_id(IdPrefix.QUARANTINE, selection.to_ms)
        return await self._store.quarantined(after=cursor, before=before, limit=_READ_AT_ONCE)

    def _again(
        self, notification: StoredNotification, looked: Looked, selection: Selection
    ) -> Iterable[Again]:
        asked = self._owed_job if notification.type.startswith(JOB_PREFIX) else self._owed
        assert asked is not None
        for owed in asked(_envelope(notification)):
            last = looked.earlier.get(owed.handler)
            if _runs_again(owed.handler, last, selection):
                yield Again(
                    notification=notification,
                    owed=owed,
                    replayed_from=notification.id if last is None else last.id,
                )

    def _arrival(self, one: Quarantined) -> Arrival:
        assert self._owed is not None
        envelope = read_envelope(one.body)
        return Arrival(
            id=new_id(IdPrefix.NOTIFICATION, one.received_at_ms),
            envelope=envelope,
            source=one.source,
            origin=Origin.SQS,
            received_at_ms=one.received_at_ms,
            owed=self._owed(envelope),
            message_id=None if one.source == SOURCE else one.message_id,
        )


_READ_AT_ONCE: Final = 100
_EMPTIED: Final = "some are older than [retention] message_days: their bodies are kept no longer"


def selected(one: Looked, selection: Selection) -> bool:
    """Tell whether a notification is selected, as far as that shows without its body.

    Jobs are selected only by their type or handler: nobody who replays a day of notifications means
    its exports too.
    """
    if one.type.startswith(JOB_PREFIX) and not (selection.notification_type or selection.handler):
        return False
    pairs = (
        (selection.notification_type, one.type),
        (selection.seller_id, one.seller_id),
        (selection.marketplace_id, one.marketplace_id),
    )
    if any(wanted not in (None, found) for wanted, found in pairs):
        return False
    if selection.state == ReplayState.IGNORED:
        return one.state == ReplayState.IGNORED
    if selection.state is None:
        return True
    return any(
        last.state == selection.state and selection.handler in (None, last.handler)
        for last in one.earlier.values()
    )


def _passes_over(selection: Selection) -> bool:
    """Tell whether only some of what is looked at is selected."""
    narrowing = (
        selection.notification_type,
        selection.seller_id,
        selection.marketplace_id,
        selection.state,
    )
    return any(one is not None for one in narrowing)


def _runs_again(handler: str, last: Earlier | None, selection: Selection) -> bool:
    if selection.handler not in (None, handler):
        return False
    if last is not None and last.state in _AT_WORK:
        return False
    if selection.state in (None, ReplayState.IGNORED):
        return True
    return last is not None and last.state == selection.state


def _wanted(envelope: Envelope, selection: Selection) -> bool:
    pairs = (
        (selection.notification_type, envelope.type),
        (selection.seller_id, envelope.seller_id),
        (selection.marketplace_id, envelope.marketplace_id),
    )
    if selection.reference not in (None, *envelope.references):
        return False
    return all(wanted in (None, found) for wanted, found in pairs)


def _found(found: Sequence[Quarantined], cursor: str, kind: Callable[[Quarantined], str]) -> Found:
    return Found(
        things=[(one.id, kind(one), "") for one in found],
        looked=len(found),
        cursor=found[-1].id if found else cursor,
        ended=len(found) < _READ_AT_ONCE,
    )


def _envelope(notification: StoredNotification) -> Envelope:
    return Envelope(
        identity=notification.identity,
        type=notification.type,
        payload_version=notification.payload_version,
        body=notification.body,
        event_time_ms=notification.event_time_ms,
        subscription_id=notification.subscription_id,
        application_id=notification.application_id,
        seller_id=notification.seller_id,
        marketplace_id=notification.marketplace_id,
    )
