"""Check `space`: is there room where the gateway writes, and may it write there?"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.doctor.kinds import found, well
from gateway.findings import Finding

if TYPE_CHECKING:
    from gateway.doctor.check import Before

_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much room a disk must have.

    Attributes:
        low_bytes: With less it is told.
        full_bytes: With less it counts as full: a database needs room even to make room.
    """

    low_bytes: int
    full_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A folder that is written to.

    Attributes:
        what: What is kept there.
    """

    what: str
    path: Path


class SpaceCheck:
    """See the module."""

    name: str = "space"
    needs: Sequence[str] = ()

    def __init__(self, folders: Sequence[Folder], bounds: Bounds) -> None:
        self._folders = folders
        self._bounds = bounds

    async def look(self, before: Before) -> AsyncGenerator[Finding]:  # noqa: ARG002 see `Check`
        """See `Check`."""
        for folder in self._folders:
            yield await asyncio.to_thread(_judged, folder, self._bounds)


def _judged(folder: Folder, bounds: Bounds) -> Finding:
    # What does not exist yet will be made in the nearest folder that does.
    there = next(one for one in (folder.path, *folder.path.absolute().parents) if one.is_dir())
    subject, shown = f"folder of {folder.what}", str(folder.path)
    if not os.access(there, os.W_OK | os.X_OK):
        return found("space.unwritable", subject, f"{there} can't be written to", folder=shown)
    disk = os.statvfs(there)
    free = disk.f_bavail * disk.f_frsize
    what = f"{shown} has {free // _MIB:,} MiB free"
    if disk.f_files and not disk.f_favail:
        return found("space.full", subject, f"{shown} takes no more files", folder=shown)
    if free < bounds.full_bytes:
        return found("space.full", subject, what, folder=shown)
    if free < bounds.low_bytes:
        return found("space.low", subject, what, folder=shown)
    return well("space", subject, what)
