"""The stage that runs handlers: claim handlings, run each in its time limit, settle.

It gives every handler its own bound of runs at once, so that a slow handler takes no other's
places, and writes one canonical log line for each run. What an answer means is decided in
`outcomes`; which rows are claimed, in the store.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import orjson
import structlog

from gateway.calls_made import CallLog
from gateway.dispatch.memory_reader import MemoryReader
from gateway.dispatch.outcomes import Run, deferred, result_of
from gateway.dispatch.taken_along import taken_along
from gateway.dispatch.turns import CLAIM_AHEAD, Turns
from gateway.handling import Context
from gateway.model import Claims, HandlingState
from gateway.retry import HANDLING_SCHEDULE_S
from gateway.spapi.throttle import CallDeferred
from gateway.worker.deadlines import Deadlines
from gateway.worker.loop import Pace

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.dispatch.memory_reader import MemoryStore
    from gateway.dispatch.registry import Registry
    from gateway.dispatch.taken_along import CoalescedStore
    from gateway.documents.library import Library
    from gateway.handling import Notification
    from gateway.model import ClaimedHandling, Seller
    from gateway.results import HandlingResult, Settled
    from gateway.routing import Handler
    from gateway.spapi.calls import ApplicationCalls, SellerCalls

_log = structlog.get_logger("gateway.dispatch")

_DEFAULT_HANDLER_CONCURRENCY = 32


class HandlingStore(Protocol):
    """What dispatch needs of the store."""

    async def claim(
        self, *, room: Mapping[str, int], limit: int, lease_ms: int
    ) -> Claims[ClaimedHandling]:
        """Lease due handlings of the handlers in `room`, fairly between sellers."""
        ...

    async def settle(self, results: Sequence[HandlingResult]) -> Settled:
        """Record results with their events and deliveries in one transaction."""
        ...

    async def extend(self, claimed: Iterable[ClaimedHandling], *, lease_ms: int) -> object:
        """Lengthen leases."""
        ...

    async def release(self, claimed: Iterable[ClaimedHandling]) -> None:
        """Give back what was not run."""
        ...


class Sellers(Protocol):
    """Who a notification's seller is, and how to call Amazon in its name."""

    async def known(self, seller_id: str | None, marketplace_id: str | None) -> Seller | None:
        """Return the seller, or None if it is not configured."""
        ...

    async def application_calls(
        self, client_id: str, *, slot: str | None, log: CallLog
    ) -> ApplicationCalls:
        """Return the grantless calls of an application; raises NotFoundError."""
        ...

    def calls(self, seller: Seller, *, slot: str | None, log: CallLog) -> SellerCalls:
        """Return SP-API calls in the seller's name.

        Args:
            seller: Whose.
            slot: The promised token that the run comes back for.
            log: Where each call is noted.
        """
        ...


class DispatchRecorder(Protocol):
    """Where runs are counted."""

    def settled(self, handler: str, state: HandlingState, duration_s: float) -> None:
        """Count one run by the state it led to."""
        ...

    def committed(self, settled: Settled) -> None:
        """Count what a settling transaction wrote, and what it dropped as stale."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchSettings:
    """Bounds of dispatch.

    Attributes:
        lease_s: How long a claim lasts unless it is extended.
        timeout_s: Time limit of one run, where the handler sets none.
        concurrency: Runs of all handlers at once.
        handler_concurrency: Runs of one handler at once, where it sets none.
        schedule_s: Delay before each try, where the handler sets none.
        handler_settings: The tables `[handlers.<name>]`.
    """

    lease_s: float = 90.0
    timeout_s: float = 60.0
    concurrency: int = 64
    handler_concurrency: int = _DEFAULT_HANDLER_CONCURRENCY
    schedule_s: Sequence[float] = HANDLING_SCHEDULE_S
    handler_settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is kept for handlers, and given to them through the context.

    Attributes:
        memories: What they remember of things.
        coalesced: What a handling took along.
        library: Their documents.
    """

    memories: MemoryStore
    coalesced: CoalescedStore
    library: Library | None = None


class Dispatcher:
    """The dispatch stage."""

    name = "dispatch"

    def __init__(
        self,
        registry: Registry,
        store: HandlingStore,
        sellers: Sellers,
        settings: DispatchSettings,
        *,
        clock: Clock,
        recorder: DispatchRecorder,
        kept: Kept,
    ) -> None:
        self._registry = registry
        self._store = store
        self._sellers = sellers
        self._settings = settings
        self._clock = clock
        self._recorder = recorder
        self._recall = MemoryReader(kept.memories).read
        self._coalesced = kept.coalesced
        self._library = kept.library
        self._deadlines = Deadlines()
        self._slots = asyncio.Semaphore(settings.concurrency)
        self._turns = {
            name: Turns(handler.concurrency or settings.handler_concurrency)
            for name, handler in registry.handlers.items()
        }
        self._lease_ms = round(settings.lease_s * 1000)

    @property
    def running(self) -> int:
        """Number of handlings claimed whose run has not ended."""
        return sum(turns.in_hand for turns in self._turns.values())

    @property
    def pace(self) -> Pace:
        """How its worker should go about it: enough in hand to claim ahead of the runs."""
        return Pace(
            capacity=self._settings.concurrency * CLAIM_AHEAD, extend_s=self._settings.lease_s / 3
        )

    async def claim(self, room: int) -> Claims[ClaimedHandling]:
        """See `Stage`."""
        places = {name: free for name, turns in self._turns.items() if (free := turns.room()) > 0}
        if not places:
            # The doorbell rings when one has ended.
            return Claims(items=())
        claims = await self._store.claim(room=places, limit=room, lease_ms=self._lease_ms)
        for claimed in claims.items:
            self._turns[claimed.handler].in_hand += 1
        return claims

    async def work(self, item: ClaimedHandling) -> HandlingResult | None:
        """Run the handler; see `Stage`."""
        turns = self._turns[item.handler]
        try:
            async with turns, self._slots:
                started_s = self._clock.monotonic_s()
                result = await self._run(self._registry.handlers[item.handler], item)
        finally:
            turns.in_hand -= 1
        duration_s = self._clock.monotonic_s() - started_s
        turns.note(duration_s)
        self._recorder.settled(item.handler, result.state, duration_s)
        self._report(item, result, duration_s)
        return result

    async def settle(self, results: Sequence[HandlingResult]) -> None:
        """See `Stage`."""
        settled = await self._store.settle(results)
        self._recorder.committed(settled)
        if settled.stale:
            _log.warning("handling.stale", handlings=sorted(settled.stale))
        if settled.duplicates:
            _log.info("handling.duplicate", handlings=sorted(settled.duplicates))

    async def extend(self, items: Sequence[ClaimedHandling]) -> None:
        """See `Stage`."""
        await self._store.extend(items, lease_ms=self._lease_ms)

    async def release(self, items: Sequence[ClaimedHandling]) -> None:
        """See `Stage`."""
        await self._store.release(items)

    async def _run(self, handler: Handler, item: ClaimedHandling) -> HandlingResult:
        notification = item.notification
        seller = await self._sellers.known(notification.seller_id, notification.marketplace_id)
        log = CallLog()
        answer = await self._answer(handler, item, seller, log)
        run = Run(
            claimed=item,
            region=seller.region if seller else None,
            schedule_s=handler.schedule_s or self._settings.schedule_s,
            now_ms=self._clock.now_ms(),
            jitter=random.random(),  # noqa: S311 spreads retries, protects nothing
        )
        if isinstance(answer, CallDeferred):
            result = deferred(run, until_ms=answer.until_ms, slot=answer.slot)
        else:
            result = result_of(run, answer)
        return replace(result, calls=log.calls) if log.calls else result

    async def _answer(
        self, handler: Handler, item: ClaimedHandling, seller: Seller | None, log: CallLog
    ) -> object:
        """Run the author's function; what it raises is an answer too."""
        try:
            with self._deadlines.limit(handler.timeout_s or self._settings.timeout_s):
                return await handler.function(
                    handler.view(item.notification), self._context(handler, item, seller, log)
                )
        except CallDeferred as exc:
            return exc
        except BaseExceptionGroup as group:
            return _answer_of_group(group)
        except Exception as exc:  # noqa: BLE001 whatever an author's code raises is an answer
            return exc

    def _context(
        self, handler: Handler, item: ClaimedHandling, seller: Seller | None, log: CallLog
    ) -> Context:
        return Context(
            handling_id=item.id,
            tries=item.tries,
            now=datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC),
            log=structlog.get_logger("gateway.dispatch", handler=handler.name, handling=item.id),
            state=None if item.saved_state is None else orjson.loads(item.saved_state),
            seller_id=item.notification.seller_id,
            region=seller.region if seller else None,
            marketplace_ids=seller.marketplace_ids if seller else (),
            is_replay=item.replayed_from is not None,
            settings=self._settings.handler_settings.get(handler.name, {}),
            calls=self._sellers.calls(seller, slot=item.slot, log=log) if seller else None,
            recall=partial(self._recall, handler.name, item.notification.seller_id),
            along=partial(self._taken_along, handler, item.id) if item.coalesce else None,
            library=self._library,
            applications=partial(self._sellers.application_calls, slot=item.slot, log=log),
        )

    async def _taken_along(
        self, handler: Handler, handling_id: str
    ) -> AsyncIterator[Notification[Any]]:
        async for stored in taken_along(self._coalesced, handling_id):
            yield handler.view(stored)

    def _report(self, item: ClaimedHandling, result: HandlingResult, duration_s: float) -> None:
        write = _log.warning if result.state is HandlingState.DEAD else _log.info
        write(
            "handling",
            handling=item.id,
            handler=item.handler,
            notification=item.notification.id,
            type=item.notification.type,
            seller=item.notification.seller_id,
            state=result.state.value,
            tries=result.tries,
            events=[event.id for event in result.events],
            due_at_ms=result.due_at_ms,
            waits_for=result.slot,
            error=result.error,
            duration_ms=round(duration_s * 1000, 1),
        )


def _answer_of_group(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return what a handler's own task group came to: a call that waits, or its failures.

    Raises:
        BaseExceptionGroup: It holds something that must not be kept, such as a cancellation.
    """
    waits, others = group.split(CallDeferred)
    if others is not None and not isinstance(others, Exception):
        raise group
    if waits is None:
        return group
    found: list[CallDeferred] = []
    pending: list[BaseException] = [waits]
    while pending:
        one = pending.pop()
        if isinstance(one, CallDeferred):
            found.append(one)
        elif isinstance(one, BaseExceptionGroup):
            pending.extend(one.exceptions)
    return max(found, key=lambda wait: wait.until_ms)
