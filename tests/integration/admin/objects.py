"""One of everything for a tenant: what the parameters of paths can name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.access import Scope, new_api_key
from gateway.delivery.signing import new_secret
from gateway.endpoints import Endpoint, Transport
from gateway.erasures import SubjectKind
from gateway.jobs.desk import JobWish
from gateway.model import (
    Application,
    Arrival,
    Attempt,
    AttemptResult,
    DeliveryState,
    Envelope,
    IdPrefix,
    NewEvent,
    Origin,
    Owed,
    Seller,
    Unreadable,
    new_id,
)
from gateway.operations import OperationKind, Selection
from gateway.replay.starting import new_operation
from gateway.retention.asking import new_erasure
from tests.integration.admin.world import AdminWorld

# A port that nobody listens on: what is tested there fails at once.
URL = "http://127.0.0.1:1/hook"


@dataclass
class Objects:
    """Ids by the name of the path's parameter."""

    ids: dict[str, str]

    def path(self, template: str) -> str:
        return template.format(**self.ids)


async def make_objects(world: AdminWorld, tenant: str | None) -> Objects:
    """Make an endpoint of `tenant` with an event delivered to it alone, and all that is nobody's."""
    endpoint = await make_endpoint(world, tenant)
    event = await publish(world, endpoint.event_types[0])
    page = await world.store.feeds.read(endpoint.id, "default", after=None, limit=1)
    await world.store.feeds.acknowledge(endpoint.id, "default", page.position)
    delivery_id, attempt_id = await _attempted(world, endpoint.id)
    notification_id, handling_id = await _notified(world)
    key, _ = new_api_key(world.clock.now_ms(), name="", scopes=[Scope.READ], tenant=tenant)
    await world.store.api_keys.add(key)
    return Objects(
        {
            "endpoint_id": endpoint.id,
            "secret_id": endpoint.secrets[0].id,
            "event_id": event.id,
            "delivery_id": delivery_id,
            "attempt_id": attempt_id,
            "notification_id": notification_id,
            "handling_id": handling_id,
            "job_id": await _requested(world),
            "quarantine_id": await _quarantined(world),
            "key_id": key.id,
            "event_type": "endpoint.test",
            "consumer": "default",
            "thing_id": notification_id,
            "operation_id": await _begun(world),
            "seller_id": await _seller(world),
            "erasure_id": await _erased(world),
        }
    )


async def _requested(world: AdminWorld) -> str:
    wish = JobWish(job="tidy", seller_ids=["A1"], options={})
    (requested,) = await world.api.jobs.request(wish, world.store.inbox)
    return requested.id


async def make_endpoint(world: AdminWorld, tenant: str | None, **fields: Any) -> Endpoint:
    """Make an endpoint that takes one type of event that no other takes."""
    now_ms = world.clock.now_ms()
    endpoint_id = new_id(IdPrefix.ENDPOINT, now_ms)
    endpoint = Endpoint(
        id=endpoint_id,
        **{
            "url": URL,
            "transport": Transport.BOTH,
            "tenant": tenant,
            "event_types": (f"only.{endpoint_id}",),
            "created_at_ms": now_ms,
            "updated_at_ms": now_ms,
            "secrets": (new_secret(now_ms), new_secret(now_ms + 1)),
            **fields,
        },
    )
    await world.store.endpoints.add(endpoint)
    return endpoint


async def publish(world: AdminWorld, kind: str, body: bytes = b'{"data": {}}') -> NewEvent:
    now_ms = world.clock.now_ms()
    event = NewEvent(
        id=new_id(IdPrefix.EVENT, now_ms),
        type=kind,
        occurred_at_ms=now_ms,
        seller_id=None,
        marketplace_id=None,
        body=body,
    )
    await world.store.outbox.publish(event)
    return event


async def _attempted(world: AdminWorld, endpoint_id: str) -> tuple[str, str]:
    claims = await world.store.deliveries.claim(
        room=lambda of: 10 if of == endpoint_id else 0, limit=10, lease_ms=60_000
    )
    (claimed,) = claims.items
    now_ms = world.clock.now_ms()
    attempt_id = new_id(IdPrefix.ATTEMPT, now_ms)
    attempt = Attempt(
        id=attempt_id,
        number=1,
        started_at_ms=now_ms,
        duration_ms=5,
        status=500,
        error_class="http_5xx",
        error="answered 500",
        answer=b"\xff no",
        address="192.0.2.1:443",
    )
    result = AttemptResult(
        id=claimed.id,
        token=claimed.token,
        endpoint_id=endpoint_id,
        attempt=attempt,
        state=DeliveryState.DEAD,
    )
    await world.store.deliveries.settle([result])
    return claimed.id, attempt_id


async def _quarantined(world: AdminWorld) -> str:
    now_ms = world.clock.now_ms()
    quarantine_id = new_id(IdPrefix.QUARANTINE, now_ms)
    unreadable = Unreadable(
        id=quarantine_id,
        source="queue",
        message_id=quarantine_id,
        body=b"\xff refresh Atzr|hidden-token-1",
        reason="no JSON",
        received_at_ms=now_ms,
    )
    await world.store.inbox.accept([unreadable])
    return quarantine_id


async def _notified(world: AdminWorld) -> tuple[str, str]:
    now_ms = world.clock.now_ms()
    notification_id = new_id(IdPrefix.NOTIFICATION, now_ms)
    arrival = Arrival(
        id=notification_id,
        envelope=Envelope(
            identity=f"i-{notification_id}", type="ORDER_CHANGE", payload_version="1.0", body=b"{}"
        ),
        source="queue",
        origin=Origin.SQS,
        received_at_ms=now_ms,
        owed=[Owed(handler="order_change")],
    )
    await world.store.inbox.accept([arrival])
    (handling,) = (await world.store.queries.notification(notification_id)).handlings
    return notification_id, handling.id


async def _seller(world: AdminWorld) -> str:
    seller = Seller(
        id="A1", application_id="main", region="eu", refresh_token="Atzr|hidden-token-2"
    )
    await world.store.sellers.put_application(
        Application(id="main", client_id="c", client_secret="hidden-secret-2")
    )
    await world.store.sellers.put_seller(seller)
    return seller.id


async def _begun(world: AdminWorld) -> str:
    now_ms = world.clock.now_ms()
    selection = Selection(from_ms=now_ms - 1, to_ms=now_ms)
    operation = new_operation(OperationKind.REPLAY, selection, now_ms)
    await world.store.operations.start(operation)
    return operation.id


async def _erased(world: AdminWorld) -> str:
    given: dict[SubjectKind, str | None] = {SubjectKind.BUYER: "nobody@example.com"}
    erasure = new_erasure(given, (), world.clock.now_ms())
    await world.store.erasures.start(erasure)
    return erasure.id
