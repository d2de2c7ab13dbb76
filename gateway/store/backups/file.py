"""A backup's file: it grows under another name, is never written over another, and has a manifest.

`FILE.part` grows, `FILE` is whole and checked, and `FILE.manifest.json` tells what is in it. So
what a killed backup leaves is never taken for one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import orjson

from gateway.clock import rfc3339
from gateway.disk import put_in_place, write_new
from gateway.errors import ConflictError, InvalidInputError, StoreUnavailableError

MANIFEST_FORMAT: Final = "spapi-event-gateway/backup/1"

_CHUNK_BYTES: Final = 1 << 20
# What SQLite may leave beside a file that it did not come to close.
_LEFTOVERS: Final = ("", "-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What a backup holds.

    Attributes:
        kind: `sqlite` or `postgresql`.
        revision: The schema's; None where there were no tables.
        floor: The oldest revision whose release can work on it.
        rows: How many by table.
        checked: What read all of it again and found it sound.
    """

    kind: str
    revision: str | None
    floor: str | None
    rows: Mapping[str, int]
    checked: str


class BackupFile:
    """A context manager around the making of one backup; what isn't finished is taken away.

    Attributes:
        path: The backup.
        manifest_path: What tells of it.
        part: Where it is made, a file that only its owner may read.

    Raises:
        ConflictError: Something of that name is there.
        InvalidInputError: The file can't be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.manifest_path = path.with_name(f"{path.name}.manifest.json")
        self.part = path.with_name(f"{path.name}.part")
        for taken in (path, self.manifest_path):
            if taken.exists():
                raise ConflictError(f"{taken} exists; a backup is never written over another file")
        try:
            self._descriptor = os.open(self.part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError as exc:
            raise ConflictError(
                f"{self.part} exists: another backup runs, or one was killed and left it; "
                "name another file, or delete that one"
            ) from exc
        except OSError as exc:
            raise InvalidInputError(f"{path} can't be written: {exc.strerror}") from exc

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)
        for ending in _LEFTOVERS:
            self.part.with_name(f"{self.part.name}{ending}").unlink(missing_ok=True)

    def flush(self) -> None:
        """Bring to the disk what was written so far, so that it is not all left to the end.

        Raises:
            StoreUnavailableError: The disk doesn't take it.
        """
        try:
            os.fdatasync(self._descriptor)
        except OSError as exc:
            raise StoreUnavailableError(f"{self.part}: {exc.strerror}") from exc

    def finish(
        self, snapshot: Snapshot, facts: Mapping[str, Any], ended_at_ms: int
    ) -> Mapping[str, Any]:
        """Give the backup its name and write its manifest, which is returned.

        Args:
            snapshot: What it holds.
            facts: What the manifest says beside that.
            ended_at_ms: Present time.

        Raises:
            ConflictError: Something has got that name meanwhile.
            StoreUnavailableError: The disk doesn't take it.
        """
        self.flush()
        manifest = {
            "format": MANIFEST_FORMAT,
            "file": self.path.name,
            "kind": snapshot.kind,
            "revision": snapshot.revision,
            "floor": snapshot.floor,
            "rows": dict(snapshot.rows),
            "bytes": self.part.stat().st_size,
            "sha256": _sha256(self.part),
            "checked": snapshot.checked,
            **facts,
            "ended_at": rfc3339(ended_at_ms),
        }
        try:
            put_in_place(self.part, self.path)
            write_new(
                self.manifest_path, orjson.dumps(manifest, option=orjson.OPT_INDENT_2) + b"\n"
            )
        except FileExistsError as exc:
            raise ConflictError(f"{exc.filename2 or exc.filename} was made meanwhile") from exc
        except OSError as exc:
            raise StoreUnavailableError(f"{self.path}: {exc.strerror}") from exc
        return manifest


def _sha256(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            found.update(chunk)
    return found.hexdigest()
