"""What the store keeps for handlers, forgotten in small batches when its time is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.clock import rfc3339

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.settings import Settings
    from gateway.store import Store

_DAY_MS = 86_400_000
_USAGE_MS = 400 * _DAY_MS  # a year can be compared with the one before


class Forgetting:
    """One round of it each time it is called."""

    def __init__(self, store: Store, settings: Settings, *, clock: Clock) -> None:
        self._store = store
        self._once_ms = settings.dispatch.once_days * _DAY_MS
        self._memory_ms = settings.dispatch.memory_days * _DAY_MS
        self._clock = clock

    async def __call__(self) -> None:
        """Forget what is too old.

        Raises:
            StoreUnavailableError: The rest is left for the next round.
        """
        now_ms = self._clock.now_ms()
        while await self._store.once_keys.forget(now_ms - self._once_ms):
            pass
        while await self._store.sweeps.forget(now_ms - self._once_ms):
            pass
        while await self._store.memories.forget(now_ms - self._memory_ms):
            pass
        while await self._store.usage.forget(rfc3339(now_ms - _USAGE_MS)[:10]):
            pass
