"""An export: one JSON object a line, and beside it a manifest with count and checksum.

The lines grow in `FILE.part`, on the disk before a letter is deleted that stands in them; the file
gets its name, and its manifest, when the run is over. So a file without a manifest is no whole one,
and a run that was killed leaves its letters in `FILE.part`. Nothing is ever overwritten.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import orjson

from gateway.aws.letters import Letter
from gateway.clock import Clock, rfc3339
from gateway.disk import put_in_place, sync_entries, write_new
from gateway.errors import ConflictError, InvalidInputError
from gateway.replay.dlq.reading import ReadLetter
from gateway.replay.dlq.rows import file_row

MANIFEST_FORMAT: Final = "spapi-event-gateway/dead-letters/1"


class Export:
    """A `Safe` that writes letters down; a context manager that closes the file.

    Raises:
        ConflictError: Something of that name is there.
        InvalidInputError: The file can't be made.
    """

    def __init__(self, path: Path, *, reveal: bool, clock: Clock) -> None:
        self.path = path
        self.manifest_path = path.with_name(f"{path.name}.manifest.json")
        self.messages = 0
        self._part = path.with_name(f"{path.name}.part")
        self._reveal = reveal
        self._clock = clock
        self._sum = hashlib.sha256()
        self._bytes = 0
        self._types: Counter[str] = Counter()
        for taken in (path, self.manifest_path):
            if taken.exists():
                raise ConflictError(f"{taken} exists; name another file")
        try:
            # Customer data: for the eyes of whoever runs the command.
            number = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            sync_entries(self._part.parent)  # lines on the disk are no use in a file without a name
        except FileExistsError as exc:
            raise ConflictError(
                f"{self._part} exists: another export runs, or one was killed and left its "
                "messages there; name another file"
            ) from exc
        except OSError as exc:
            raise InvalidInputError(f"{path} can't be written: {exc.strerror}") from exc
        self._file = os.fdopen(number, "wb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    async def keep(self, letters: Sequence[ReadLetter]) -> Mapping[str, str]:
        """See `Safe`; the lines are on the disk when this returns."""
        now_ms = self._clock.now_ms()
        lines = [
            orjson.dumps(file_row(each, now_ms, reveal=self._reveal)) + b"\n" for each in letters
        ]
        await asyncio.to_thread(self._write, b"".join(lines))
        self.messages += len(lines)
        self._types.update(each.type or "" for each in letters)
        return {}

    def came_back(self, letter: Letter) -> bool:  # noqa: ARG002 the protocol's
        """See `Safe`."""
        return False

    def finish(self, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        """Give the file its name and write its manifest, which is returned.

        Args:
            facts: What the manifest says beside what the file itself knows.

        Raises:
            ConflictError: Something has got one of the names meanwhile.
            InvalidInputError: The disk doesn't take it.
        """
        self._file.close()
        manifest = {
            "format": MANIFEST_FORMAT,
            "file": self.path.name,
            "messages": self.messages,
            "bytes": self._bytes,
            "sha256": self._sum.hexdigest(),
            "types": {name or "unreadable": count for name, count in self._types.most_common()},
            "revealed": self._reveal,
            "finished_at": rfc3339(self._clock.now_ms()),
            **facts,
        }
        try:
            put_in_place(self._part, self.path)
            write_new(
                self.manifest_path, orjson.dumps(manifest, option=orjson.OPT_INDENT_2) + b"\n"
            )
        except FileExistsError as exc:
            raise ConflictError(
                f"{exc.filename2 or exc.filename} was made meanwhile; the messages are in "
                f"{self._part if self._part.exists() else self.path}"
            ) from exc
        except OSError as exc:
            raise InvalidInputError(f"{self.path} can't be written: {exc.strerror}") from exc
        return manifest

    def _write(self, lines: bytes) -> None:
        self._file.write(lines)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._sum.update(lines)
        self._bytes += len(lines)
