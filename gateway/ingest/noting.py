"""When it is worth noting that something of a type, or of a type and seller, came in.

Whoever listens for silence must know what came in last, and nothing more often than it looks. So
the newest time is written once in a while, with a notification that is being written anyway.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from gateway.model import Arrival, Envelope, Unreadable

_MOST_KEYS: Final = 100_000


class ArrivalNotes:
    """What a process has noted; one for all its queues.

    Args:
        every_ms: How much older than the truth the noted time of a type may be.
        seller_types: The types whose sellers are listened for one by one.
        seller_every_ms: The same for the time of one seller.
    """

    def __init__(
        self, *, every_ms: int, seller_types: Collection[str] = (), seller_every_ms: int = 0
    ) -> None:
        self._every_ms = every_ms
        self._seller_types = frozenset(seller_types)
        self._seller_every_ms = seller_every_ms
        self._noted: dict[str | tuple[str, str], int] = {}

    def due(self, envelope: Envelope, now_ms: int) -> tuple[bool, bool]:
        """Return whether it is noted as the newest of its type, and of its type and seller."""
        kind = envelope.type
        of_type = now_ms - self._noted.get(kind, 0) >= self._every_ms
        if kind not in self._seller_types:
            return of_type, False
        at_ms = self._noted.get((kind, _whose(envelope)), 0)
        return of_type, now_ms - at_ms >= self._seller_every_ms

    def committed(self, arrivals: Iterable[Arrival | Unreadable]) -> None:
        """Remember what was noted, once it stands in the store."""
        for one in arrivals:
            if isinstance(one, Unreadable) or not (one.noted or one.seller_noted):
                continue
            if len(self._noted) >= _MOST_KEYS:
                self._noted.clear()  # all are noted once more, and memory stays bounded
            if one.noted:
                self._noted[one.envelope.type] = one.received_at_ms
            if one.seller_noted:
                self._noted[one.envelope.type, _whose(one.envelope)] = one.received_at_ms


def _whose(envelope: Envelope) -> str:
    """Return who it is about, as far as the message itself tells."""
    return envelope.seller_id or envelope.subscription_id or ""
