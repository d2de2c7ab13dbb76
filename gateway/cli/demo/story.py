"""What the demo does and counts: send, watch until all is delivered, hold it against the truth."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from gateway.model import DeliveryState, HandlingState

if TYPE_CHECKING:
    from gateway.cli.demo.messages import Batch
    from gateway.cli.demo.world import World

_LOOK_EVERY_S = 0.1
_PATIENCE_S = 120.0
_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What came of the messages.

    Attributes:
        messages: Sent: notifications, duplicates and quarantined together.
        handled: Handlings that ended, whatever their end.
        coalesced: Those of them that a newer change of the same order took along.
        skipped: Those of them that came after a newer change had been published.
        follow_up_calls: SP-API calls, as the local SP-API counts them.
        throttled: Calls that it refused because a usage plan was exceeded.
        signatures_verified: Distinct event ids that `standardwebhooks` accepted.
        lost: Messages in neither inbox nor quarantine, and events without a delivered delivery.
    """

    messages: int
    notifications: int
    duplicates: int
    quarantined: int
    handled: int
    coalesced: int
    skipped: int
    follow_up_calls: int
    throttled: int
    events: int
    delivered: int
    signatures_verified: int
    lost: int
    seconds: float

    @property
    def good(self) -> bool:
        """Whether everything arrived, verified, and no usage plan was exceeded."""
        return (
            self.lost == 0
            and self.throttled == 0
            and self.events == self.delivered == self.signatures_verified
        )

    def as_json(self) -> dict[str, Any]:
        """Return the summary as plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far everything is, for whoever watches."""

    sent: int
    accepted: int
    handled: int
    waiting: int
    calls: int
    events: int
    delivered: int
    verified: int


class Story:
    """One run of the demo."""

    def __init__(self, world: World, batch: Batch, watch: Callable[[Progress], None]) -> None:
        self._world = world
        self._batch = batch
        self._watch = watch
        self._sent = 0

    async def run(self) -> Summary:
        """Send everything and return what came of it; waits at most two minutes."""
        clock = self._world.clock
        started_s = clock.monotonic_s()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._world.send(self._batch.bodies, self._count_sent), name="send")
            while not await self._finished():
                if clock.monotonic_s() - started_s > _PATIENCE_S:
                    break
                await asyncio.sleep(_LOOK_EVERY_S)
        return await self._summary(clock.monotonic_s() - started_s)

    def _count_sent(self, count: int) -> None:
        self._sent += count

    async def _finished(self) -> bool:
        """Show how far everything is; return whether nothing is left to do."""
        seen = await self._look()
        self._watch(seen)
        batch = self._batch
        return (
            seen.sent == len(batch.bodies)
            and seen.accepted == len(batch.notification_ids) + batch.unreadable
            and seen.waiting == 0
            and seen.delivered == seen.events
            and self._queue_is_empty()
        )

    async def _look(self) -> Progress:
        world = self._world
        counts = await world.store.queries.counts()
        waiting = sum(kind.pending + kind.leased for kind in (counts.handlings, counts.deliveries))
        totals = await self._totals()
        return Progress(
            sent=self._sent,
            accepted=totals["notifications"] + counts.quarantined,
            handled=totals["handled"],
            waiting=waiting,
            calls=world.follow_up_calls(),
            events=totals["events"],
            delivered=totals["delivered"],
            verified=len(world.tally.verified),
        )

    def _queue_is_empty(self) -> bool:
        depths = [queue.depth() for queue in self._world.simulator.sqs.queues.all()]
        return not any(depth.visible or depth.in_flight or depth.delayed for depth in depths)

    async def _totals(self) -> Counter[str]:
        """Count rows page by page: the demo's are few."""
        lists = self._world.store.lists
        totals: Counter[str] = Counter()
        totals["notifications"] = len(await _all(lists.notifications))
        handlings = await _all(lists.handlings)
        totals["handled"] = sum(one.ended_at_ms is not None for one in handlings)
        totals["coalesced"] = sum(one.coalesced_into is not None for one in handlings)
        totals["skipped"] = sum(one.state is HandlingState.SKIPPED for one in handlings)
        totals["events"] = len(await _all(lists.events))
        deliveries = await _all(lists.deliveries)
        totals["delivered"] = len(
            {one.event_id for one in deliveries if one.state is DeliveryState.DELIVERED}
        )
        return totals

    async def _summary(self, seconds: float) -> Summary:
        world, batch = self._world, self._batch
        notifications = await _all(world.store.lists.notifications)
        quarantined = (await world.store.queries.counts()).quarantined
        totals = await self._totals()
        stored = {one.identity for one in notifications}
        missing = len(batch.notification_ids - stored) + max(0, batch.unreadable - quarantined)
        return Summary(
            messages=len(batch.bodies),
            notifications=len(notifications),
            duplicates=len(batch.bodies) - len(notifications) - quarantined - missing,
            quarantined=quarantined,
            handled=totals["handled"],
            coalesced=totals["coalesced"],
            skipped=totals["skipped"],
            follow_up_calls=world.follow_up_calls(),
            throttled=world.throttled(),
            events=totals["events"],
            delivered=totals["delivered"],
            signatures_verified=len(world.tally.verified),
            lost=missing + totals["events"] - totals["delivered"],
            seconds=round(seconds, 1),
        )


async def _all(page: Any) -> list[Any]:
    """Return all rows that a paged query of the store has."""
    rows: list[Any] = []
    while found := await page(after=rows[-1].id if rows else None, limit=_PAGE):
        rows.extend(found)
    return rows
