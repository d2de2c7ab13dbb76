"""Retention of a process: from the settings to a run, and what a run works on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.retention.rules import Kept
from gateway.retention.running import Ground, RetentionRun
from gateway.store.retention import Size

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.documents.library import Library
    from gateway.settings import Settings
    from gateway.store import Store
    from gateway.telemetry.metrics import Metrics

DOCUMENTS: Final = "documents"
_WAITING: Final = 50


def kept_of(settings: Settings) -> Kept:
    """Return for how long everything is kept."""
    found = settings.retention
    return Kept(
        message_days=found.message_days,
        payload_days=found.payload_days,
        personal_data_days=found.personal_data_days,
        attempt_days=found.attempt_days,
        metadata_days=found.metadata_days,
        deduplication_days=found.deduplication_days,
        quarantine_days=found.quarantine_days,
        audit_days=found.audit_days,
        impersonal_types=frozenset(found.impersonal_types),
    )


def retention_run(
    settings: Settings, store: Store, library: Library, *, clock: Clock, metrics: Metrics
) -> RetentionRun:
    """Return what deletes what is too old; one of all processes does it at a time."""

    async def busy() -> bool:
        waiting = await store.operations.ready_deliveries(most=_WAITING)
        waiting += await store.operations.live_handlings(most=_WAITING)
        return waiting >= _WAITING

    async def measure_documents() -> Size:
        found = await store.documents.totals()
        return Size(
            walk=DOCUMENTS,
            rows=found.count,
            bytes=found.bytes,
            oldest_ms=found.oldest_ms,
            measured_at_ms=clock.now_ms(),
        )

    return RetentionRun(
        Ground(
            walks=store.retention,
            space=store.space,
            busy=busy,
            documents=library.expire,
            measure_documents=measure_documents,
            archived_before_ms=(
                None if settings.archive.url is None else store.archive_runs.archived_before_ms
            ),
        ),
        kept_of(settings),
        clock,
        metrics.retention,
        every_s=settings.retention.every_s,
    )
