"""Where parts and manifests lie: a folder, or a prefix of a bucket, under names with slashes.

A file is written whole or not at all, and one of its name is replaced; so a run that was killed is
simply done again. Files of a folder are for the eyes of their owner.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

from gateway.disk import Folder, sync_entries
from gateway.errors import ArchiveUnavailableError, InvalidInputError

FOLDER: Final = "folder:"
_S3: Final = "s3"
_UNFINISHED: Final = ".unfinished"
_SETTING: Final = "archive"
_THING: Final = "archive file"


class Places(Protocol):
    """See the module. Each may raise `ArchiveUnavailableError`."""

    async def write(self, name: str, content: bytes) -> None:
        """Keep a file for good, in place of the one of its name."""
        ...

    def read(self, name: str) -> AsyncIterator[bytes]:
        """Yield a file in pieces of up to some 100 KB; raises `NotFoundError`."""
        ...

    async def names(self, within: str = "") -> Sequence[str]:
        """Return the names that begin with `within`, in their order."""
        ...

    async def delete(self, names: Sequence[str]) -> None:
        """Delete files; again is no harm."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A place that somebody named: a file or a folder of a root.

    Attributes:
        bucket: The bucket, or None for the local disk.
        root: The folder, or the prefix in the bucket.
        name: The last member of what was named; empty where all of the root is meant.
    """

    bucket: str | None
    root: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Location:
        """Return what `s3://BUCKET/PREFIX`, `folder:PATH` or a path names.

        Raises:
            InvalidInputError: It names nothing.
        """
        if text.startswith(f"{_S3}://"):
            where = urlsplit(text)
            if not where.netloc:
                raise InvalidInputError(f"{text}: write s3://BUCKET/PREFIX")
            root, _, name = where.path.strip("/").rpartition("/")
            if where.path.endswith("/"):
                root, name = where.path.strip("/"), ""
            return cls(bucket=where.netloc, root=root, name=name)
        path = Path(text.removeprefix(FOLDER))
        if not text.removeprefix(FOLDER):
            raise InvalidInputError("an archive's place is empty; write a file, or s3://…")
        if text.startswith(FOLDER) or text.endswith("/") or path.is_dir():
            return cls(bucket=None, root=str(path.absolute()), name="")
        return cls(bucket=None, root=str(path.absolute().parent), name=path.name)

    @classmethod
    def whole(cls, url: str) -> Location:
        """Return all that is below `s3://BUCKET/PREFIX` or `folder:PATH`."""
        return cls.parse(f"{url.rstrip('/')}/")

    @property
    def url(self) -> str:
        """What `parse` reads the same from, wherever it is read."""
        if self.bucket is None:
            return str(self) if self.name else f"{FOLDER}{self.root}"
        return str(self) if self.name else f"{self}/"

    def __str__(self) -> str:
        whole = "/".join(part for part in (self.root, self.name) if part)
        return f"s3://{self.bucket}/{whole}" if self.bucket is not None else whole


def open_places(
    location: Location, *, region: str | None = None, endpoint_url: str | None = None
) -> AbstractAsyncContextManager[Places]:
    """Return the places of a location's root, open while entered."""
    if location.bucket is None:
        return _folder(Path(location.root))
    return _bucket(location.bucket, location.root, region=region, endpoint_url=endpoint_url)


@asynccontextmanager
async def _folder(root: Path) -> AsyncIterator[Places]:
    yield FolderPlaces(root)


@asynccontextmanager
async def _bucket(
    bucket: str, prefix: str, *, region: str | None, endpoint_url: str | None
) -> AsyncIterator[Places]:
    from gateway.aws.bucket import Bucket  # noqa: PLC0415 AWS's library only where needed

    async with Bucket(
        bucket,
        prefix,
        region=region,
        endpoint_url=endpoint_url,
        setting=_SETTING,
        thing=_THING,
        unavailable=ArchiveUnavailableError,
    ) as opened:
        yield BucketPlaces(opened)


class _Objects(Protocol):
    """What is used of a bucket."""

    async def put(self, name: str, pieces: AsyncIterator[bytes]) -> None: ...

    def read(self, name: str) -> AsyncIterator[bytes]: ...

    def names(self, within: str = "") -> AsyncIterator[str]: ...

    async def delete(self, names: Sequence[str]) -> None: ...


class BucketPlaces:
    """`Places` in S3."""

    def __init__(self, bucket: _Objects) -> None:
        self._bucket = bucket

    async def write(self, name: str, content: bytes) -> None:
        """See `Places`."""

        async def pieces() -> AsyncIterator[bytes]:
            yield content

        await self._bucket.put(name, pieces())

    def read(self, name: str) -> AsyncIterator[bytes]:
        """See `Places`."""
        return self._bucket.read(name)

    async def names(self, within: str = "") -> Sequence[str]:
        """See `Places`."""
        return [name async for name in self._bucket.names(within)]

    async def delete(self, names: Sequence[str]) -> None:
        """See `Places`."""
        await self._bucket.delete(names)


class FolderPlaces:
    """`Places` on the local disk, which is waited for in threads."""

    def __init__(self, root: Path) -> None:
        self._folder = Folder(
            root, setting=_SETTING, thing=_THING, unavailable=ArchiveUnavailableError
        )

    async def write(self, name: str, content: bytes) -> None:
        """See `Places`."""
        await self._folder.do(_write, self._folder.root / name, content)

    def read(self, name: str) -> AsyncIterator[bytes]:
        """See `Places`."""
        return self._folder.read(name)

    async def names(self, within: str = "") -> Sequence[str]:
        """See `Places`."""
        return await self._folder.do(_names, self._folder.root, within)

    async def delete(self, names: Sequence[str]) -> None:
        """See `Places`."""
        for name in names:
            await self._folder.delete(name)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + _UNFINISHED)
    number = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(number, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    sync_entries(path.parent)


def _names(root: Path, within: str) -> Sequence[str]:
    found = (path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    return sorted(
        name for name in found if name.startswith(within) and not name.endswith(_UNFINISHED)
    )
