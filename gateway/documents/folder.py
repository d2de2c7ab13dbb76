"""Documents as files of a folder, a folder for each day; only the owner may read them.

A file is written under a name of its own and renamed when it is whole and on the disk. The disk is
waited for in threads.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any, Final, TypeVar

from gateway.documents.blobs import day_named
from gateway.errors import DocumentsUnavailableError, NotFoundError

T = TypeVar("T")

_STEP: Final = 256 * 1024
_UNFINISHED: Final = ".part"


class FolderBlobs:
    """See the module and `Blobs`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def write(self, place: str, pieces: AsyncIterator[bytes]) -> None:
        """See `Blobs`."""
        path = self._root / place
        unfinished = path.with_name(path.name + _UNFINISHED)
        file = await self._do(_create, unfinished)
        try:
            async for piece in pieces:
                await self._do(_write_all, file, piece)
            await self._do(_finish, file, unfinished, path)
        except BaseException:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
            raise
        finally:
            os.close(file)

    async def read(self, place: str) -> AsyncIterator[bytes]:
        """See `Blobs`."""
        try:
            file = await asyncio.to_thread((self._root / place).open, "rb")
        except FileNotFoundError:
            raise NotFoundError(f"there is no stored document at {place}") from None
        except OSError as exc:
            raise _unavailable(exc) from exc
        try:
            while piece := await self._do(file.read, _STEP):
                yield piece
        finally:
            file.close()

    async def delete(self, place: str) -> None:
        """See `Blobs`."""
        with suppress(FileNotFoundError):
            await self._do((self._root / place).unlink)

    async def days(self) -> Sequence[date]:
        """See `Blobs`."""
        names = await self._do(_names, self._root)
        return sorted(day for name in names if (day := day_named(name)) is not None)

    async def delete_day(self, day: date) -> None:
        """See `Blobs`."""
        with suppress(FileNotFoundError):
            await self._do(shutil.rmtree, self._root / day.isoformat())

    async def _do(self, function: Callable[..., T], *arguments: Any) -> T:
        try:
            return await asyncio.to_thread(function, *arguments)
        except FileNotFoundError:
            raise
        except OSError as exc:
            raise _unavailable(exc) from exc


def _unavailable(exc: OSError) -> DocumentsUnavailableError:
    return DocumentsUnavailableError(
        f"documents.url: {exc.strerror or exc} ({exc.filename or '-'})"
    )


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
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _names(root: Path) -> Sequence[str]:
    return [one.name for one in root.iterdir()] if root.is_dir() else []
