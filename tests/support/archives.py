"""Archives for tests: places in memory, a store in memory, and notifications."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field

from gateway.archive.compression import Compression
from gateway.archive.exporting import Exporting, Order
from gateway.archive.manifest import Manifest, Scope
from gateway.errors import NotFoundError
from gateway.model import IdPrefix, NotificationState, Origin, StoredNotification, new_id
from gateway.sealing import KeyRing, Sealer, SealingKey
from gateway.store.archived import Archived, ArchivedMessage, Candidate, Line, position
from tests.support.clock import FakeClock

START_MS = 1_800_000_000_000


@dataclass
class MemoryPlaces:
    """`Places` in memory, in small pieces; `dies_at` is a write that never comes about."""

    files: dict[str, bytes] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    dies_at: int | None = None
    step: int = 1_000

    async def write(self, name: str, content: bytes) -> None:
        if self.dies_at is not None and len(self.writes) >= self.dies_at:
            raise ConnectionResetError(name)
        self.writes.append(name)
        self.files[name] = content

    async def read(self, name: str) -> AsyncIterator[bytes]:
        if name not in self.files:
            raise NotFoundError(name)
        content = self.files[name]
        for at in range(0, len(content), self.step):
            yield content[at : at + self.step]

    async def names(self, within: str = "") -> Sequence[str]:
        return sorted(name for name in self.files if name.startswith(within))

    async def delete(self, names: Sequence[str]) -> None:
        for name in names:
            self.files.pop(name, None)


@dataclass
class MemoryArchiving:
    """Notifications and messages in memory."""

    rows: dict[str, Line] = field(default_factory=dict)

    async def look(self, *, after: str, before: str, limit: int) -> Sequence[Candidate]:
        found = [one for one in self._sorted(self.rows) if after < position(one.id) < before]
        return [_candidate(one) for one in found[:limit]]

    async def whole(self, ids: Iterable[str]) -> Sequence[Line]:
        return self._sorted(ids)

    async def restore(self, batch: Sequence[Line]) -> int:
        known = {one.identity for one in self.rows.values()}
        new = [one for one in batch if one.identity not in known]
        self.rows.update({one.id: one for one in new})
        return len(new)

    def _sorted(self, ids: Iterable[str]) -> list[Line]:
        return [self.rows[one] for one in sorted(ids, key=position)]


def _candidate(one: Line) -> Candidate:
    seller_id = one.notification.seller_id if isinstance(one, Archived) else None
    return Candidate(
        id=one.id,
        type=one.type,
        seller_id=seller_id,
        marketplace_id=None,
        size_bytes=len(one.body),
    )


def message(
    number: int, body: bytes = b"\xff Jane Doe", *, at_ms: int | None = None
) -> ArchivedMessage:
    """Return the message in quarantine of a number, which came just behind its notification."""
    received_ms = START_MS + 1_000 * number + 1 if at_ms is None else at_ms
    return ArchivedMessage(
        id=new_id(IdPrefix.QUARANTINE, received_ms),
        identity=f"q-{number}",
        source="queue",
        message_id=f"m-{number}",
        received_at_ms=received_ms,
        body=body,
    )


def archived(
    number: int,
    *,
    type_: str = "ORDER_CHANGE",
    seller: str | None = "A1",
    secret: bool = False,
    body: bytes | None = None,
    at_ms: int | None = None,
) -> Archived:
    """Return the notification of a number; a second lies between two of them."""
    received_ms = START_MS + 1_000 * number if at_ms is None else at_ms
    return Archived(
        notification=StoredNotification(
            id=new_id(IdPrefix.NOTIFICATION, received_ms),
            identity=f"n-{number}",
            type=type_,
            payload_version="1.0",
            seller_id=seller,
            marketplace_id=None,
            application_id=None,
            subscription_id=None,
            event_time_ms=received_ms - 7,
            received_at_ms=received_ms,
            source="queue",
            origin=Origin.SQS,
            state=NotificationState.ACCEPTED,
            body=f'{{"order":"902-{number}","buyer":"Jane Doe"}}'.encode()
            if body is None
            else body,
        ),
        secret=secret,
    )


def real_sealer() -> Sealer:
    return Sealer(KeyRing(keys=(SealingKey.new(FakeClock()),)))


def order(
    *,
    compression: Compression = Compression.ZSTD,
    plain: bool = False,
    part_lines: int = 10,
    types: Sequence[str] = (),
    sellers: Sequence[str] = (),
) -> Order:
    return Order(
        scope=Scope(from_ms=START_MS, to_ms=START_MS + 86_400_000, types=types, sellers=sellers),
        compression=compression,
        plain=plain,
        part_lines=part_lines,
    )


@dataclass
class Made:
    """A store, places, and what exports from one to the other."""

    sealer: Sealer = field(default_factory=real_sealer)
    store: MemoryArchiving = field(default_factory=MemoryArchiving)
    places: MemoryPlaces = field(default_factory=MemoryPlaces)

    @property
    def exporting(self) -> Exporting:
        return Exporting(self.store, self.places, self.sealer, FakeClock(), schema="rev_1")

    def hold(self, *found: Line) -> None:
        self.store.rows.update({one.id: one for one in found})

    async def export(self, stem: str = "nov", what: Order | None = None) -> Manifest:
        manifest = await self.exporting.begin(stem, "arc_1", what or order())
        return await self.exporting.run(stem, manifest)
