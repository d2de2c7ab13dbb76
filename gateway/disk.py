"""A folder of the local disk: files read in pieces and deleted, names that a crash doesn't lose.

The disk is waited for in threads. How a file is written is the matter of who writes it.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

from gateway.errors import DependencyError, NotFoundError

T = TypeVar("T")

_STEP: Final = 256 * 1024


class Folder:
    """See the module.

    Args:
        root: The folder; names are what follows.
        setting: What a fault names as its place.
        thing: What a file is called where one is missing.
        unavailable: What is raised where the disk can't be used.
    """

    def __init__(
        self, root: Path, *, setting: str, thing: str, unavailable: type[DependencyError]
    ) -> None:
        self.root = root
        self._setting = setting
        self._thing = thing
        self._unavailable = unavailable

    async def read(self, name: str) -> AsyncIterator[bytes]:
        """Yield a file in pieces of up to 256 KiB; raises `NotFoundError`."""
        try:
            file = await self.do(_opened, self.root / name)
        except FileNotFoundError:
            raise NotFoundError(f"there is no {self._thing} at {name}") from None
        try:
            while piece := await self.do(file.read, _STEP):
                yield piece
        finally:
            file.close()

    async def delete(self, name: str) -> None:
        """Delete a file; again is no harm."""
        with suppress(FileNotFoundError):
            await self.do((self.root / name).unlink)

    async def do(self, function: Callable[..., T], *arguments: Any) -> T:
        """Return what a function that waits for the disk returns.

        Raises:
            FileNotFoundError: As the function does.
            DependencyError: The disk can't be used; of the kind that was given.
        """
        try:
            return await asyncio.to_thread(function, *arguments)
        except FileNotFoundError:
            raise
        except OSError as exc:
            raise self._unavailable(
                f"{self._setting}: {exc.strerror or exc} ({exc.filename or '-'})"
            ) from exc


def _opened(path: Path) -> BinaryIO:
    return path.open("rb")


def put_in_place(part: Path, path: Path) -> None:
    """Give a file that is written its name; what has that name is never replaced.

    Raises:
        FileExistsError: Something has it; the file is still at `part`.
        OSError: The disk can't be used.
    """
    try:
        os.link(part, path)  # unlike a rename
    except FileExistsError:
        raise
    except OSError:
        # A file system without hard links, such as one of a Windows server.
        if path.exists():
            raise FileExistsError(errno.EEXIST, "exists", str(path)) from None
        part.rename(path)
    else:
        part.unlink()


def write_new(path: Path, content: bytes) -> None:
    """Write a new file, and bring it and the folder's entries to the disk.

    Raises:
        FileExistsError: Something has that name.
        OSError: The disk can't be used.
    """
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    sync_entries(path.parent)


def sync_entries(folder: Path) -> None:
    """Bring a folder's entries to the disk; before, a crash may undo a rename, or a new name."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
