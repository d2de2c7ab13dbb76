"""What runs of handlings came to, on its way into the store, and what was written of it. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.calls_made import CallMade
    from gateway.model import HandlingState, NewEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What a handler keeps of one thing between handlings; `value` is JSON."""

    name: str
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RotatedSecret:
    """A new client secret of an application.

    Attributes:
        expires_at_ms: When it stops working; None where Amazon didn't say.
        old_expires_at_ms: When the one before it does.
    """

    client_id: str
    client_secret: str = field(repr=False)
    expires_at_ms: int | None
    old_expires_at_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlingResult:
    """What one run of a handling came to.

    Attributes:
        state: PENDING (again at `due_at_ms`), HANDLED, SKIPPED, DUPLICATE or DEAD.
        tries: The new count of failed runs.
        error: What went wrong, for an operator; None where nothing did.
        events: Published in the same transaction; empty unless `state` is HANDLED.
        memories: Written in the same transaction, unless another handling had the same `once`.
        secrets: Put in use in the same transaction, likewise.
        calls: Follow-up calls that the run made.
    """

    id: str
    token: int
    state: HandlingState
    tries: int
    due_at_ms: int | None = None
    slot: str | None = None
    saved_state: bytes | None = None
    error: str | None = None
    events: Sequence[NewEvent] = ()
    memories: Sequence[Memory] = ()
    secrets: Sequence[RotatedSecret] = ()
    calls: Sequence[CallMade] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What a settling transaction wrote.

    Attributes:
        stale: Ids whose claim token was no longer the current one; nothing was written for them.
        duplicates: Ids that ended as duplicates, because another handling had the same `once`.
        events: Number of events published.
        deliveries: Number of deliveries made.
        resting: Endpoints whose breaker opened, with the time until which it stays so.
    """

    stale: frozenset[str] = frozenset()
    duplicates: frozenset[str] = frozenset()
    events: int = 0
    deliveries: int = 0
    resting: Mapping[str, int] = field(default_factory=dict)
