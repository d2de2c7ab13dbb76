"""Runs handlers as the dispatcher does, up to the bodies that would be delivered."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import structlog

from gateway.dispatch.outcomes import Run, result_of
from gateway.dispatch.registry import Registry
from gateway.documents.library import Library
from gateway.envelope import read_envelope
from gateway.handling import Context
from gateway.model import (
    ClaimedHandling,
    HandlingState,
    NotificationState,
    Origin,
    StoredNotification,
)
from gateway.results import HandlingResult
from gateway.routing import Handler
from gateway.spapi.apis.fulfillment_outbound import FulfillmentOutbound
from gateway.spapi.apis.listings_items import ListingsItems
from gateway.spapi.apis.pricing import Pricing
from tests.support.events import MAX_BYTES, assert_as_declared

NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
NOW_MS = round(NOW.timestamp() * 1000)


class CannedCalls:
    """A seller's calls that answer what they were given, by operation."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self._answers = answers
        self.made: list[tuple[str, dict[str, Any]]] = []

    async def call(self, name: str, /, **parameters: Any) -> Any:
        self.made.append((name.rpartition(".")[2], parameters))
        answer = self._answers[name.rpartition(".")[2]]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def paginate(self, name: str, /, **parameters: Any) -> Any:
        raise NotImplementedError


def stored(body: bytes) -> StoredNotification:
    """The notification as the inbox would hold it."""
    envelope = read_envelope(body)
    return StoredNotification(
        id="ntf_1",
        identity=envelope.identity,
        type=envelope.type,
        payload_version=envelope.payload_version,
        seller_id=envelope.seller_id,
        marketplace_id=envelope.marketplace_id,
        application_id=envelope.application_id,
        subscription_id=envelope.subscription_id,
        event_time_ms=envelope.event_time_ms,
        received_at_ms=NOW_MS,
        source="test",
        origin=Origin.INJECT,
        state=NotificationState.ACCEPTED,
        body=envelope.body,
    )


async def run(
    handler: Handler,
    notification: StoredNotification,
    calls: CannedCalls | None = None,
    *,
    settings: Mapping[str, Any] | None = None,
    marketplace_ids: Sequence[str] = (),
    library: Library | None = None,
) -> HandlingResult:
    """Run a handler once; whatever it raises is an answer, as it is to the dispatcher."""
    made = calls or CannedCalls({})
    spapi: Any = SimpleNamespace(
        call=made.call,
        listings_items=ListingsItems(made, notification.seller_id or ""),
        fulfillment_outbound=FulfillmentOutbound(made),
        pricing=Pricing(made),
    )
    ctx = Context(
        handling_id="hdl_1",
        tries=0,
        now=NOW,
        log=structlog.get_logger(),
        seller_id=notification.seller_id,
        region="eu",
        marketplace_ids=marketplace_ids,
        settings=settings or {},
        calls=spapi,
        library=library,
    )
    try:
        answer: Any = await handler.function(handler.view(notification), ctx)
    except Exception as exc:
        answer = exc
    claimed = ClaimedHandling(
        id="hdl_1",
        token=1,
        handler=handler.name,
        run=0,
        tries=0,
        claims=1,
        key=None,
        coalesce=False,
        slot=None,
        saved_state=None,
        replayed_from=None,
        created_at_ms=NOW_MS,
        notification=notification,
    )
    return result_of(
        Run(claimed=claimed, region="eu", schedule_s=(0, 5), now_ms=NOW_MS, jitter=0.0), answer
    )


def bodies(result: HandlingResult, registry: Registry) -> list[dict[str, Any]]:
    """The events of a run as receivers get them, each held against its schema and its size."""
    assert result.state is HandlingState.HANDLED, result.error
    read = []
    for event in result.events:
        assert len(event.body) < MAX_BYTES, f"{event.type} has {len(event.body)} bytes"
        body: dict[str, Any] = json.loads(event.body)
        assert_as_declared(body, registry.event_types.values())
        read.append(body)
    return read
