"""An S3 bucket below a prefix, through aiobotocore: objects written whole, read, listed, deleted.

Small objects go up in one request, larger ones in parts, of which one is in memory at a time. The
bucket's own encryption and AWS's credential chain are used; what it may do there is a policy's
matter (`s3:PutObject`, `s3:GetObject`, `s3:DeleteObject`, `s3:ListBucket`,
`s3:AbortMultipartUpload`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from types import TracebackType
from typing import Any, Final, Self

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import BotoCoreError, ClientError

from gateway.errors import DependencyError, NotFoundError

_PART_BYTES: Final = 8 * 1024 * 1024
_STEP: Final = 128 * 1024
_DELETED_AT_ONCE: Final = 1_000
_MISSING: Final = frozenset({"NoSuchKey", "404"})


class Bucket:
    """See the module; open while it is entered.

    Args:
        bucket: Its name.
        prefix: What every key begins with; names are what follows.
        region: AWS region, where AWS's own settings name none.
        endpoint_url: Another address of S3.
        setting: What a fault names as its place.
        thing: What an object is called where one is missing.
        unavailable: What is raised where S3 can't be used.
    """

    def __init__(
        self,
        bucket: str,
        prefix: str,
        *,
        region: str | None,
        endpoint_url: str | None,
        setting: str,
        thing: str,
        unavailable: type[DependencyError],
    ) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._options = {"region_name": region, "endpoint_url": endpoint_url}
        self._setting = setting
        self._thing = thing
        self._unavailable = unavailable
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

    async def put(self, name: str, pieces: AsyncIterator[bytes]) -> None:
        """Keep `pieces` as one object, whole or not at all; one of that name is replaced."""
        parts = _parts(pieces)
        first = await anext(parts, b"")
        with self._faults(name):
            client = await self._client()
            where = {"Bucket": self._bucket, "Key": self._prefix + name}
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

    async def read(self, name: str) -> AsyncIterator[bytes]:
        """Yield an object's bytes.

        Raises:
            NotFoundError: There is none of that name.
        """
        with self._faults(name):
            client = await self._client()
            found = await client.get_object(Bucket=self._bucket, Key=self._prefix + name)
            async with found["Body"] as body:
                while piece := await body.read(_STEP):
                    yield piece

    async def names(self, within: str = "") -> AsyncIterator[str]:
        """Yield the names that begin with `within`, in their order."""
        with self._faults(""):
            client = await self._client()
            pages = client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix + within
            )
            async for page in pages:
                for one in page.get("Contents", ()):
                    yield one["Key"].removeprefix(self._prefix)

    async def folders(self) -> Sequence[str]:
        """Return what stands before the first slash in names."""
        found = []
        with self._faults(""):
            client = await self._client()
            pages = client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix, Delimiter="/"
            )
            async for page in pages:
                found += [one["Prefix"] for one in page.get("CommonPrefixes", ())]
        return [name.removeprefix(self._prefix).rstrip("/") for name in found]

    async def delete(self, names: Sequence[str]) -> None:
        """Delete objects; again is no harm."""
        with self._faults(""):
            client = await self._client()
            for at in range(0, len(names), _DELETED_AT_ONCE):
                keys = [{"Key": self._prefix + one} for one in names[at : at + _DELETED_AT_ONCE]]
                done = await client.delete_objects(Bucket=self._bucket, Delete={"Objects": keys})
                if refused := done.get("Errors"):
                    raise self._unavailable(
                        f"{self._setting}: S3 refused to delete ({refused[0].get('Code')})"
                    )

    async def _client(self) -> Any:
        async with self._opening:
            if self._opened is None:
                config = AioConfig(retries={"max_attempts": 4, "mode": "standard"})
                client = get_session().create_client("s3", config=config, **self._options)
                self._opened = await self._stack.enter_async_context(client)
            return self._opened

    @contextmanager
    def _faults(self, name: str) -> Iterator[None]:
        try:
            yield
        except ClientError as exc:
            code = str(exc.response.get("Error", {}).get("Code", ""))
            if code in _MISSING and name:
                raise NotFoundError(f"there is no {self._thing} at {name}") from exc
            raise self._unavailable(f"{self._setting}: S3 refused it ({code})") from exc
        except (BotoCoreError, OSError) as exc:
            raise self._unavailable(f"{self._setting}: {type(exc).__name__}") from exc


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
