"""Links to documents, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import pytest

from gateway.admin.downloads import Downloads
from gateway.admin.server import AdminServer
from gateway.documents.folder import FolderBlobs
from gateway.documents.shelf import Document, DocumentShelf
from tests.support.clock import FakeClock
from tests.support.library import library

HANDLING = "hdl_019abcdef0127abcdef0123456789abc"


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[SimpleNamespace]:
    clock = FakeClock()
    shelves = library(clock, FolderBlobs(tmp_path), ttl_s=60)
    server = AdminServer(Downloads(shelves).routes(), host="127.0.0.1", port=0)
    await server.start()
    shelf = DocumentShelf(shelves, handling_id=HANDLING, seller_id="A1")
    async with aiohttp.ClientSession() as session:
        yield SimpleNamespace(
            clock=clock, shelf=shelf, folder=tmp_path, session=session, port=server.port
        )
    await server.stop()


def local(served: SimpleNamespace, document: Document) -> str:
    return document.url.replace("https://gateway.example", f"http://127.0.0.1:{served.port}")


async def test_a_link_gives_the_document(served: SimpleNamespace) -> None:
    content = b"sku\tprice\n" * 100_000
    document = await served.shelf.store("préços.tsv", content, content_type="text/plain")
    async with served.session.get(local(served, document)) as answer:
        assert answer.status == 200
        assert await answer.read() == content
        assert answer.headers["Content-Type"] == "text/plain"
        assert answer.headers["ETag"] == f'"{document.sha256}"'
        assert "pr%C3%A9%C3%A7os.tsv" in answer.headers["Content-Disposition"]
        assert "no-store" in answer.headers["Cache-Control"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    async with served.session.head(local(served, document)) as answer:
        assert (answer.status, answer.content_length) == (200, len(content))


async def test_an_empty_document(served: SimpleNamespace) -> None:
    document = await served.shelf.store("empty", b"")
    async with served.session.get(local(served, document)) as answer:
        assert (answer.status, await answer.read()) == (200, b"")


async def test_faults_are_problems(served: SimpleNamespace) -> None:
    document = await served.shelf.store("a", b"x")
    url = local(served, document)
    async with served.session.get(url[:-3] + "AAA") as answer:
        assert answer.status == 404
        assert answer.content_type == "application/problem+json"
    (file,) = [one for one in served.folder.rglob("*") if one.is_file()]
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    async with served.session.get(url) as answer:
        assert answer.status == 503
    file.unlink()
    async with served.session.get(url) as answer:
        assert answer.status == 404
    served.clock.advance(61)
    async with served.session.get(url) as answer:
        assert answer.status == 410
