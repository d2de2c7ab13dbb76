from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.errors import SealError
from gateway.store import Store
from gateway.store.documents import StoredDocument
from tests.conformance.store.world import FakeSealer, World

KEY = b"k" * 32


def _document(number: int, *, key: bytes | None = KEY, at_ms: int = 0) -> StoredDocument:
    return StoredDocument(
        id=f"doc_{number}",
        name="report.tsv",
        content_type="text/plain",
        size_bytes=3_000_000_000,
        sha256="ab",
        seller_id="A1",
        handling_id="hdl_1",
        place="2026-11-01/x",
        key=key,
        created_at_ms=at_ms,
    )


async def test_rows_come_back_as_they_were_and_keys_are_sealed(world: World, store: Store) -> None:
    sealed, plain = _document(1), _document(2, key=None)
    await store.documents.put(sealed)
    await store.documents.put(plain)
    assert list(await store.documents.find(["doc_1", "doc_2", "doc_3"])) == [sealed, plain]
    rows = await world.rows("SELECT sealed_key FROM documents ORDER BY id")
    assert KEY not in bytes(rows[0][0])  # type: ignore[arg-type]
    assert rows[1][0] is None


async def test_a_repeated_run_replaces_its_document(store: Store) -> None:
    await store.documents.put(_document(1))
    again = replace(_document(1), place="2026-11-02/y", sha256="cd", key=b"j" * 32)
    await store.documents.put(again)
    assert list(await store.documents.list()) == [again]


async def test_the_newest_come_first_in_pages(store: Store) -> None:
    for number in range(5):
        await store.documents.put(_document(number))
    page = await store.documents.list(limit=2)
    assert [one.id for one in page] == ["doc_4", "doc_3"]
    page = await store.documents.list(after=page[-1].id, limit=9)
    assert [one.id for one in page] == ["doc_2", "doc_1", "doc_0"]


async def test_old_rows_are_forgotten(store: Store) -> None:
    for number in range(3):
        await store.documents.put(_document(number, at_ms=number))
    assert await store.documents.forget(2) == 2
    assert [one.id for one in await store.documents.list()] == ["doc_2"]


async def test_a_key_moved_to_another_row_opens_nothing(world: World, store: Store) -> None:
    await store.documents.put(_document(1))
    await world.change("UPDATE documents SET id = 'doc_9'")
    with pytest.raises(SealError):
        await store.documents.find(["doc_9"])


async def test_rotation_seals_the_keys_again(world: World, store: Store) -> None:
    await store.documents.put(_document(1))
    await store.documents.put(_document(2, key=None))
    store.rotation._sealer = store.documents._sealer = FakeSealer(2)  # type: ignore[assignment]
    assert await store.rotation.reseal() == 1
    rows = await world.rows("SELECT sealed_key FROM documents WHERE id = 'doc_1'")
    assert bytes(rows[0][0]).startswith(b"sealed2:")  # type: ignore[arg-type]
    assert (await store.documents.find(["doc_1"]))[0].key == KEY
