"""The stored documents of a process: from the settings to a library, and its chores."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gateway.documents.folder import FolderBlobs
from gateway.documents.library import Library
from gateway.documents.links import Links
from gateway.service.opening import sealer_for
from gateway.settings import FOLDER

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.documents.blobs import Blobs
    from gateway.settings import Settings
    from gateway.store import Store
    from gateway.telemetry.metrics import Metrics


async def open_library(
    settings: Settings, store: Store, stack: AsyncExitStack, *, clock: Clock, metrics: Metrics
) -> Library:
    """Return the library that the settings name; what it opens is closed with `stack`.

    Raises:
        ConfigurationError: The key ring can't be used.
    """
    url = settings.documents_url()
    return Library(
        store.documents,
        await _blobs(url, settings, stack),
        Links(
            sealer_for(settings, clock=clock),
            clock,
            public_url=settings.documents_public_url(),
            ttl_s=settings.documents.link_ttl_s,
        ),
        clock=clock,
        recorder=metrics.documents,
        retention_days=settings.documents_days(),
        seals=url.startswith(FOLDER),
    )


async def _blobs(url: str, settings: Settings, stack: AsyncExitStack) -> Blobs:
    if url.startswith(FOLDER):
        return FolderBlobs(Path(url.removeprefix(FOLDER)))
    from gateway.documents.s3 import S3Blobs  # noqa: PLC0415 AWS's library only where needed

    where = urlsplit(url)
    return await stack.enter_async_context(
        S3Blobs(
            where.netloc,
            where.path,
            region=settings.documents.region,
            endpoint_url=settings.documents.endpoint_url,
        )
    )
