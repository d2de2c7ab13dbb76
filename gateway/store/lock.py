"""One service a SQLite file: a lock that the system gives back however its holder dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from gateway.errors import ConflictError, StoreUnavailableError


class ServiceLock:
    """A held lock; `release` gives it back, and so does the end of the process."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Give the lock back; again is no harm."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def acquire_service_lock(database: Path) -> ServiceLock:
    """Return the lock of the only service on `database`, in a file beside it.

    Raises:
        ConflictError: Another process holds it; the message names its pid.
        StoreUnavailableError: The lock's file can't be made.
    """
    path = database.with_name(f"{database.name}.lock")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise StoreUnavailableError(f"{path}: the lock's file can't be made: {exc}") from exc
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise ConflictError(
            f"{database} is in use by another gateway with pid {holder}; "
            "stop it, or give this one a database of its own"
        ) from exc
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return ServiceLock(descriptor)
