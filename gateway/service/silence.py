"""Silence as the service composes it: what ingest notes for it, and who listens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.ingest.noting import ArrivalNotes
from gateway.service.subscriptions import declared
from gateway.subscriptions.silence import watches_of
from gateway.subscriptions.watching import Listener

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.clock import Clock
    from gateway.settings import Settings
    from gateway.store import Store
    from gateway.subscriptions.silence import Watch
    from gateway.subscriptions.watching import Examine

_TYPE_EVERY_MS = 10_000
_SELLER_EVERY_MS = 60_000


def arrival_notes(settings: Settings) -> ArrivalNotes:
    """Return what ingest asks which arrivals are noted as the newest.

    Raises:
        ConfigurationError: Amazon would refuse some of what is declared.
    """
    watches = watches_of(declared(settings))
    slack_ms = _slack_ms(watches)
    return ArrivalNotes(
        every_ms=min(_TYPE_EVERY_MS, slack_ms),
        seller_types={one.type for one in watches},
        seller_every_ms=slack_ms,
    )


def listener(
    settings: Settings, store: Store, clock: Clock, *, examine: Examine | None = None
) -> Listener | None:
    """Return who listens for silence; None where no declaration says how long is too long.

    Raises:
        ConfigurationError: Amazon would refuse some of what is declared.
    """
    watches = watches_of(declared(settings))
    if not watches:
        return None
    return Listener(
        watches, store.silences, clock=clock, slack_ms=_slack_ms(watches), examine=examine
    )


def _slack_ms(watches: Sequence[Watch]) -> int:
    """Return how much older than the truth a noted time may be: a tenth of the shortest window."""
    return min((_SELLER_EVERY_MS, *(one.shortest_ms // 10 for one in watches)))
