"""Who runs operations in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.operations import OperationKind
from gateway.replay.redeliveries import RedeliveryWork
from gateway.replay.replays import ReplayWork
from gateway.replay.runner import OperationRunner

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.dispatch.registry import Registry
    from gateway.store import Store


def operation_runner(store: Store, registry: Registry, clock: Clock) -> OperationRunner:
    """Return what brings the store's operations on, with the handlers that are loaded."""
    redeliveries = RedeliveryWork(store.redeliveries)
    return OperationRunner(
        store.operations,
        {
            OperationKind.REPLAY: ReplayWork(store.replays, registry.owed, registry.owed_job),
            OperationKind.REDELIVER: redeliveries,
            OperationKind.BACKFILL: redeliveries,
        },
        clock,
    )
