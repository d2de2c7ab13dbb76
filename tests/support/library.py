"""A library of documents without a database: rows and bytes in memory, real links and seals."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date

from gateway.clock import Clock
from gateway.documents.blobs import Blobs, day_named
from gateway.documents.library import Library
from gateway.documents.links import Links
from gateway.errors import NotFoundError
from gateway.sealing import KeyRing, Sealer, SealingKey
from gateway.store.documents import StoredDocument


async def pieces(*all_of_them: bytes) -> AsyncIterator[bytes]:
    for one in all_of_them:
        yield one


class MemoryBlobs:
    """Bytes in a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def write(self, place: str, pieces: AsyncIterator[bytes]) -> None:
        self.kept[place] = b"".join([one async for one in pieces])

    async def read(self, place: str) -> AsyncIterator[bytes]:
        if place not in self.kept:
            raise NotFoundError(place)
        yield self.kept[place]

    async def delete(self, place: str) -> None:
        self.kept.pop(place, None)

    async def days(self) -> Sequence[date]:
        named = {day_named(place.partition("/")[0]) for place in self.kept}
        return sorted(day for day in named if day is not None)

    async def delete_day(self, day: date) -> None:
        for place in [one for one in self.kept if one.startswith(day.isoformat())]:
            del self.kept[place]


class MemoryRows:
    """Rows in a dictionary."""

    def __init__(self) -> None:
        self.rows: dict[str, StoredDocument] = {}

    async def put(self, document: StoredDocument) -> None:
        self.rows[document.id] = document

    async def find(self, document_ids: Sequence[str]) -> Sequence[StoredDocument]:
        return [self.rows[one] for one in document_ids if one in self.rows]

    async def forget(self, before_ms: int) -> int:
        old = [one.id for one in self.rows.values() if one.created_at_ms < before_ms][:2]
        for document_id in old:
            del self.rows[document_id]
        return len(old)


class CountedDocuments:
    """Counts what is stored."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def stored(self, size_bytes: int) -> None:
        self.sizes.append(size_bytes)


def sealer(clock: Clock) -> Sealer:
    return Sealer(KeyRing(keys=(SealingKey.new(clock),)))


def library(
    clock: Clock,
    blobs: Blobs,
    *,
    rows: MemoryRows | None = None,
    seals: bool = True,
    ttl_s: float = 3600,
) -> Library:
    return Library(
        rows or MemoryRows(),
        blobs,
        Links(sealer(clock), clock, public_url="https://gateway.example/", ttl_s=ttl_s),
        clock=clock,
        recorder=CountedDocuments(),
        retention_days=30,
        seals=seals,
    )
