"""Documents as files of a folder, a folder for each day; only the owner may read them.

A file is written under a name of its own and renamed when it is whole and on the disk. The disk is
waited for in threads.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Final

from gateway.disk import Folder, sync_entries
from gateway.documents.blobs import day_named
from gateway.errors import DocumentsUnavailableError

_UNFINISHED: Final = ".part"


class FolderBlobs:
    """See the module and `Blobs`."""

    def __init__(self, root: Path) -> None:
        self._folder = Folder(
            root,
            setting="documents.url",
            thing="stored document",
            unavailable=DocumentsUnavailableError,
        )

    async def write(self, place: str, pieces: AsyncIterator[bytes]) -> None:
        """See `Blobs`."""
        path = self._folder.root / place
        unfinished = path.with_name(path.name + _UNFINISHED)
        file = await self._folder.do(_create, unfinished)
        try:
            async for piece in pieces:
                await self._folder.do(_write_all, file, piece)
            await self._folder.do(_finish, file, unfinished, path)
        except BaseException:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
            raise
        finally:
            os.close(file)

    def read(self, place: str) -> AsyncIterator[bytes]:
        """See `Blobs`."""
        return self._folder.read(place)

    async def delete(self, place: str) -> None:
        """See `Blobs`."""
        await self._folder.delete(place)

    async def days(self) -> Sequence[date]:
        """See `Blobs`."""
        names = await self._folder.do(_names, self._folder.root)
        return sorted(day for name in names if (day := day_named(name)) is not None)

    async def delete_day(self, day: date) -> None:
        """See `Blobs`."""
        with suppress(FileNotFoundError):
            await self._folder.do(shutil.rmtree, self._folder.root / day.isoformat())


def _create(path: Path) -> int:
    path.parent.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def _write_all(file: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(file, view) :]


def _finish(file: int, unfinished: Path, path: Path) -> None:
    os.fsync(file)
    unfinished.rename(path)
    for folder in (path.parent, path.parent.parent):
        sync_entries(folder)


def _names(root: Path) -> Sequence[str]:
    return [one.name for one in root.iterdir()] if root.is_dir() else []
