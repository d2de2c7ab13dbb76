"""Documents as objects of an S3 bucket, below a prefix, through aiobotocore.

Small ones go up in one request, larger ones in parts, of which one is in memory at a time. The
bucket's own encryption and AWS's credential chain are used; what it may do there is a policy's
matter (`s3:PutObject`, `s3:GetObject`, `s3:DeleteObject`, `s3:ListBucket`,
`s3:AbortMultipartUpload`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from datetime import date
from types import TracebackType
from typing import Any, Final, Self

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import BotoCoreError, ClientError

from gateway.documents.blobs import day_named
from gateway.errors import DocumentsUnavailableError, NotFoundError

_PART_BYTES: Final = 8 * 1024 * 1024
_STEP: Final = 128 * 1024
_MISSING: Final = frozenset({"NoSuchKey", "404"})


class S3Blobs:
    """See the module and `Blobs`; open while it is entered."""

    def __init__(
        self, bucket: str, prefix: str, *, region: str | None, endpoint_url: str | None
    ) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._options = {"region_name": region, "endpoint_url": endpoint_url}
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._opened: Any = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def write(self, place: str, pieces: AsyncIterator[bytes]) -> None:
        """See `Blobs`."""
        parts = _parts(pieces)
        first = await anext(parts, b"")
        with self._faults(place):
            client = await self._client()
            where = {"Bucket": self._bucket, "Key": self._prefix + place}
            if len(first) < _PART_BYTES:
                await client.put_object(Body=first, **where)
                return
            made = await client.create_multipart_upload(**where)
            upload = {**where, "UploadId": made["UploadId"]}
            try:
                sent = [await _send(client, upload, 1, first)]
                async for part in parts:
                    sent.append(await _send(client, upload, len(sent) + 1, part))
                await client.complete_multipart_upload(MultipartUpload={"Parts": sent}, **upload)
            except BaseException:
                with suppress(BotoCoreError, ClientError):
                    await client.abort_multipart_upload(**upload)
                raise

    async def read(self, place: str) -> AsyncIterator[bytes]:
        """See `Blobs`."""
        with self._faults(place):
            client = await self._client()
            found = await client.get_object(Bucket=self._bucket, Key=self._prefix + place)
            async with found["Body"] as body:
                while piece := await body.read(_STEP):
                    yield piece

    async def days(self) -> Sequence[date]:
        """See `Blobs`."""
        names = []
        with self._faults(""):
            client = await self._client()
            pages = client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix, Delimiter="/"
            )
            async for page in pages:
                names += [one["Prefix"] for one in page.get("CommonPrefixes", ())]
        inner = (name.removeprefix(self._prefix).rstrip("/") for name in names)
        return sorted(day for name in inner if (day := day_named(name)) is not None)

    async def delete_day(self, day: date) -> None:
        """See `Blobs`."""
        with self._faults(""):
            client = await self._client()
            pages = client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=f"{self._prefix}{day.isoformat()}/"
            )
            async for page in pages:
                keys = [{"Key": one["Key"]} for one in page.get("Contents", ())]
                if keys:
                    await client.delete_objects(Bucket=self._bucket, Delete={"Objects": keys})

    async def _client(self) -> Any:
        async with self._opening:
            if self._opened is None:
                config = AioConfig(retries={"max_attempts": 4, "mode": "standard"})
                client = get_session().create_client("s3", config=config, **self._options)
                self._opened = await self._stack.enter_async_context(client)
            return self._opened

    @contextmanager
    def _faults(self, place: str) -> Iterator[None]:
        try:
            yield
        except ClientError as exc:
            code = str(exc.response.get("Error", {}).get("Code", ""))
            if code in _MISSING and place:
                raise NotFoundError(f"there is no stored document at {place}") from exc
            raise DocumentsUnavailableError(f"documents.url: S3 refused it ({code})") from exc
        except (BotoCoreError, OSError) as exc:
            raise DocumentsUnavailableError(f"documents.url: {type(exc).__name__}") from exc


async def _parts(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield `pieces` joined to parts of one size, the last one smaller."""
    waiting = bytearray()
    async for piece in pieces:
        waiting += piece
        while len(waiting) >= _PART_BYTES:
            yield bytes(waiting[:_PART_BYTES])
            del waiting[:_PART_BYTES]
    if waiting:
        yield bytes(waiting)


async def _send(client: Any, upload: dict[str, str], number: int, part: bytes) -> dict[str, Any]:
    answer = await client.upload_part(PartNumber=number, Body=part, **upload)
    return {"PartNumber": number, "ETag": answer["ETag"]}
