"""Fakes round a store, and short ways to say what a test wants of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from gateway.calls_made import CallMade
from gateway.endpoints import Endpoint, EndpointSecret
from gateway.errors import SealError
from gateway.identifiers import Reference
from gateway.model import (
    Arrival,
    Attempt,
    AttemptResult,
    ClaimedDelivery,
    ClaimedHandling,
    Claims,
    DeliveryState,
    Envelope,
    HandlingState,
    IdPrefix,
    NewEvent,
    Origin,
    Owed,
    Unreadable,
    Verdict,
    new_id,
)
from gateway.results import HandlingResult, Settled
from gateway.store import Store
from gateway.store.statements import One, Plan, Rows

START_MS = 1_800_000_000_000
LEASE_MS = 30_000
HANDLER = "order_change"


class FakeClock:
    """Time that stands until it is moved."""

    def __init__(self) -> None:
        self.at_ms = START_MS

    def now_ms(self) -> int:
        return self.at_ms

    def monotonic_s(self) -> float:
        return self.at_ms / 1000

    async def sleep(self, delay_s: float) -> None:
        self.at_ms += round(delay_s * 1000)
        await asyncio.sleep(0)


class FakeSealer:
    """Seals visibly: what is stored must not hold the plain bytes, and contexts must match."""

    def __init__(self, generation: int = 1) -> None:
        self.generation = generation

    def seal(self, plain: bytes, *, context: str) -> bytes:
        masked = bytes(b ^ 0x5A for b in plain)
        return b"sealed%d:" % self.generation + context.encode() + b"\0" + masked

    def open(self, sealed: bytes, *, context: str) -> bytes:
        head, _, masked = sealed.partition(b"\0")
        if not head.startswith(b"sealed") or head.partition(b":")[2] != context.encode():
            raise SealError("not sealed for this context")
        return bytes(b ^ 0x5A for b in masked)

    def needs_reseal(self, sealed: bytes) -> bool:
        return not sealed.startswith(b"sealed%d:" % self.generation)


class RecordedSignals:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.topics: list[str] = []

    def notify(self, topic: str) -> None:
        self.topics.append(topic)


class World:
    """A store with defaults."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        self.store = store
        self.clock = clock

    async def rows(self, sql: str, *params: object) -> list[tuple[object, ...]]:
        """What stands in the database itself."""

        def plan() -> Plan[Rows]:
            return (yield One(sql)(*params))

        return [tuple(row) for row in await self.store._driver.read(plan)]

    async def change(self, sql: str, *params: object) -> None:
        """Change the database itself."""

        def plan() -> Plan[Rows]:
            return (yield One(sql)(*params))

        await self.store._driver.write(plan)

    def arrival(
        self,
        identity: str | None = None,
        *,
        seller: str | None = "A1",
        owed: Sequence[Owed] = (Owed(handler=HANDLER),),
        event_time_ms: int | None = None,
        secret: bool = False,
        subscription: str | None = None,
        body: bytes = b'{"n":1}',
        references: Sequence[Reference] = (),
        marketplace: str | None = None,
        message: str | None = None,
        origin: Origin = Origin.SQS,
    ) -> Arrival:
        self.clock.at_ms += 1
        now_ms = self.clock.at_ms
        arrival_id = new_id(IdPrefix.NOTIFICATION, now_ms)
        return Arrival(
            id=arrival_id,
            envelope=Envelope(
                identity=identity or f"identity-of-{arrival_id}",
                type="ORDER_CHANGE",
                payload_version="1.0",
                body=body,
                event_time_ms=event_time_ms,
                subscription_id=subscription,
                seller_id=seller,
                secret=secret,
                references=references,
                marketplace_id=marketplace,
            ),
            source="queue",
            origin=origin,
            received_at_ms=now_ms,
            owed=owed,
            message_id=message,
        )

    def unreadable(self, message_id: str = "m1", body: bytes = b"\xff") -> Unreadable:
        self.clock.at_ms += 1
        return Unreadable(
            id=new_id(IdPrefix.QUARANTINE, self.clock.at_ms),
            source="queue",
            message_id=message_id,
            body=body,
            reason="no JSON",
            received_at_ms=self.clock.at_ms,
        )

    async def accept(self, *items: Arrival | Unreadable) -> list[Verdict]:
        return await self.store.inbox.accept(items)

    async def keyed(
        self, key: str, *, seller: str = "A1", coalesce: bool = True, at: int = 0
    ) -> str:
        arrival = self.arrival(
            seller=seller,
            owed=[Owed(handler=HANDLER, key=key, coalesce=coalesce)],
            event_time_ms=START_MS + at,
        )
        await self.accept(arrival)
        return arrival.id

    async def claim(
        self, limit: int = 100, *, room: int = 100, lease_ms: int = LEASE_MS
    ) -> Claims[ClaimedHandling]:
        return await self.store.handlings.claim(
            room={HANDLER: room}, limit=limit, lease_ms=lease_ms
        )

    def result(
        self,
        claimed: ClaimedHandling,
        state: HandlingState = HandlingState.HANDLED,
        *,
        events: Sequence[NewEvent] = (),
        due_in_ms: int | None = None,
        saved_state: bytes | None = None,
        slot: str | None = None,
        tries: int = 0,
        error: str | None = None,
        calls: Sequence[CallMade] = (),
    ) -> HandlingResult:
        return HandlingResult(
            id=claimed.id,
            token=claimed.token,
            state=state,
            tries=tries,
            due_at_ms=None if due_in_ms is None else self.clock.at_ms + due_in_ms,
            slot=slot,
            saved_state=saved_state,
            error=error,
            events=events,
            calls=calls,
        )

    async def settle(self, *results: HandlingResult) -> Settled:
        return await self.store.handlings.settle(results)

    def event(self, kind: str = "order.changed", seller: str | None = "A1") -> NewEvent:
        return NewEvent(
            id=new_id(IdPrefix.EVENT, self.clock.at_ms),
            type=kind,
            occurred_at_ms=self.clock.at_ms,
            seller_id=seller,
            marketplace_id=None,
            body=b'{"type":"order.changed"}',
        )

    async def endpoint(
        self,
        *,
        events: Iterable[str] = (),
        sellers: Iterable[str] = (),
        secrets: Sequence[EndpointSecret] = (),
    ) -> Endpoint:
        self.clock.at_ms += 1
        endpoint = Endpoint(
            id=new_id(IdPrefix.ENDPOINT, self.clock.at_ms),
            url="https://example.com/hook",
            event_types=tuple(events),
            seller_ids=tuple(sellers),
            created_at_ms=self.clock.at_ms,
            updated_at_ms=self.clock.at_ms,
            secrets=secrets,
        )
        await self.store.endpoints.add(endpoint)
        return endpoint

    async def publish(self, *events: NewEvent) -> Settled:
        """Bring events into the outbox by way of a handling."""
        await self.accept(self.arrival())
        claimed = (await self.claim()).items[0]
        return await self.settle(self.result(claimed, events=events))

    async def claim_deliveries(
        self, limit: int = 100, *, room: int = 100, lease_ms: int = LEASE_MS
    ) -> Claims[ClaimedDelivery]:
        return await self.store.deliveries.claim(
            room=lambda _: room, limit=limit, lease_ms=lease_ms
        )

    def attempt(
        self,
        claimed: ClaimedDelivery,
        state: DeliveryState = DeliveryState.DELIVERED,
        *,
        due_in_ms: int | None = None,
        pause_in_ms: int | None = None,
        disable: str | None = None,
        charged: bool = True,
    ) -> AttemptResult:
        now_ms = self.clock.at_ms
        delivered = state is DeliveryState.DELIVERED
        return AttemptResult(
            id=claimed.id,
            token=claimed.token,
            endpoint_id=claimed.endpoint_id,
            attempt=Attempt(
                id=new_id(IdPrefix.ATTEMPT, now_ms),
                number=claimed.attempts + 1,
                started_at_ms=now_ms,
                duration_ms=5,
                status=200 if delivered else 500,
                error_class=None if delivered else "server_error",
                error=None if delivered else "500",
                answer=b"",
                address="192.0.2.1:443",
                charged=charged,
            ),
            state=state,
            due_at_ms=None if due_in_ms is None else now_ms + due_in_ms,
            pause_endpoint_until_ms=None if pause_in_ms is None else now_ms + pause_in_ms,
            disable_endpoint=disable,
        )
