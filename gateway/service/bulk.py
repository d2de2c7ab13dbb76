"""Who runs operations in this process."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from gateway.archive.places import open_places
from gateway.operations import OperationKind
from gateway.replay.from_archive import ArchiveReplayWork, ReplaysOfAll
from gateway.replay.redeliveries import RedeliveryWork
from gateway.replay.replays import ReplayWork
from gateway.replay.runner import OperationRunner
from gateway.service.opening import sealer_for

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.dispatch.registry import Registry
    from gateway.settings import Settings
    from gateway.store import Store


def operation_runner(
    settings: Settings, store: Store, registry: Registry, clock: Clock
) -> OperationRunner:
    """Return what brings the store's operations on, with the handlers that are loaded.

    Raises:
        ConfigurationError: The key ring can't be used.
    """
    redeliveries = RedeliveryWork(store.redeliveries)
    replays = ReplayWork(store.replays, registry.owed, registry.owed_job)
    return OperationRunner(
        store.operations,
        {
            OperationKind.REPLAY: ReplaysOfAll(
                replays, archive_replays(settings, store, replays, clock)
            ),
            OperationKind.REDELIVER: redeliveries,
            OperationKind.BACKFILL: redeliveries,
        },
        clock,
    )


def archive_replays(
    settings: Settings, store: Store, replays: ReplayWork, clock: Clock
) -> ArchiveReplayWork:
    """Return what replays from archives, wherever they lie.

    Raises:
        ConfigurationError: The key ring can't be used.
    """
    archive = settings.archive
    return ArchiveReplayWork(
        replays,
        store.archiving,
        store.replays,
        open_places=partial(open_places, region=archive.region, endpoint_url=archive.endpoint_url),
        sealer=sealer_for(settings, clock=clock),
    )
