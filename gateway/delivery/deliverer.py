"""The stage that delivers: claim deliveries, make one attempt for each, settle what came of it.

It decides which endpoints may be claimed for and whether a claimed delivery is still worth sending;
what it can't send in time it gives back untouched. It writes one canonical log line for each
attempt. What an answer means is `verdict.py`'s, which rows are claimed is the store's.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from gateway.breaker import HealthRules
from gateway.clock import rfc3339
from gateway.delivery.endpoint_book import EndpointBook
from gateway.delivery.lanes import Lane, Lanes, Room
from gateway.delivery.verdict import TOO_OLD, Budget, judge
from gateway.errors import DependencyError
from gateway.model import (
    Attempt,
    AttemptResult,
    ClaimedDelivery,
    DeliveryState,
    IdPrefix,
    new_id,
)
from gateway.retry import DELIVERY_SCHEDULE_S
from gateway.worker.loop import Pace

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.delivery.endpoint_book import EndpointStore
    from gateway.delivery.routes import Route
    from gateway.delivery.verdict import Outcome, Reply
    from gateway.endpoints import Endpoint
    from gateway.model import Claims
    from gateway.results import Settled

_log = structlog.get_logger("gateway.delivery")

# Between an answer and its settled row; a lease must outlast both.
_SETTLE_MARGIN_MS: Final = 5_000
_SETTLE_PATIENCE_MS: Final = 60_000
_CAPACITY_PER_REQUEST: Final = 4


class DeliveryStore(Protocol):
    """What delivery needs of the store."""

    async def claim(
        self, *, room: Callable[[str], int], limit: int, lease_ms: int
    ) -> Claims[ClaimedDelivery]:
        """Lease ready deliveries, fairly between endpoints; `room` is asked in any thread."""
        ...

    async def settle(self, results: Sequence[AttemptResult], *, rules: HealthRules) -> Settled:
        """Record attempts with the next state of their deliveries in one transaction."""
        ...

    async def extend(self, claimed: Iterable[ClaimedDelivery], *, lease_ms: int) -> object:
        """Lengthen leases."""
        ...

    async def release(self, claimed: Iterable[ClaimedDelivery]) -> None:
        """Give back what was not sent; the claim doesn't count."""
        ...


class AttemptMaker(Protocol):
    """Whoever makes attempts: the `Sender`."""

    def prepare(self, endpoint: Endpoint) -> Route:
        """Make an endpoint ready."""
        ...

    async def send(self, route: Route, *, event_id: str, body: bytes) -> Reply:
        """Make one attempt; every fault of it is in the reply."""
        ...


class DeliveryRecorder(Protocol):
    """Where attempts are counted."""

    def attempted(self, outcome: str, state: str, duration_s: float) -> None:
        """Count one attempt: `delivered`, or the class of its error."""
        ...

    def delivered_after(self, latency_s: float) -> None:
        """Record how long after its publication an event was delivered."""
        ...

    def committed(self, settled: Settled) -> None:
        """Count what a settling transaction dropped as stale."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySettings:
    """Bounds of delivery.

    Attributes:
        concurrency: Requests in flight at once in this process.
        lease_s: How long a claim lasts; never less than two deadlines of the slowest endpoint.
        schedule_s: Delay before each attempt, where the endpoint sets none.
        health: When an endpoint is left alone, and when it is given up.
    """

    concurrency: int = 256
    lease_s: float = 60.0
    schedule_s: Sequence[float] = DELIVERY_SCHEDULE_S
    health: HealthRules = field(default_factory=HealthRules)


class Deliverer:
    """The delivery stage."""

    name = "delivery"

    def __init__(
        self,
        deliveries: DeliveryStore,
        endpoints: EndpointStore,
        sender: AttemptMaker,
        settings: DeliverySettings,
        *,
        clock: Clock,
        recorder: DeliveryRecorder,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._deliveries = deliveries
        self._sender = sender
        self._settings = settings
        self._clock = clock
        self._recorder = recorder
        self._jitter = jitter
        self._book = EndpointBook(endpoints, clock)
        self._lanes = Lanes(settings.concurrency)
        self._slots = asyncio.Semaphore(settings.concurrency)
        self._lease_ms = round(settings.lease_s * 1000)
        self._in_hand: dict[str, Lane] = {}
        self.in_flight = 0

    @property
    def pace(self) -> Pace:
        """How its worker should go about it: enough in hand to claim ahead of the requests."""
        return Pace(capacity=self._settings.concurrency * _CAPACITY_PER_REQUEST)

    def endpoints_changed(self) -> None:
        """Read the endpoints again before the next claim."""
        self._book.stale = True

    # ── claim ────────────────────────────────────────────────────────────────────────────────────

    async def claim(self, room: int) -> Claims[ClaimedDelivery]:
        """See `Stage`."""
        await self._refresh()
        claims = await self._claim(room)
        if not claims.items and self._book.stale:
            # Something waits for an endpoint that is newer than what was read.
            await self._refresh()
            claims = await self._claim(room)
        for claimed in claims.items:
            lane = self._lane(claimed.endpoint_id)
            if lane is not None:
                self._lanes.take(lane)
                self._in_hand[claimed.id] = lane
        return claims

    async def _claim(self, room: int) -> Claims[ClaimedDelivery]:
        places = Room(self._lanes, is_known=self._book.knows, now_ms=self._clock.now_ms())
        return await self._deliveries.claim(room=places, limit=room, lease_ms=self._lease_ms)

    async def _refresh(self) -> None:
        if not await self._book.refresh():
            return
        for endpoint_id in self._lanes.ids():
            endpoint = self._book.enabled.get(endpoint_id)
            lane = self._lanes.get(endpoint_id)
            if endpoint is None:
                self._lanes.forget(endpoint_id)
            elif lane is not None and lane.endpoint != endpoint:
                self._lanes.put(endpoint, self._sender.prepare(endpoint))
        slowest_s = max((e.timeout_s or 0.0 for e in self._book.enabled.values()), default=0.0)
        self._lease_ms = max(
            round(self._settings.lease_s * 1000), round(slowest_s * 2000) + _SETTLE_MARGIN_MS
        )

    def _lane(self, endpoint_id: str) -> Lane | None:
        lane = self._lanes.get(endpoint_id)
        if lane is None and (endpoint := self._book.enabled.get(endpoint_id)) is not None:
            lane = self._lanes.put(endpoint, self._sender.prepare(endpoint))
        return lane

    # ── work ─────────────────────────────────────────────────────────────────────────────────────

    async def work(self, item: ClaimedDelivery) -> AttemptResult | None:
        """Make one attempt, or give the delivery back; see `Stage`."""
        lane = self._in_hand.pop(item.id, None)
        if lane is None:
            await self._give_back(item, "endpoint unknown")
            return None
        try:
            result = await self._in_turn(lane, item)
        finally:
            self._lanes.drop(lane)
        if result is None:
            await self._give_back(item, "endpoint slow or resting")
        return result

    async def _in_turn(self, lane: Lane, item: ClaimedDelivery) -> AttemptResult | None:
        if not await lane.enter():
            return None
        try:
            async with self._slots:
                if not self._worth_sending(lane, item):
                    return None
                budget = self._budget(lane, item)
                if budget.is_over(self._clock.now_ms()):
                    return self._given_up(item)
                return await self._attempt(lane, item, budget)
        finally:
            lane.leave()

    def _worth_sending(self, lane: Lane, item: ClaimedDelivery) -> bool:
        """Whether the endpoint still takes requests, and the lease outlasts the attempt."""
        now_ms = self._clock.now_ms()
        needed_ms = round(lane.route.timeout_s * 1000) + _SETTLE_MARGIN_MS
        return (
            not lane.gone
            and now_ms >= lane.rests_until_ms
            and item.lease_until_ms - now_ms >= min(needed_ms, self._lease_ms // 2)
        )

    def _budget(self, lane: Lane, item: ClaimedDelivery) -> Budget:
        schedule_s = lane.endpoint.schedule_s
        return Budget(
            attempts=item.attempts - item.attempts_before,
            since_ms=item.created_at_ms if item.resent_at_ms is None else item.resent_at_ms,
            schedule_s=self._settings.schedule_s if schedule_s is None else schedule_s,
            max_age_s=lane.endpoint.max_age_s,
        )

    def _given_up(self, item: ClaimedDelivery) -> AttemptResult:
        """End a delivery that has grown too old while it waited; no request is made for it."""
        _log.warning("delivery.too_old", delivery_id=item.id, endpoint_id=item.endpoint_id)
        return AttemptResult(
            id=item.id,
            token=item.token,
            endpoint_id=item.endpoint_id,
            attempt=None,
            state=DeliveryState.DEAD,
            reason=TOO_OLD,
            order_key=item.order_key,
        )

    async def _attempt(self, lane: Lane, item: ClaimedDelivery, budget: Budget) -> AttemptResult:
        self.in_flight += 1
        try:
            reply = await self._sender.send(lane.route, event_id=item.event_id, body=item.body)
        finally:
            self.in_flight -= 1
        outcome = judge(reply, budget, now_ms=self._clock.now_ms(), jitter=self._jitter())
        self._learn(lane, reply, outcome)
        self._report(item, reply, outcome)
        return _result(item, lane.route, reply, outcome)

    def _learn(self, lane: Lane, reply: Reply, outcome: Outcome) -> None:
        lane.note(reply.duration_ms, answered=reply.status is not None)
        rest_until_ms = outcome.rest_until_ms
        if outcome.disable is not None:
            # Until the store says so to everybody.
            rest_until_ms = self._clock.now_ms() + _SETTLE_PATIENCE_MS
        if rest_until_ms is not None:
            lane.rest(rest_until_ms)

    def _report(self, item: ClaimedDelivery, reply: Reply, outcome: Outcome) -> None:
        self._recorder.attempted(
            reply.error_class.value if reply.error_class is not None else "delivered",
            outcome.state.value,
            reply.duration_ms / 1000,
        )
        delivered = outcome.state is DeliveryState.DELIVERED
        if delivered:
            ended_ms = reply.started_at_ms + reply.duration_ms
            self._recorder.delivered_after(max(0, ended_ms - item.created_at_ms) / 1000)
        (_log.info if delivered else _log.warning)(
            "delivery.attempt",
            delivery_id=item.id,
            endpoint_id=item.endpoint_id,
            event_id=item.event_id,
            event_type=item.event_type,
            number=item.attempts + 1,
            status=reply.status,
            error_class=reply.error_class,
            error=reply.error,
            state=outcome.state,
            duration_ms=reply.duration_ms,
            next_due=None if outcome.due_at_ms is None else rfc3339(outcome.due_at_ms),
        )

    async def _give_back(self, item: ClaimedDelivery, reason: str) -> None:
        try:
            await self._deliveries.release([item])
        except DependencyError as exc:
            # Its lease ends by itself.
            _log.warning("delivery.release_failed", delivery_id=item.id, fault=str(exc))
        else:
            _log.debug("delivery.given_back", delivery_id=item.id, reason=reason)

    # ── settle ───────────────────────────────────────────────────────────────────────────────────

    async def settle(self, results: Sequence[AttemptResult]) -> None:
        """See `Stage`."""
        settled = await self._deliveries.settle(results, rules=self._settings.health)
        self._recorder.committed(settled)
        for endpoint_id, until_ms in settled.resting.items():
            # What is claimed of it already goes back; a probe is claimed by itself.
            if (lane := self._lanes.get(endpoint_id)) is not None:
                lane.rest(until_ms)
        for delivery_id in settled.stale:
            _log.warning("delivery.stale", delivery_id=delivery_id)
        if any(result.disable_endpoint is not None for result in results):
            self._book.stale = True

    async def extend(self, items: Sequence[ClaimedDelivery]) -> None:
        """See `Stage`."""
        await self._deliveries.extend(items, lease_ms=self._lease_ms)

    async def release(self, items: Sequence[ClaimedDelivery]) -> None:
        """See `Stage`."""
        await self._deliveries.release(items)


def _result(item: ClaimedDelivery, route: Route, reply: Reply, outcome: Outcome) -> AttemptResult:
    dns_ms, connect_ms, tls_ms, first_byte_ms = reply.timings
    return AttemptResult(
        id=item.id,
        token=item.token,
        endpoint_id=item.endpoint_id,
        attempt=Attempt(
            id=new_id(IdPrefix.ATTEMPT, reply.started_at_ms),
            number=item.attempts + 1,
            started_at_ms=reply.started_at_ms,
            duration_ms=reply.duration_ms,
            status=reply.status,
            error_class=None if reply.error_class is None else reply.error_class.value,
            error=reply.error,
            answer=reply.answer,
            address=reply.address,
            charged=reply.charged,
            signature=reply.signature,
            sent_headers=route.sent_headers,
            dns_ms=dns_ms,
            connect_ms=connect_ms,
            tls_ms=tls_ms,
            first_byte_ms=first_byte_ms,
        ),
        state=outcome.state,
        due_at_ms=outcome.due_at_ms,
        reason=outcome.reason,
        pause_endpoint_until_ms=outcome.rest_until_ms,
        disable_endpoint=outcome.disable,
        order_key=item.order_key,
        probe=item.probe,
    )
