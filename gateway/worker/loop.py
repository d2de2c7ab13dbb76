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
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import structlog

from gateway.errors import DependencyError
from gateway.worker.health import Health
from gateway.worker.stop import Wake

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.clock import Clock
    from gateway.model import Claims
    from gateway.worker.stop import Stop

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

_log = structlog.get_logger("gateway.worker")

_BACKOFF_FIRST_S = 0.1
_BACKOFF_LAST_S = 5.0
_SETTLE_GRACE_S = 1.0
_ROOM_WAIT_S = 1.0


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
        claimers: Claims in flight at once; more than one only while batches come back full.
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
            await self._finish_claims(claimers, stop)
            await self._finish_work(stop)
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
            room = await self._room()
            if room <= 0 or stop.requested:
                continue
            try:
                claims = await self._stage.claim(room)
            except DependencyError as exc:
                self._claim_health.failed(str(exc))
                await self._pause(backoff_s, stop)
                backoff_s = min(backoff_s * 2, _BACKOFF_LAST_S)
                continue
            self._claim_health.worked()
            backoff_s = _BACKOFF_FIRST_S
            await self._start(claims.items)
            self._adapt_pollers(len(claims.items), room, more=claims.more)
            if not claims.items and not claims.more:
                await self._wake.wait(self._idle_s(claims.next_due_ms))

    async def _room(self) -> int:
        """Return the room left, after a short wait when that lets a fuller batch be claimed."""
        capacity = self._pace.capacity
        if len(self._held) * 4 > capacity * 3:
            full = len(self._held) >= capacity
            await self._room_wake.wait(_ROOM_WAIT_S if full else self._pace.linger_s)
        return capacity - len(self._held)

    def _adapt_pollers(self, got: int, room: int, *, more: bool) -> None:
        if self._pace.claimers == 1:
            return
        if more or (got and got >= room):
            self._pollers = min(self._pace.claimers, self._pollers + 1)
            self._room_wake.ring()
        elif got == 0:
            self._pollers = max(1, self._pollers - 1)

    def _idle_s(self, next_due_ms: int | None) -> float:
        if next_due_ms is None:
            return self._pace.poll_s
        return max(0.001, min(self._pace.poll_s, (next_due_ms - self._clock.now_ms()) / 1000))

    async def _pause(self, delay_s: float, stop: Stop) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(delay_s):
                await stop.wait()

    # ── work ─────────────────────────────────────────────────────────────────────────────────────

    async def _start(self, items: Sequence[ItemT]) -> None:
        now_s = self._clock.monotonic_s()
        for item in items:
            held = _Held(item, now_s)
            self._held.add(held)
            if self._pace.inline:
                await self._work(held)
            else:
                held.task = asyncio.create_task(self._work(held), name=self._stage.name)

    async def _work(self, held: _Held[ItemT]) -> None:
        try:
            result = await self._stage.work(held.item)
        except Exception:  # noqa: BLE001 a defect of one item must not stop the stage
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
                if len(self._done) < self._pace.batch:
                    await asyncio.sleep(self._pace.linger_s)
                continue
            batch = self._done[: self._pace.batch]
            await self._settle(batch)
            del self._done[: len(batch)]
            for held, _ in batch:
                self._held.discard(held)
            self._freed()

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

    async def _finish_claims(self, claimers: Sequence[asyncio.Task[None]], stop: Stop) -> None:
        if not stop.requested:
            return
        await asyncio.wait(claimers, timeout=max(0.0, stop.left_s() - 2 * _SETTLE_GRACE_S))

    async def _finish_work(self, stop: Stop) -> None:
        if not stop.requested:
            return
        running = [held.task for held in self._held if held.task is not None]
        if running:
            await asyncio.wait(running, timeout=max(0.0, stop.left_s() - _SETTLE_GRACE_S))
        while self._done and stop.left_s() > 0:
            self._done_wake.ring()
            await asyncio.sleep(0.001)

    async def _give_back(self) -> None:
        tasks = [held.task for held in self._held if held.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        finished = {held for held, _ in self._done}
        unfinished = [held.item for held in self._held if held not in finished]
        results = [result for _, result in self._done]
        self._held.clear()
        try:
            if results:
                await self._stage.settle(results)
            if unfinished:
                await self._stage.release(unfinished)
        except DependencyError as exc:
            # Their leases end by themselves.
            _log.warning("stage.release_failed", stage=self._stage.name, fault=str(exc))
