"""A file without a name: what must be whole before it can be used waits on disk, not in memory.

It has no name from the start, so nothing is left behind, however the process ends. The disk is
waited for in a thread.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self

_STEP = 256 * 1024


class Spool:
    """An open temporary file, gone when it is closed."""

    def __init__(self, folder: Path | None = None) -> None:
        """Open it in `folder`, or where the system puts temporary files."""
        self.file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 see __aexit__
        self.size = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.file.close()

    async def write(self, piece: bytes) -> None:
        """Add `piece` at the end."""
        await asyncio.to_thread(self.file.write, piece)
        self.size += len(piece)

    async def read(self) -> AsyncIterator[bytes]:
        """Yield everything from the start."""
        await asyncio.to_thread(self.file.seek, 0)
        while piece := await asyncio.to_thread(self.file.read, _STEP):
            yield piece
