"""The archive that a process keeps as things come: from the settings to a chore."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from gateway.archive.compression import Compression
from gateway.archive.continuous import ContinuousArchive, Form
from gateway.archive.places import Location, open_places
from gateway.service.opening import sealer_for
from gateway.store.migrate import REVISIONS

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.settings import Settings
    from gateway.store import Store
    from gateway.telemetry.metrics import Metrics


async def archive_kept(
    settings: Settings, store: Store, stack: AsyncExitStack, *, clock: Clock, metrics: Metrics
) -> ContinuousArchive | None:
    """Return what archives everything as it comes, or None where the settings name no place.

    What it opens is closed with `stack`.

    Raises:
        ConfigurationError: The key ring can't be used.
    """
    archive = settings.archive
    if archive.url is None:
        return None
    places = await stack.enter_async_context(
        open_places(
            Location.whole(archive.url), region=archive.region, endpoint_url=archive.endpoint_url
        )
    )
    return ContinuousArchive(
        store.archive_runs,
        store.archiving,
        places,
        sealer=sealer_for(settings, clock=clock),
        clock=clock,
        recorder=metrics.archive,
        form=Form(
            compression=Compression(archive.compression),
            plain=archive.plain,
            every_ms=round(archive.every_s * 1000),
            schema=REVISIONS[-1],
        ),
    )
