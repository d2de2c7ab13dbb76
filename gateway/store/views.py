"""What an operator sees: rows as they stand, for the command line, the admin API and metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.model import (
    DeliveryState,
    HandlingState,
    NotificationState,
    Origin,
    StoredNotification,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationView:
    """A notification without its body."""

    id: str
    identity: str
    type: str
    payload_version: str
    seller_id: str | None
    marketplace_id: str | None
    event_time_ms: int | None
    received_at_ms: int
    source: str
    origin: Origin
    state: NotificationState


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlingView:
    """Where a handling stands.

    Attributes:
        due_at_ms: When it runs next, where it is pending.
        parked: Whether it waits behind another one of its key.
    """

    id: str
    notification_id: str
    handler: str
    run: int
    seller_id: str | None
    key: str | None
    state: HandlingState
    parked: bool
    due_at_ms: int
    tries: int
    claims: int
    error: str | None
    coalesced_into: str | None
    replayed_from: str | None
    created_at_ms: int
    ended_at_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationDetail:
    """A notification with its body, and its handlings."""

    notification: StoredNotification
    handlings: Sequence[HandlingView]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """An event without its body."""

    id: str
    type: str
    occurred_at_ms: int
    seller_id: str | None
    marketplace_id: str | None
    notification_id: str | None
    handling_id: str | None
    replayed_from: str | None
    created_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryView:
    """Where a delivery stands.

    Attributes:
        reason: Why it is dead or held, where no attempt says so.
        order_key: Set while it stands in the row of its key's.
        parked: Whether it waits behind another one of its key.
        thin: Whether it is sent in the thin form.
        resent_at_ms: When it was last sent again by hand.
        attempts_before: Attempts made before that; the schedule counts from there.
    """

    id: str
    event_id: str
    event_type: str
    endpoint_id: str
    state: DeliveryState
    due_at_ms: int
    attempts: int
    claims: int
    created_at_ms: int
    ended_at_ms: int | None
    reason: str | None
    order_key: str | None
    parked: bool
    thin: bool
    resent_at_ms: int | None
    attempts_before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptView:
    """One request that was made for a delivery."""

    id: str
    number: int
    started_at_ms: int
    duration_ms: int
    status: int | None
    error_class: str | None
    error: str | None
    answer: bytes
    address: str | None
    charged: bool
    next_due_ms: int | None
    next_reason: str | None
    signature: str | None
    sent_headers: str | None
    dns_ms: int | None
    connect_ms: int | None
    tls_ms: int | None
    first_byte_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryDetail:
    """A delivery with its attempts, the oldest first."""

    delivery: DeliveryView
    attempts: Sequence[AttemptView]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDetail:
    """An event with its body and its deliveries."""

    event: EventView
    body: bytes
    deliveries: Sequence[DeliveryView]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineView:
    """A message that can't be parsed, without its body."""

    id: str
    source: str
    message_id: str
    reason: str
    size_bytes: int
    received_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointHealth:
    """How an endpoint has answered lately.

    Attributes:
        open_until_ms: The breaker is open; the next probe is due then.
        openings: How many times in a row it opened.
        warnings: Warnings given since the first failure.
    """

    endpoint_id: str
    consecutive_failures: int
    first_failure_at_ms: int | None
    last_success_at_ms: int | None
    paused_until_ms: int | None
    open_until_ms: int | None
    openings: int
    warnings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkCounts:
    """How much work of one kind there is.

    Attributes:
        ready: Due and not claimed.
        waiting: Due later.
        parked: Behind another one of the same key.
        oldest_ready_ms: When the oldest ready one was made.
    """

    ready: int
    waiting: int
    parked: int
    leased: int
    held: int
    dead: int
    oldest_ready_ms: int | None

    @property
    def pending(self) -> int:
        """All that wait, for whatever reason."""
        return self.ready + self.waiting + self.parked


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much work there is."""

    handlings: WorkCounts
    deliveries: WorkCounts
    quarantined: int
