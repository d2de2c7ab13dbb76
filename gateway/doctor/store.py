"""Check `store`: is the database there, at this release's schema, and can its secrets be opened?

It migrates nothing: it opens the store only where the schema is this release's.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from gateway.doctor.kinds import found, well
from gateway.errors import ConfigurationError, SealError, StoreUnavailableError
from gateway.findings import Finding
from gateway.store import SchemaState

if TYPE_CHECKING:
    from gateway.doctor.check import Before
    from gateway.store import Store

_SUBJECT: Final = "store"


class StoreDoor(Protocol):
    """The way to the store.

    Attributes:
        keys_file: Where the key ring lies, for people.
    """

    keys_file: str

    async def state(self) -> SchemaState:
        """Return how its schema stands.

        Raises:
            StoreUnavailableError: It can't be asked.
        """
        ...

    async def open(self) -> Store:
        """Return the store, opened once.

        Raises:
            ConfigurationError: The key ring can't be used.
            StoreUnavailableError: It can't be reached.
        """
        ...


class StoreCheck:
    """See the module."""

    name: str = "store"
    needs: Sequence[str] = ()

    def __init__(self, door: StoreDoor) -> None:
        self._door = door

    async def look(self, before: Before) -> AsyncGenerator[Finding]:  # noqa: ARG002 see `Check`
        """See `Check`."""
        try:
            state = await self._door.state()
            if state is not SchemaState.CURRENT:
                yield _of_schema(state)
                return
            store = await self._door.open()
        except StoreUnavailableError as exc:
            yield found("store.unreachable", _SUBJECT, str(exc))
            return
        except ConfigurationError as exc:
            yield found("store.keys_missing", "key ring", str(exc), file=self._door.keys_file)
            return
        yield well("store", _SUBJECT, "is reachable and at this release's schema")
        try:
            await store.sellers.applications()
            await store.sellers.sellers()
        except SealError as exc:
            yield found("store.keys_strange", "key ring", str(exc), file=self._door.keys_file)
        else:
            yield well("store", "key ring", "opens the secrets of applications and sellers")


def _of_schema(state: SchemaState) -> Finding:
    if state is SchemaState.NEWER:
        return found("store.newer", _SUBJECT, "has the schema of a newer release")
    how = "is empty" if state is SchemaState.EMPTY else "has the schema of an older release"
    return found("store.unmigrated", _SUBJECT, how)
