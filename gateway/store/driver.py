"""What the nouns of the store need of a database, and what a driver promises them.

A driver runs plans: each in one transaction of its own, whole or not at all. After the commit it
notifies the signals that the plan yielded, on the event loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from gateway.store.statements import Plan

T = TypeVar("T")


class Signals(Protocol):
    """Whom the store tells that there is new work."""

    def notify(self, topic: str) -> None:
        """Wake those who wait on `topic`.

        It is one of `handlings`, `deliveries`, `endpoints`, `feeds`, `sellers`.
        Called on the event loop, after the commit. Missing one costs time, never work.
        """
        ...


class Sealer(Protocol):
    """Who seals secrets at rest."""

    def seal(self, plain: bytes, *, context: str) -> bytes:
        """Return `plain` sealed with the newest key and bound to `context`."""
        ...

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """Return what was sealed.

        Raises:
            SealError: No key at hand opens it, or it was altered or moved to another context.
        """
        ...

    def needs_reseal(self, sealed: bytes) -> bool:
        """Tell whether another key than the newest sealed it."""
        ...


class Driver(Protocol):
    """A database that runs plans."""

    async def write(
        self, plan: Callable[[], Plan[T]], *, brief: bool = False, durable: bool = True
    ) -> T:
        """Run a plan in one transaction and return its result after the commit.

        The plan may be made and run again after a rollback.

        Args:
            plan: Makes the plan.
            brief: Whether its statements touch some hundred rows at most, each found by an index.
                SQLite then runs them in the event loop's thread; nothing else depends on it.
            durable: Whether it waits for the disk. What doesn't survives the end of this process,
                and a durable write after it makes it durable too; a loss of power, or of
                PostgreSQL's server, may undo it as a whole. For what may be undone without
                harm, as a claim may.

        Raises:
            StoreUnavailableError: The database can't do it for the moment; nothing was written.
        """
        ...

    async def read(self, plan: Callable[[], Plan[T]]) -> T:
        """Run a plan that writes nothing, on a snapshot, beside the writers.

        Raises:
            StoreUnavailableError: The database can't do it for the moment.
        """
        ...

    async def close(self) -> None:
        """Finish what was asked for, then close the database."""
        ...
