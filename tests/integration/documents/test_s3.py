"""Documents in S3; moto's server is the judge."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from datetime import date

import boto3
import pytest

from gateway.documents.s3 import S3Blobs
from gateway.errors import DocumentsUnavailableError, NotFoundError
from tests.support.emulators import moto_server
from tests.support.library import pieces

BUCKET = "gateway-documents"
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with moto_server() as url:
        yield url


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    s3 = boto3.resource("s3", endpoint_url=server, region_name="us-east-1")
    made = s3.create_bucket(Bucket=BUCKET)
    yield made
    made.objects.all().delete()
    for upload in made.multipart_uploads.all():
        upload.abort()
    made.delete()


@pytest.fixture
async def blobs(server: str, bucket: object) -> AsyncIterator[S3Blobs]:
    async with S3Blobs(BUCKET, "/acme/", region="us-east-1", endpoint_url=server) as opened:
        yield opened


async def read(blobs: S3Blobs, place: str) -> bytes:
    return b"".join([piece async for piece in blobs.read(place)])


@pytest.mark.parametrize("size", [0, 10, 8 * MIB, 20 * MIB + 7])
async def test_documents_of_all_sizes(blobs: S3Blobs, bucket: object, size: int) -> None:
    content = os.urandom(size)
    step = 300_000
    flow = pieces(*(content[at : at + step] for at in range(0, size, step)))
    await blobs.write("2026-11-01/doc_1", flow)
    assert await read(blobs, "2026-11-01/doc_1") == content
    [found] = bucket.objects.all()  # type: ignore[attr-defined]
    assert found.key == "acme/2026-11-01/doc_1"


async def test_an_upload_that_breaks_off_leaves_nothing(blobs: S3Blobs, bucket: object) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 9 * MIB
        raise ConnectionResetError("cut")

    with pytest.raises(DocumentsUnavailableError):
        await blobs.write("2026-11-01/doc_1", broken())
    assert list(bucket.objects.all()) == []  # type: ignore[attr-defined]
    assert list(bucket.multipart_uploads.all()) == []  # type: ignore[attr-defined]


async def test_days_are_listed_and_deleted(blobs: S3Blobs, bucket: object) -> None:
    bucket.put_object(Key="acme/other/file", Body=b"")  # type: ignore[attr-defined]
    bucket.put_object(Key="2026-01-01/elsewhere", Body=b"")  # type: ignore[attr-defined]
    for place in ("2026-11-02/a", "2026-11-01/a", "2026-11-01/b"):
        await blobs.write(place, pieces(b"x"))
    assert await blobs.days() == [date(2026, 11, 1), date(2026, 11, 2)]
    await blobs.delete_day(date(2026, 11, 1))
    await blobs.delete_day(date(2026, 11, 1))
    assert await blobs.days() == [date(2026, 11, 2)]
    left = {one.key for one in bucket.objects.all()}  # type: ignore[attr-defined]
    assert left == {"acme/other/file", "2026-01-01/elsewhere", "acme/2026-11-02/a"}


async def test_what_is_missing_is_told_apart_from_what_fails(blobs: S3Blobs, server: str) -> None:
    with pytest.raises(NotFoundError):
        await read(blobs, "2026-11-01/none")
    async with S3Blobs("no-such-bucket", "", region="us-east-1", endpoint_url=server) as other:
        with pytest.raises(DocumentsUnavailableError, match="NoSuchBucket"):
            await other.write("2026-11-01/a", pieces(b"x"))
    async with S3Blobs(
        BUCKET, "", region="us-east-1", endpoint_url="http://127.0.0.1:9"
    ) as nowhere:
        with pytest.raises(DocumentsUnavailableError):
            await nowhere.days()
