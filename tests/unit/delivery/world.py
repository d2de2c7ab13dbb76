"""A store and a sender without database and network, for the deliverer."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from gateway.breaker import HealthRules
from gateway.clock import Clock
from gateway.delivery.faults import ErrorClass
from gateway.delivery.routes import Route
from gateway.delivery.verdict import Reply
from gateway.endpoints import Endpoint, EndpointState
from gateway.errors import StoreUnavailableError
from gateway.model import AttemptResult, ClaimedDelivery, Claims, DeliveryState
from gateway.results import Settled


class MemoryStore:
    """Deliveries and endpoints in dictionaries, with the store's rules that delivery relies on."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.endpoints: dict[str, Endpoint] = {}
        self.changes = 0
        self.reads = 0
        self.looks = 0
        self.pending: defaultdict[str, list[ClaimedDelivery]] = defaultdict(list)
        self.leased: dict[str, ClaimedDelivery] = {}
        self.settled: dict[str, AttemptResult] = {}
        self.released: list[str] = []
        self.leases_ms: list[int] = []
        self.stale: set[str] = set()
        self.resting: dict[str, int] = {}
        self.release_fault: StoreUnavailableError | None = None
        self._tokens = 0

    def put(self, endpoint: Endpoint) -> Endpoint:
        self.endpoints[endpoint.id] = endpoint
        self.changes += 1
        return endpoint

    def owe(self, endpoint_id: str, count: int = 1, *, attempts: int = 0) -> None:
        for _ in range(count):
            self._tokens += 1
            number = self._tokens
            self.pending[endpoint_id].append(
                ClaimedDelivery(
                    id=f"dlv_{number}",
                    token=0,
                    lease_until_ms=0,
                    endpoint_id=endpoint_id,
                    event_id=f"evt_{number}",
                    event_type="order.changed",
                    body=b"{}",
                    attempts=attempts,
                    claims=0,
                    created_at_ms=self._clock.now_ms(),
                )
            )

    def of(self, endpoint_id: str) -> list[AttemptResult]:
        return [r for r in self.settled.values() if r.endpoint_id == endpoint_id]

    # ── as the deliverer sees it ─────────────────────────────────────────────────────────────────

    async def version(self) -> int:
        self.looks += 1
        return self.changes

    async def all_with_secrets(self) -> tuple[int, Sequence[Endpoint]]:
        self.reads += 1
        return self.changes, list(self.endpoints.values())

    async def claim(
        self, *, room: Callable[[str], int], limit: int, lease_ms: int
    ) -> Claims[ClaimedDelivery]:
        self.leases_ms.append(lease_ms)
        claimed: list[ClaimedDelivery] = []
        for endpoint_id, waiting in self.pending.items():
            endpoint = self.endpoints.get(endpoint_id)
            if not waiting or endpoint is None or endpoint.state is not EndpointState.ENABLED:
                continue
            count = min(room(endpoint_id), limit - len(claimed))
            taken, self.pending[endpoint_id] = waiting[:count], waiting[count:]
            for delivery in taken:
                self._tokens += 1
                leased = dataclasses.replace(
                    delivery,
                    token=self._tokens,
                    lease_until_ms=self._clock.now_ms() + lease_ms,
                    claims=delivery.claims + 1,
                )
                self.leased[leased.id] = leased
                claimed.append(leased)
        return Claims(items=claimed)

    async def settle(self, results: Sequence[AttemptResult], *, rules: HealthRules) -> Settled:
        stale = frozenset(r.id for r in results if r.id in self.stale)
        for result in results:
            if result.id in stale:
                continue
            assert self.leased.pop(result.id).token == result.token
            self.settled[result.id] = result
            if result.disable_endpoint is not None:
                gone = self.endpoints[result.endpoint_id]
                self.put(dataclasses.replace(gone, state=EndpointState.DISABLED))
        return Settled(stale=stale, resting=self.resting)

    async def extend(self, claimed: Iterable[ClaimedDelivery], *, lease_ms: int) -> object:
        for delivery in claimed:
            self.leased[delivery.id] = dataclasses.replace(
                delivery, lease_until_ms=self._clock.now_ms() + lease_ms
            )
        return frozenset()

    async def release(self, claimed: Iterable[ClaimedDelivery]) -> None:
        if self.release_fault is not None:
            raise self.release_fault
        for delivery in claimed:
            self.released.append(delivery.id)
            back = self.leased.pop(delivery.id)
            self.pending[back.endpoint_id].append(dataclasses.replace(back, claims=back.claims - 1))


class ScriptedSender:
    """Answers each endpoint as told; `hang` never answers until it is let go."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.answers: dict[str, Reply] = {}
        self.hanging: dict[str, asyncio.Event] = {}
        self.prepared: list[Endpoint] = []
        self.sent: list[str] = []
        self.in_flight: defaultdict[str, int] = defaultdict(int)
        self.most_in_flight: defaultdict[str, int] = defaultdict(int)
        self._routes: dict[int, str] = {}

    def answer(
        self,
        endpoint_id: str,
        error_class: ErrorClass | None = None,
        *,
        duration_ms: int = 5,
        retry_after_s: float | None = None,
    ) -> None:
        self.answers[endpoint_id] = Reply(
            started_at_ms=self._clock.now_ms(),
            duration_ms=duration_ms,
            status=503 if error_class else 200,
            error_class=error_class,
            retry_after_s=retry_after_s,
        )

    def hang(self, endpoint_id: str) -> asyncio.Event:
        self.hanging[endpoint_id] = asyncio.Event()
        return self.hanging[endpoint_id]

    def prepare(self, endpoint: Endpoint) -> Route:
        self.prepared.append(endpoint)
        timeout_s = endpoint.timeout_s if endpoint.timeout_s is not None else 15.0
        return Route(
            target=None, headers={"x-endpoint": endpoint.id}, signer=None, timeout_s=timeout_s
        )

    async def send(self, route: Route, *, event_id: str, body: bytes) -> Reply:
        endpoint_id = route.headers["x-endpoint"]
        self.sent.append(event_id)
        self.in_flight[endpoint_id] += 1
        self.most_in_flight[endpoint_id] = max(
            self.most_in_flight[endpoint_id], self.in_flight[endpoint_id]
        )
        try:
            if endpoint_id in self.hanging:
                await self.hanging[endpoint_id].wait()
            else:
                await asyncio.sleep(0)
        finally:
            self.in_flight[endpoint_id] -= 1
        if endpoint_id not in self.answers:
            self.answer(endpoint_id)
        return self.answers[endpoint_id]


class Recorder:
    """Keeps what was counted."""

    def __init__(self) -> None:
        self.attempts: list[tuple[str, str, float]] = []
        self.latencies_s: list[float] = []

    def attempted(self, outcome: str, state: str, duration_s: float) -> None:
        self.attempts.append((outcome, state, duration_s))

    def delivered_after(self, latency_s: float) -> None:
        self.latencies_s.append(latency_s)

    def committed(self, settled) -> None: ...


async def until(condition: Callable[[], object], *, within_s: float = 10.0) -> None:
    """Return once `condition` holds.

    Raises:
        TimeoutError: It did not come to hold.
    """
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.001)


__all__ = ["DeliveryState", "MemoryStore", "Recorder", "ScriptedSender", "until"]
