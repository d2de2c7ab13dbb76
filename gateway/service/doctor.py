"""The doctor as the service composes it: from settings to checks, for a command and for itself."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.doctor.examination import Check, Doctor
from gateway.doctor.space import Bounds, Folder, SpaceCheck
from gateway.doctor.store import StoreCheck
from gateway.sealing import open_sealer
from gateway.service.signals import Signals
from gateway.settings import FOLDER
from gateway.store import open_store, schema_state

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.settings import Settings
    from gateway.store import SchemaState, Store

CHECKS = ("store", "space")
"""The names of all checks, in the order that they are told in."""


def doctor_for(settings: Settings, *, clock: Clock, store: Store | None = None) -> Doctor:
    """Return the doctor of a gateway.

    Args:
        settings: Of the gateway that is examined.
        clock: Time.
        store: The gateway's own, where it is open already; else one is opened for each examination.
    """

    @asynccontextmanager
    async def opened() -> AsyncIterator[Sequence[Check]]:
        async with AsyncExitStack() as stack:
            door = _Door(settings, stack, clock=clock, store=store)
            yield [StoreCheck(door), SpaceCheck(_folders(settings), _bounds(settings))]

    return Doctor(opened, names=CHECKS, clock=clock, limit_s=settings.doctor.time_limit_s)


class _Door:
    """See `StoreDoor`: nothing is migrated, and no key ring is made."""

    def __init__(
        self, settings: Settings, stack: AsyncExitStack, *, clock: Clock, store: Store | None
    ) -> None:
        self._settings = settings
        self._stack = stack
        self._clock = clock
        self._store = store
        self.keys_file = str(settings.keys_file())

    async def state(self) -> SchemaState:
        return await schema_state(self._settings.store.url)

    async def open(self) -> Store:
        if self._store is None:
            sealer = open_sealer(self._settings.keys_file(), clock=self._clock, create=False)
            store = await open_store(
                self._settings.store.url,
                sealer=sealer,
                clock=self._clock,
                signals=Signals(),
                pool_size=2,
            )
            self._store = await self._stack.enter_async_context(store)
        return self._store


def _folders(settings: Settings) -> Sequence[Folder]:
    folders = [Folder(what="passing documents", path=Path(tempfile.gettempdir()))]
    if (database := settings.database_file()) is not None:
        folders.insert(0, Folder(what="the database", path=database.absolute().parent))
    documents = settings.documents_url()
    if documents.startswith(FOLDER):
        path = Path(documents.removeprefix(FOLDER)).absolute()
        folders.append(Folder(what="stored documents", path=path))
    return folders


def _bounds(settings: Settings) -> Bounds:
    return Bounds(low_bytes=settings.doctor.low_bytes, full_bytes=settings.doctor.full_bytes)
