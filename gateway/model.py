"""The nouns that the rooms hand to each other: ids, states and frozen records. No I/O.

All times are integer milliseconds since the epoch, UTC (`…_ms`). Records that go into the store are
named for what they are on the way (`Arrival`, `HandlingResult`, `AttemptResult`), records that come
out of it for what they are there (`StoredNotification`, `ClaimedHandling`, `Endpoint`, …).
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.identifiers import Reference


class IdPrefix(StrEnum):
    """What an id names."""

    NOTIFICATION = "ntf"
    HANDLING = "hdl"
    EVENT = "evt"
    ENDPOINT = "ep"
    SECRET = "sec"  # noqa: S105 a prefix
    DELIVERY = "dlv"
    ATTEMPT = "att"
    QUARANTINE = "qtn"
    API_KEY = "key"
    AUDIT = "aud"
    REQUEST = "req"
    DOCUMENT = "doc"
    OPERATION = "op"
    ERASURE = "era"
    ARCHIVE = "arc"


T_co = TypeVar("T_co", covariant=True)

_UUID_VERSION_7 = 0x7 << 76
_UUID_VARIANT = 0b10 << 62


class _Noise(random.Random):
    """The 74 bits of an id that are not its time: growing within a millisecond, otherwise random.

    Ids must differ, they need not be secret: seeded by the system once, not asked for each id,
    which costs a system call. Steps are random, so that two threads never count the same numbers;
    a millisecond has room for 2^25 of the largest.
    """

    last_ms = last = 0

    def next(self, now_ms: int) -> int:
        if now_ms == self.last_ms:
            self.last += 1 + self.getrandbits(48)
        else:
            self.last_ms, self.last = now_ms, self.getrandbits(73)
        return self.last


_noise = _Noise()
# A forked child must not go on with its parent's numbers.
os.register_at_fork(after_in_child=_noise.seed)


def new_id(prefix: IdPrefix, now_ms: int) -> str:
    """Return a prefixed UUIDv7 (RFC 9562) in hex: unique, and sorted by time.

    Ids that one process makes one after another in one millisecond are sorted too.
    """
    noise = _noise.next(now_ms)
    rand_a, rand_b = noise >> 62, noise & ((1 << 62) - 1)
    stamp = (now_ms & ((1 << 48) - 1)) << 80
    value = stamp | _UUID_VERSION_7 | rand_a << 64 | _UUID_VARIANT | rand_b
    return f"{prefix}_{value:032x}"


def new_token() -> int:
    """Return a random claim token: 63 bits, never zero."""
    return int.from_bytes(os.urandom(8), "big") >> 1 or 1


class NotificationState(StrEnum):
    """What became of a notification on arrival."""

    ACCEPTED = "accepted"
    IGNORED = "ignored"
    QUARANTINED = "quarantined"


class HandlingState(StrEnum):
    """Where a handling stands."""

    PENDING = "pending"
    LEASED = "leased"
    HANDLED = "handled"
    COALESCED = "coalesced"
    DUPLICATE = "duplicate"
    SKIPPED = "skipped"
    DEAD = "dead"


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    LEASED = "leased"
    HELD = "held"
    DELIVERED = "delivered"
    DEAD = "dead"
    CANCELLED = "cancelled"


class SellerState(StrEnum):
    """Whether follow-up calls are made for a seller."""

    ACTIVE = "active"
    PAUSED = "paused"


class PausedBy(StrEnum):
    """Who paused a seller, and so what ends it: a new authorisation, or an operator alone."""

    GATEWAY = "gateway"
    OPERATOR = "operator"


class Origin(StrEnum):
    """How a notification came in."""

    SQS = "sqs"
    EVENTBRIDGE_REPLAY = "eventbridge_replay"
    SWEEP = "sweep"
    INJECT = "inject"
    SCHEDULE = "schedule"
    REQUEST = "request"


class Verdict(StrEnum):
    """What the inbox did with one arrival."""

    ACCEPTED = "accepted"
    IGNORED = "ignored"
    DUPLICATE = "duplicate"
    QUARANTINED = "quarantined"


# ── inbox ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What the outer JSON of a message says, with the payload still unread.

    Attributes:
        identity: Amazon's notification id; where there is none, `sha256:` + hex of `body`.
        body: The unwrapped notification's JSON, exactly the bytes that are stored.
        secret: Whether `body` holds a live credential and must be sealed before it is stored.
        replay_name: The replay of EventBridge's archive that sent it once more, or None.
        references: What it is about, and can be found by later.
    """

    identity: str
    type: str
    payload_version: str
    body: bytes
    event_time_ms: int | None = None
    subscription_id: str | None = None
    application_id: str | None = None
    seller_id: str | None = None
    marketplace_id: str | None = None
    secret: bool = False
    replay_name: str | None = None
    references: Sequence[Reference] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """One handler that a notification is owed to.

    Attributes:
        key: Handlings of one (handler, seller, key) run one at a time; None for no order.
        coalesce: Whether those that wait behind one key collapse into the newest.
        once: At most one handling of a (handler, seller, once) ends handled; None for no bound.
            Without a key of its own it is the key too, so that the others wait for the outcome.
    """

    handler: str
    key: str | None = None
    coalesce: bool = False
    once: str | None = None

    def __post_init__(self) -> None:
        if self.once is not None and self.key is None:
            object.__setattr__(self, "key", self.once)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A notification on its way into the inbox; none of `owed` means it is kept as ignored.

    Attributes:
        subject: What it is about, where its type is swept for gaps.
        noted, seller_noted: Whether it is noted as newest of its type; of its type and seller.
        message_id: The queue's own id of the message that it came in; None where it came in none.
    """

    id: str
    envelope: Envelope
    source: str
    origin: Origin
    received_at_ms: int
    owed: Sequence[Owed] = ()
    subject: str | None = None
    noted: bool = False
    seller_noted: bool = False
    message_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A message that can't be parsed, on its way into quarantine.

    Attributes:
        message_id: The queue's own id; with `body` it recognises a redelivery of the same message.
    """

    id: str
    source: str
    message_id: str
    body: bytes
    reason: str
    received_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredNotification:
    """A notification as the inbox keeps it; `body` is open again where it was sealed."""

    id: str
    identity: str
    type: str
    payload_version: str
    seller_id: str | None
    marketplace_id: str | None
    application_id: str | None
    subscription_id: str | None
    event_time_ms: int | None
    received_at_ms: int
    source: str
    origin: Origin
    state: NotificationState
    body: bytes


# ── handlings ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedHandling:
    """A handling that this process holds until its lease ends.

    Attributes:
        tries: Runs that ended in a failure so far.
        claims: Times it was claimed, this one included; rises also where the process died.
        slot: Usage-plan bucket whose promised token it comes back for, or None.
        saved_state: JSON bytes that its last `Later` kept, or None.
        replayed_from: Id of the handling it repeats, or None for the live run.
    """

    id: str
    token: int
    handler: str
    run: int
    tries: int
    claims: int
    key: str | None
    coalesce: bool
    slot: str | None
    saved_state: bytes | None
    replayed_from: str | None
    created_at_ms: int
    notification: StoredNotification


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """An event about to be published; `body` is what every attempt sends, byte for byte.

    Attributes:
        order_key: Events of one key go out one after the other to endpoints that keep order.
    """

    id: str
    type: str
    occurred_at_ms: int
    seller_id: str | None
    marketplace_id: str | None
    body: bytes
    replayed_from: str | None = None
    order_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims(Generic[T_co]):
    """A batch of claimed rows.

    Attributes:
        items: The rows, at most the limit asked for.
        next_due_ms: When the next row that is not ready yet becomes due; None if none waits.
        more: Whether ready rows were left that a next claim may find at once.
    """

    items: Sequence[T_co]
    next_due_ms: int | None = None
    more: bool = False


# ── delivery ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedDelivery:
    """A delivery that this process holds until its lease ends.

    Attributes:
        body: In the form that the delivery was made in.
        attempts: Attempts that were the endpoint's, over all.
        attempts_before: Those of them before it was last sent again by hand: the schedule counts
            from there.
        resent_at_ms: When that was.
        order_key: Set while others may wait behind it.
        probe: Whether its endpoint's breaker is open, and this one may be tried.
    """

    id: str
    token: int
    lease_until_ms: int
    endpoint_id: str
    event_id: str
    event_type: str
    body: bytes
    attempts: int
    claims: int
    created_at_ms: int
    attempts_before: int = 0
    resent_at_ms: int | None = None
    order_key: str | None = None
    probe: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One HTTP request for a delivery, as it is recorded.

    Attributes:
        number: 1 for the first that was the endpoint's.
        error_class: None for a delivered one, else a word of `delivery/sender.py`'s table.
        answer: First part of the decoded answer's body.
        address: IP address and port that was dialled.
        charged: Whether it counts against the endpoint; our own faults don't.
        signature: What `webhook-signature` was.
        sent_headers: The endpoint's own headers as JSON text, credentials masked; None for none.
        dns_ms: Time of the look-up; None, as the next two, where a kept-alive connection was used.
        connect_ms: Time until the TCP connection stood.
        tls_ms: Time of the TLS handshake; None without TLS.
        first_byte_ms: Time from then until the answer's head was there; None where none came.
    """

    id: str
    number: int
    started_at_ms: int
    duration_ms: int
    status: int | None
    error_class: str | None
    error: str | None
    answer: bytes
    address: str | None
    charged: bool = True
    signature: str | None = None
    sent_headers: str | None = None
    dns_ms: int | None = None
    connect_ms: int | None = None
    tls_ms: int | None = None
    first_byte_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptResult:
    """What one claim of a delivery came to.

    Attributes:
        attempt: The request that was made; None where it was given up without one.
        state: PENDING (again at `due_at_ms`), DELIVERED, DEAD or HELD.
        reason: Why it is due then, held or dead; None for a delivered one.
        pause_endpoint_until_ms: The endpoint is throttled until then.
        disable_endpoint: Reason for disabling it at once, or None.
        order_key: As claimed.
        probe: As claimed.
    """

    id: str
    token: int
    endpoint_id: str
    attempt: Attempt | None
    state: DeliveryState
    due_at_ms: int | None = None
    reason: str | None = None
    pause_endpoint_until_ms: int | None = None
    disable_endpoint: str | None = None
    order_key: str | None = None
    probe: bool = False


# ── sellers and usage plans ──────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """An SP-API application: who asks Login with Amazon for tokens.

    Attributes:
        old_client_secret: The one before the present one, which works until `old_expires_at_ms`.
    """

    id: str
    client_id: str
    client_secret: str = field(repr=False)
    old_client_secret: str | None = field(default=None, repr=False)
    old_expires_at_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seller:
    """A selling partner (a vendor too) that authorised an application for one region.

    Attributes:
        paused_by: Who paused it; None while it is active.
        tags: Words that subscriptions and lists choose sellers by.
        authorised_at_ms: When it authorised; None where nobody said.
        checked_at_ms: When Amazon was last asked where it sells; None for never.
        check_fault: What Amazon says that differs from what is known here, or None.
    """

    id: str
    application_id: str
    region: str
    refresh_token: str = field(repr=False)
    marketplace_ids: Sequence[str] = ()
    state: SellerState = SellerState.ACTIVE
    paused_reason: str | None = None
    paused_by: PausedBy | None = None
    tags: Sequence[str] = ()
    authorised_at_ms: int | None = None
    checked_at_ms: int | None = None
    check_fault: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsagePlan:
    """A token bucket: `rate_per_s` tokens a second, at most `burst` kept."""

    rate_per_s: float
    burst: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a bucket answered to a request for tokens.

    Attributes:
        granted: How many calls may be made at once.
        slots_ms: For each call that was refused, the time at which a token is promised to it.
        token_at_ms: When the bucket's next token exists; the base of a short wait.
    """

    granted: int
    slots_ms: Sequence[int] = ()
    token_at_ms: int = 0
