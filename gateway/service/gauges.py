"""What waits in the store, brought into the gauges now and then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.errors import DependencyError
from gateway.telemetry.metrics import Backlog

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.store import Store
    from gateway.telemetry.metrics import Metrics


class Gauges:
    """Reads the store's counts into its metrics."""

    def __init__(self, store: Store, metrics: Metrics, clock: Clock) -> None:
        self._store = store
        self._metrics = metrics.store
        self._silence = metrics.silence
        self._kept = metrics.retention
        self._clock = clock

    async def refresh(self) -> None:
        """Set every gauge anew.

        Raises:
            DependencyError: The store doesn't answer; its gauge says so.
        """
        try:
            counts = await self._store.queries.counts()
            newest = await self._store.silences.newest()
            silent = await self._store.silences.counts()
        except DependencyError:
            self._metrics.up.set(0)
            raise
        self._metrics.up.set(1)
        self._metrics.quarantined.set(counts.quarantined)
        now_ms = self._clock.now_ms()
        for backlog, work in (
            (Backlog.HANDLINGS, counts.handlings),
            (Backlog.DELIVERIES, counts.deliveries),
        ):
            oldest_ms = work.oldest_ready_ms
            age_s = 0.0 if oldest_ms is None else max(0, now_ms - oldest_ms) / 1000
            self._metrics.pending[backlog].set(work.pending)
            self._metrics.dead[backlog].set(work.dead)
            self._metrics.oldest_due_age[backlog].set(age_s)
        for kind, at_ms in newest.items():
            self._silence.newest(kind, max(0, now_ms - at_ms) / 1000)
        for kind, count in silent.items():
            self._silence.silent(kind, whole=count.whole > 0, sellers=count.sellers)
        await self._refresh_kept(now_ms)

    async def _refresh_kept(self, now_ms: int) -> None:
        """Bring over what the last run of retention measured: nothing is counted here."""
        for size in await self._store.retention.sizes():
            self._kept.rows.labels(size.walk).set(size.rows)
            self._kept.bytes.labels(size.walk).set(size.bytes)
            oldest_ms = now_ms if size.oldest_ms is None else size.oldest_ms
            self._kept.oldest.labels(size.walk).set(max(0, now_ms - oldest_ms) / 1000)
        database = await self._store.space.size()
        self._kept.database.set(database.bytes)
        self._kept.free.set(database.free_bytes)
