"""What is known of stored documents; their bytes lie elsewhere, their keys here, sealed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.store.driver import Driver, Sealer
from gateway.store.statements import Many, One, Row, one_step

_COLUMNS: Final = (
    "id, name, content_type, size_bytes, sha256, seller_id, handling_id, place, sealed_key, "
    "created_at_ms"
)
_FORGET_LIMIT: Final = 500

_PUT: Final = One(
    f"""
    INSERT INTO documents ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, content_type = excluded.content_type,
      size_bytes = excluded.size_bytes, sha256 = excluded.sha256, place = excluded.place,
      sealed_key = excluded.sealed_key, created_at_ms = excluded.created_at_ms
    """  # noqa: S608 columns are ours
)
_FIND: Final = Many(
    f"""
    WITH v(asked) AS ({{rows}})
    SELECT {_COLUMNS} FROM v CROSS JOIN documents WHERE documents.id = v.asked
    """,  # noqa: S608 columns are ours
    ("text",),
)
_LIST: Final = One(
    f"SELECT {_COLUMNS} FROM documents WHERE id < $1 ORDER BY id DESC LIMIT $2"  # noqa: S608
)
_FORGET: Final = One(
    """
    DELETE FROM documents WHERE id IN (
      SELECT id FROM documents WHERE created_at_ms < $1 ORDER BY created_at_ms LIMIT $2
    ) RETURNING id
    """
)
_TOTALS: Final = One("SELECT count(*), sum(size_bytes), min(created_at_ms) FROM documents")
_OLDER: Final = One(
    """
    SELECT count(*), sum(size_bytes), min(created_at_ms) FROM documents WHERE created_at_ms < $1
    """
)
_LAST: Final = "e"  # above every id, which begin with `doc_`


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentTotals:
    """How many documents there are, how large, and when the oldest one was made."""

    count: int
    bytes: int
    oldest_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDocument:
    """A stored document.

    Attributes:
        name: File name for whoever downloads it.
        sha256: Of its bytes, in hexadecimal.
        place: Where the backend keeps its bytes.
        key: What it is sealed with; None where the backend keeps it as it is.
    """

    id: str
    name: str
    content_type: str
    size_bytes: int
    sha256: str
    seller_id: str | None
    handling_id: str
    place: str
    key: bytes | None = field(repr=False)
    created_at_ms: int


def document_key_context(document_id: str) -> str:
    """Return the context that a document's key is bound to."""
    return f"document:{document_id}"


class Documents:
    """See the module."""

    def __init__(self, driver: Driver, sealer: Sealer) -> None:
        self._driver = driver
        self._sealer = sealer

    async def put(self, document: StoredDocument) -> None:
        """Write a row, or replace the one with its id.

        Raises:
            StoreUnavailableError: Nothing was written.
        """
        key, context = document.key, document_key_context(document.id)
        params = (
            document.id,
            document.name,
            document.content_type,
            document.size_bytes,
            document.sha256,
            document.seller_id,
            document.handling_id,
            document.place,
            None if key is None else self._sealer.seal(key, context=context),
            document.created_at_ms,
        )
        await self._driver.write(lambda: one_step(_PUT(*params)))

    async def find(self, document_ids: Sequence[str]) -> Sequence[StoredDocument]:
        """Return those that there are.

        Raises:
            SealError: A key can't be opened.
        """
        rows = await self._driver.read(lambda: one_step(_FIND([(one,) for one in document_ids])))
        return [self._document(row) for row in rows]

    async def list(self, *, after: str | None = None, limit: int = 50) -> Sequence[StoredDocument]:
        """Return documents, the newest first; `after` is the id of the last one before."""
        rows = await self._driver.read(lambda: one_step(_LIST(after or _LAST, limit)))
        return [self._document(row) for row in rows]

    async def totals(self, *, before_ms: int | None = None) -> DocumentTotals:
        """Return how much there is, of those made before a time or of all."""
        if before_ms is None:
            rows = await self._driver.read(lambda: one_step(_TOTALS()))
        else:
            rows = await self._driver.read(lambda: one_step(_OLDER(before_ms)))
        count, size, oldest_ms = rows[0]
        return DocumentTotals(count=count, bytes=int(size or 0), oldest_ms=oldest_ms)

    async def forget(self, before_ms: int) -> int:
        """Delete rows made before a time, at most some hundred; return how many they were.

        Raises:
            StoreUnavailableError: None was deleted.
        """
        return len(await self._driver.write(lambda: one_step(_FORGET(before_ms, _FORGET_LIMIT))))

    def _document(self, row: Row) -> StoredDocument:
        sealed = row[8]
        context = document_key_context(row[0])
        return StoredDocument(
            id=row[0],
            name=row[1],
            content_type=row[2],
            size_bytes=row[3],
            sha256=row[4],
            seller_id=row[5],
            handling_id=row[6],
            place=row[7],
            key=None if sealed is None else self._sealer.open(bytes(sealed), context=context),
            created_at_ms=row[9],
        )
