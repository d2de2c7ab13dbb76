"""Documents as objects of an S3 bucket, below a prefix; see `gateway.aws.bucket`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date
from types import TracebackType
from typing import Self

from gateway.aws.bucket import Bucket
from gateway.documents.blobs import day_named
from gateway.errors import DocumentsUnavailableError


class S3Blobs:
    """See the module and `Blobs`; open while it is entered."""

    def __init__(
        self, bucket: str, prefix: str, *, region: str | None, endpoint_url: str | None
    ) -> None:
        self._bucket = Bucket(
            bucket,
            prefix,
            region=region,
            endpoint_url=endpoint_url,
            setting="documents.url",
            thing="stored document",
            unavailable=DocumentsUnavailableError,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._bucket.__aexit__(exc_type, exc, traceback)

    async def write(self, place: str, pieces: AsyncIterator[bytes]) -> None:
        """See `Blobs`."""
        await self._bucket.put(place, pieces)

    def read(self, place: str) -> AsyncIterator[bytes]:
        """See `Blobs`."""
        return self._bucket.read(place)

    async def delete(self, place: str) -> None:
        """See `Blobs`."""
        await self._bucket.delete([place])

    async def days(self) -> Sequence[date]:
        """See `Blobs`."""
        names = await self._bucket.folders()
        return sorted(day for name in names if (day := day_named(name)) is not None)

    async def delete_day(self, day: date) -> None:
        """See `Blobs`."""
        await self._bucket.delete([one async for one in self._bucket.names(f"{day.isoformat()}/")])
