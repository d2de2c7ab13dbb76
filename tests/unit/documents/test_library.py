from __future__ import annotations

import hashlib
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.documents.folder import FolderBlobs
from gateway.documents.shelf import DocumentShelf, document_id
from gateway.errors import (
    DocumentsUnavailableError,
    LinkExpiredError,
    NotFoundError,
    SealError,
)
from tests.support.clock import FakeClock
from tests.support.library import MemoryBlobs, MemoryRows, library, pieces

DAY_S = 86_400
HANDLING = "hdl_019abcdef0127abcdef0123456789abc"


async def whole(flow: AsyncIterator[bytes]) -> bytes:
    return b"".join([one async for one in flow])


def token(url: str) -> str:
    return url.rpartition("/")[2]


async def test_a_document_is_counted_hashed_and_linked(tmp_path: Path) -> None:
    clock = FakeClock()
    shelves = library(clock, FolderBlobs(tmp_path))
    shelf = DocumentShelf(shelves, handling_id=HANDLING, seller_id="A1")
    content = [b"sku\tprice\n", b"x" * 200_000]
    document = await shelf.store("report.tsv", pieces(*content), content_type="text/plain")
    assert document.size_bytes == 200_010
    assert document.sha256 == hashlib.sha256(b"".join(content)).hexdigest()
    assert document.url.startswith("https://gateway.example/documents/")
    stored = await shelves.behind(token(document.url))
    assert (stored.seller_id, stored.handling_id) == ("A1", HANDLING)
    assert await whole(shelves.read(stored)) == b"".join(content)


async def test_files_are_sealed_and_their_owners_alone(tmp_path: Path) -> None:
    shelf = DocumentShelf(
        library(FakeClock(), FolderBlobs(tmp_path / "documents")),
        handling_id=HANDLING,
        seller_id=None,
    )
    await shelf.store("orders.txt", b"buyer@example.com")
    files = [one for one in tmp_path.rglob("*") if one.is_file()]
    assert len(files) == 1
    assert b"buyer" not in files[0].read_bytes()
    modes = {stat.S_IMODE(one.stat().st_mode) for one in tmp_path.rglob("*")}
    assert modes == {0o600, 0o700}


async def test_a_repeated_run_replaces_what_it_stored() -> None:
    rows = MemoryRows()
    shelves = library(FakeClock(), MemoryBlobs(), rows=rows)
    shelf = DocumentShelf(shelves, handling_id=HANDLING, seller_id=None)
    first = await shelf.store("a", b"half")
    again = await shelf.store("a", b"whole")
    assert first.id == again.id == document_id(HANDLING, "a")
    assert list(rows.rows) == [first.id]
    assert await whole(shelves.read(rows.rows[first.id])) == b"whole"
    found = await shelf.find("a")
    assert found is not None
    assert found.sha256 == again.sha256
    assert await shelf.find("b") is None


async def test_links_expire_and_cant_be_forged() -> None:
    clock = FakeClock()
    shelves = library(clock, MemoryBlobs(), ttl_s=60)
    document = await DocumentShelf(shelves, handling_id=HANDLING, seller_id=None).store("a", b"x")
    good = token(document.url)
    clock.advance(59.9)
    assert (await shelves.behind(good)).id == document.id
    stranger = library(clock, MemoryBlobs())
    other = "B" if good[20] == "A" else "A"
    for bad in ("", "x", good[:-2], good[:20] + other + good[21:], "é", good + "=="):
        with pytest.raises(NotFoundError):
            await shelves.behind(bad)
    with pytest.raises(NotFoundError):
        await stranger.behind(good)
    clock.advance(0.2)
    with pytest.raises(LinkExpiredError):
        await shelves.behind(good)


async def test_what_is_too_old_goes_with_what_nobody_names() -> None:
    clock = FakeClock()
    blobs, rows = MemoryBlobs(), MemoryRows()
    shelves = library(clock, blobs, rows=rows, ttl_s=100 * DAY_S)
    shelf = DocumentShelf(shelves, handling_id=HANDLING, seller_id=None)
    old = [await shelf.store(f"old{n}", b"x") for n in range(5)]
    await shelf.store("old0", b"replaced, so its first bytes are nobody's")
    clock.advance(31 * DAY_S)
    young = await shelf.store("young", b"x")
    assert await shelves.expire() == 5
    assert list(rows.rows) == [young.id]
    assert len(blobs.kept) == 1
    with pytest.raises(NotFoundError, match="deleted"):
        await shelves.behind(token(old[0].url))
    assert await shelves.expire() == 0


async def test_a_write_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"some"
        raise ConnectionError("cut")

    shelf = DocumentShelf(
        library(FakeClock(), FolderBlobs(tmp_path)), handling_id=HANDLING, seller_id=None
    )
    with pytest.raises(ConnectionError):
        await shelf.store("a", broken())
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == []
    assert await shelf.find("a") is None


async def test_a_folder_that_cant_be_written_is_a_dependency(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    shelf = DocumentShelf(
        library(FakeClock(), FolderBlobs(tmp_path / "file")), handling_id=HANDLING, seller_id=None
    )
    with pytest.raises(DocumentsUnavailableError, match=r"documents\.url"):
        await shelf.store("a", b"x")


async def test_an_altered_file_is_never_handed_out(tmp_path: Path) -> None:
    shelves = library(FakeClock(), FolderBlobs(tmp_path))
    shelf = DocumentShelf(shelves, handling_id=HANDLING, seller_id=None)
    document = await shelf.store("a", b"x" * 100)
    (file,) = [one for one in tmp_path.rglob("*") if one.is_file()]
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(SealError):
        await whole(shelves.read(await shelves.behind(token(document.url))))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("report.tsv", "report.tsv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\y.zip", "y.zip"),
        ('a"b\r\nc', "abc"),
        ("..", "document"),
        ("", "document"),
    ],
)
async def test_a_name_is_never_a_path(given: str, kept: str) -> None:
    shelf = DocumentShelf(library(FakeClock(), MemoryBlobs()), handling_id=HANDLING, seller_id=None)
    assert (await shelf.store(given, b"")).name == kept
