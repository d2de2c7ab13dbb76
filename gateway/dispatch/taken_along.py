"""The notifications that a coalescing handling took along, read in pieces as they are asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from gateway.model import StoredNotification

_PIECE = 100


class CoalescedStore(Protocol):
    """What is asked of the store."""

    async def taken_along(self, handling_id: str) -> Sequence[str]:
        """Return the ids of the notifications that a handling took along, the newest first."""
        ...

    async def notifications(self, ids: Sequence[str]) -> Sequence[StoredNotification]:
        """Return those of the notifications that are still there, in the order asked for."""
        ...


async def taken_along(store: CoalescedStore, handling_id: str) -> AsyncIterator[StoredNotification]:
    """Yield them, the newest first; a hundred bodies at most are in memory at once.

    Raises:
        StoreUnavailableError: They can't be read.
    """
    ids = await store.taken_along(handling_id)
    for start in range(0, len(ids), _PIECE):
        for notification in await store.notifications(ids[start : start + _PIECE]):
            yield notification
