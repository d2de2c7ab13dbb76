"""The loop that every stage runs: claim a batch, work on it, settle it, wake or poll, drain.

It decides when to claim (only with room left), how many items are worked on at once, how finished
items are grouped into one settling transaction, and what happens on stop. It never looks into an
item: what claiming, working and settling mean is the `Stage`'s. Tasks are made here and in
`service` only.

Stopping: no new claim starts; a claim in flight ends and what it brought is settled or given back;
work in hand has until the deadline; what is cut off then is given back to be claimed again.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic

import structlog

from gateway.errors import DependencyError
from gateway.worker.health import Health
from gateway.worker.stage import ItemT, Pace, ResultT, Stage
from gateway.worker.stop import Wake

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.clock import Clock
    from gateway.model import Claims
    from gateway.worker.stop import Stop

__all__ = ["Pace", "Stage", "Worker"]

_log = structlog.get_logger("gateway.worker")

_BACKOFF_FIRST_S = 0.1
_BACKOFF_LAST_S = 5.0
_ROOM_WAIT_S = 1.0
# What took long to claim and to work on may also wait longer for others to be settled with: this
# share of its time, up to so many times the stage's own linger.
_LINGER_SHARE = 0.1
_LINGERS = 4
# Time kept back before the deadline of a drain for settling what was finished last; of a short
# drain an eighth.
_GRACE_S = 1.0
_GRACE_SHARE = 1 / 8
# How long work that was cut off has to end, and then the store to take back what is left.
_CUT_OFF_S = 0.5
_GIVE_BACK_S = 1.0


@dataclass(slots=True, eq=False)
class _Held(Generic[ItemT]):
    """An item in hand: claimed, perhaps worked on, not settled."""

    item: ItemT
    since_s: float
    task: asyncio.Task[None] | None = field(default=None)


class Worker(Generic[ItemT, ResultT]):
    """Runs one stage until it is told to stop."""

    def __init__(
        self, stage: Stage[ItemT, ResultT], pace: Pace, *, wake: Wake, clock: Clock
    ) -> None:
        self._stage = stage
        self._pace = pace
        self._wake = wake
        self._clock = clock
        self._held: set[_Held[ItemT]] = set()
        self._done: list[tuple[_Held[ItemT], ResultT]] = []
        self._done_wake = Wake()
        self._room_wake = Wake()
        self._pollers = 1
        self._claiming = 0
        self._claim_health = Health(f"{stage.name}.claim", clock)
        self._settle_health = Health(f"{stage.name}.settle", clock)

    @property
    def healths(self) -> Sequence[Health]:
        """How claiming and settling fare."""
        return (self._claim_health, self._settle_health)

    @property
    def in_hand(self) -> int:
        """Number of items claimed and not settled."""
        return len(self._held)

    async def run(self, stop: Stop) -> None:
        """Work until `stop` is requested, then drain within its deadline.

        Raises:
            Exception: A defect in the stage; what was in hand has been given back.
        """
        for wake in (self._wake, self._room_wake, self._done_wake):
            stop.ring_on_stop(wake)
        claimers = [
            asyncio.create_task(self._claim_until(stop, number), name=f"{self._stage.name}.claim")
            for number in range(self._pace.claimers)
        ]
        settler = asyncio.create_task(self._settle_forever(), name=f"{self._stage.name}.settle")
        keeper = asyncio.create_task(self._extend_forever(), name=f"{self._stage.name}.extend")
        stopped = asyncio.create_task(stop.wait(), name=f"{self._stage.name}.stop")
        try:
            await asyncio.wait(
                [stopped, settler, keeper, *claimers], return_when=asyncio.FIRST_COMPLETED
            )
            if stop.requested:
                await self._drain(claimers, stop)
        finally:
            for task in (*claimers, settler, keeper, stopped):
                task.cancel()
            await asyncio.gather(*claimers, settler, keeper, stopped, return_exceptions=True)
            await self._give_back()
        for task in (*claimers, settler, keeper):
            if not task.cancelled() and (defect := task.exception()) is not None:
                raise defect

    # ── claim ────────────────────────────────────────────────────────────────────────────────────

    async def _claim_until(self, stop: Stop, number: int) -> None:
        backoff_s = _BACKOFF_FIRST_S
        while not stop.requested:
            if number >= self._pollers:
                await self._room_wake.wait(_ROOM_WAIT_S)
                continue
            room = await self._room(stop)
            if room <= 0 or stop.requested:
                continue
            try:
                claims = await self._claim(room)
            except DependencyError as exc:
                self._claim_health.failed(str(exc))
                await self._pause(backoff_s, stop)
                backoff_s = min(backoff_s * 2, _BACKOFF_LAST_S)
                continue
            self._claim_health.worked()
            backoff_s = _BACKOFF_FIRST_S
            await self._start(claims.items)
            self._adapt_pollers(len(claims.items), room, more=claims.more)
            # The doorbell may be shared: another claimer may have heard the stop's ring for all.
            if not stop.requested:
                await self._wake.wait(self._idle_s(claims, room))

    async def _claim(self, room: int) -> Claims[ItemT]:
        self._claiming += room
        try:
            return await self._stage.claim(room)
        finally:
            self._claiming -= room
            if self._pace.claimers > 1:
                self._room_wake.ring()

    async def _room(self, stop: Stop) -> int:
        """Return the room for a claim, after a short wait when that lets it be a fuller one."""
        capacity = self._pace.capacity
        until_s = self._clock.monotonic_s() + self._pace.linger_s * _LINGERS
        while not stop.requested and (self._free() <= 0 or len(self._held) * 4 > capacity * 3):
            left_s = until_s - self._clock.monotonic_s() if self._free() > 0 else _ROOM_WAIT_S
            if left_s <= 0:
                break
            await self._room_wake.wait(left_s)
        return min(self._free(), -(-capacity // self._pace.claimers))

    def _free(self) -> int:
        """Return the places left beside what is in hand and what claims in flight may bring."""
        return self._pace.capacity - len(self._held) - self._claiming

    def _adapt_pollers(self, got: int, room: int, *, more: bool) -> None:
        if self._pace.claimers == 1:
            return
        if more or (got and got >= room):
            self._pollers = min(self._pace.claimers, self._pollers + 1)
            self._room_wake.ring()
        elif got == 0:
            self._pollers = max(1, self._pollers - 1)

    def _idle_s(self, claims: Claims[ItemT], room: int) -> float:
        """Return how long to wait for the doorbell before the next claim."""
        if claims.items and (claims.more or len(claims.items) >= room):
            return 0.0
        if claims.more:
            return self._pace.linger_s
        if claims.next_due_ms is None:
            return self._pace.poll_s
        due_s = (claims.next_due_ms - self._clock.now_ms()) / 1000
        return max(0.001, min(self._pace.poll_s, due_s))

    async def _pause(self, delay_s: float, stop: Stop) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(delay_s):
                await stop.wait()

    # ── work ─────────────────────────────────────────────────────────────────────────────────────

    async def _start(self, items: Sequence[ItemT]) -> None:
        now_s = self._clock.monotonic_s()
        started = [_Held(item, now_s) for item in items]
        self._held.update(started)
        for held in started:
            if self._pace.inline:
                await self._work(held)
            else:
                held.task = asyncio.create_task(self._work(held), name=self._stage.name)

    async def _work(self, held: _Held[ItemT]) -> None:
        try:
            result = await self._stage.work(held.item)
        except (Exception, asyncio.CancelledError):
            # A defect of one item must not stop the stage; work that is cut off is given back.
            # An author's code may also raise CancelledError of its own accord.
            if _cut_off():
                raise
            _log.exception("stage.defect", stage=self._stage.name)
            self._drop(held)
            return
        held.task = None
        if result is None:
            self._drop(held)
            return
        self._done.append((held, result))
        self._done_wake.ring()

    def _drop(self, held: _Held[ItemT]) -> None:
        self._held.discard(held)
        self._freed()

    def _freed(self) -> None:
        """Room has come free: in the worker, and perhaps in a lane whose rows were passed over."""
        self._room_wake.ring()
        self._wake.ring()

    # ── settle ───────────────────────────────────────────────────────────────────────────────────

    async def _settle_forever(self) -> None:
        while True:
            if not self._done:
                await self._done_wake.wait(_ROOM_WAIT_S)
                if self._done:
                    await self._gather()
                continue
            batch = self._done[: self._pace.batch]
            await self._settle(batch)
            del self._done[: len(batch)]
            for held, _ in batch:
                self._held.discard(held)
            self._freed()

    async def _gather(self) -> None:
        """Let what is about to end be settled with what has; a stage with nothing else is quick."""
        if len(self._done) >= min(self._pace.batch, len(self._held)):
            return
        linger_s = self._pace.linger_s
        took_s = self._clock.monotonic_s() - self._done[0][0].since_s
        await asyncio.sleep(max(linger_s, min(took_s * _LINGER_SHARE, linger_s * _LINGERS)))

    async def _settle(self, batch: Sequence[tuple[_Held[ItemT], ResultT]]) -> None:
        """Settle a batch, however long the store is away; a defect hits its own item only."""
        backoff_s = _BACKOFF_FIRST_S
        while True:
            try:
                await self._stage.settle([result for _, result in batch])
            except DependencyError as exc:
                self._settle_health.failed(str(exc))
                await asyncio.sleep(backoff_s)
                backoff_s = min(backoff_s * 2, _BACKOFF_LAST_S)
            except Exception:  # noqa: BLE001 found out which item it is, below
                if len(batch) == 1:
                    # Its claim ends by itself, and the store counts claims without a result.
                    _log.exception("stage.settle_defect", stage=self._stage.name)
                    return
                for one in batch:
                    await self._settle([one])
                return
            else:
                self._settle_health.worked()
                return

    async def _extend_forever(self) -> None:
        while True:
            await asyncio.sleep(self._pace.extend_s / 2)
            oldest_s = self._clock.monotonic_s() - self._pace.extend_s / 2
            items = [held.item for held in self._held if held.since_s <= oldest_s]
            if not items:
                continue
            try:
                await self._stage.extend(items)
            except DependencyError as exc:
                self._settle_health.failed(str(exc))

    # ── drain ────────────────────────────────────────────────────────────────────────────────────

    async def _drain(self, claimers: Sequence[asyncio.Task[None]], stop: Stop) -> None:
        grace_s = min(_GRACE_S, stop.left_s() * _GRACE_SHARE)
        await asyncio.wait(claimers, timeout=max(0.0, stop.left_s() - 2 * grace_s))
        # Again and again: a claim in flight may bring work in the meantime.
        while (working := self._working()) and (left_s := stop.left_s() - grace_s) > 0:
            await asyncio.wait(working, timeout=left_s)
        while self._done and stop.left_s() > grace_s / 2:
            self._done_wake.ring()
            await asyncio.sleep(0.001)

    def _working(self) -> Sequence[asyncio.Task[None]]:
        return [held.task for held in self._held if held.task is not None and not held.task.done()]

    async def _give_back(self) -> None:
        await self._cut_off_work()
        done, self._done = self._done, []
        finished = {held for held, _ in done}
        items = [held.item for held in self._held if held not in finished]
        self._held.clear()
        try:
            async with asyncio.timeout(_GIVE_BACK_S):
                items += await self._settle_last(done)
                if items:
                    await self._stage.release(items)
        except (DependencyError, TimeoutError) as exc:
            # Their leases end by themselves.
            _log.warning("stage.release_failed", stage=self._stage.name, fault=str(exc))

    async def _cut_off_work(self) -> None:
        tasks = self._working()
        for task in tasks:
            task.cancel()
        if not tasks:
            return
        ended, lasting = await asyncio.wait(tasks, timeout=_CUT_OFF_S)
        for task in ended:
            if not task.cancelled():
                task.exception()  # retrieved, or asyncio would report it as forgotten
        if lasting:
            _log.warning("stage.work_lasts", stage=self._stage.name, count=len(lasting))

    async def _settle_last(self, done: Sequence[tuple[_Held[ItemT], ResultT]]) -> Sequence[ItemT]:
        """Settle what can be settled with one try; return the items of the rest."""
        left: list[ItemT] = []
        batches = [done[i : i + self._pace.batch] for i in range(0, len(done), self._pace.batch)]
        while batches:
            batch = batches.pop(0)
            try:
                await self._stage.settle([result for _, result in batch])
            except DependencyError:
                left += [held.item for held, _ in batch]
            except Exception:  # noqa: BLE001 found out which item it is, as in `_settle`
                if len(batch) > 1:
                    batches[:0] = [[one] for one in batch]
                else:
                    _log.exception("stage.settle_defect", stage=self._stage.name)
        return left


def _cut_off() -> bool:
    """Return whether the present task was asked to end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
