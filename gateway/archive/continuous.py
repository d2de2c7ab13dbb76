"""Everything that comes in, archived as it comes: by day and type, by one process at a time.

Notifications, with messages in quarantine among them, are taken in windows, each within one day
(UTC, by when they were received). A window is noted in the store, its files are written whole under
names that follow from where it begins, its manifest last, and then the store's mark is moved.
Killed at any instruction, the next process writes the same window under the same names, or finds
its manifest there; so nothing is lost, and nothing stands there twice. It leaves alone what is so
new that its commit may still be coming; what was committed even later is noted by the inbox, and
archived by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

import structlog

from gateway.archive.compression import Compression
from gateway.archive.exporting import Exported, in_memory
from gateway.archive.lines import ArchiveSealer
from gateway.archive.manifest import SUFFIX, Manifest, Part, Scope, written
from gateway.archive.parts import PartWriter
from gateway.archive.places import Places
from gateway.archive.source import archive_at
from gateway.clock import Clock, rfc3339
from gateway.errors import ArchiveUnavailableError, NotFoundError, SealError
from gateway.model import IdPrefix, new_token
from gateway.operations import first_id, time_of
from gateway.store.archive_runs import START, ArchiveRun
from gateway.store.archived import Line, position

WINDOW: Final = 2_000
"""Most notifications of one window."""

SETTLED_MS: Final = 120_000
"""Age from which on a notification is taken; see `gateway.store.inbox.LATE_MS`."""

_LEASE_MS: Final = 120_000
_ALL: Final = 1_000_000  # a window's end is noted: it was full, whatever a release calls full
_LATE_AT_ONCE: Final = 500
_DAY_MS: Final = round(timedelta(days=1).total_seconds() * 1000)

_log = structlog.get_logger("gateway.archive")


class Runs(Protocol):
    """How far it is; see `gateway.store.archive_runs`."""

    async def standing(self) -> ArchiveRun | None: ...

    async def claim(self, token: int, *, lease_ms: int) -> ArchiveRun | None: ...

    async def release(self, token: int) -> None: ...

    async def plan(self, token: int, until: str) -> bool: ...

    async def advance(self, token: int, until: str) -> bool: ...

    async def first_late(self) -> str | None: ...

    async def late_batch(self, token: int, *, limit: int) -> tuple[str, Sequence[str]] | None: ...

    async def late_archived(self, token: int, batch: str) -> None: ...


class ArchiveRecorder(Protocol):
    """Where it is counted."""

    def archived(self, notifications: int, size_bytes: int) -> None:
        """Count notifications that are archived."""
        ...

    def behind(self, lag_s: float) -> None:
        """Note how far it is behind."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How files are written.

    Attributes:
        plain: Whether bodies stand in the clear.
        every_ms: How long a notification waits for others.
        schema: Revision of the database, for manifests.
    """

    compression: Compression
    plain: bool
    every_ms: int
    schema: str


class ContinuousArchive:
    """See the module; call `tick` again and again."""

    def __init__(
        self,
        runs: Runs,
        store: Exported,
        places: Places,
        *,
        sealer: ArchiveSealer,
        clock: Clock,
        recorder: ArchiveRecorder,
        form: Form,
    ) -> None:
        self._runs = runs
        self._store = store
        self._places = places
        self._sealer = sealer
        self._clock = clock
        self._recorder = recorder
        self._form = form
        self._token = new_token()

    async def tick(self) -> None:
        """Archive what is due, if no other process does.

        Raises:
            StoreUnavailableError, ArchiveUnavailableError: The next tick goes on.
        """
        standing = await self._runs.standing()
        cursor = START if standing is None else standing.cursor
        if standing is None or standing.until is not None or await self._due(cursor):
            await self._archive()
        await self._tell()

    async def _archive(self) -> None:
        run = await self._runs.claim(self._token, lease_ms=_LEASE_MS)
        if run is None:
            return
        try:
            while run is not None and await self._window(run):
                run = await self._runs.claim(self._token, lease_ms=_LEASE_MS)
            if run is not None:
                await self._late()
        except SealError as exc:
            raise ArchiveUnavailableError(f"archive: {exc}") from exc
        finally:
            await self._runs.release(self._token)

    async def _due(self, cursor: str) -> bool:
        if await self._runs.first_late() is not None:
            return True
        return await self._until(cursor) is not None

    async def _tell(self) -> None:
        standing = await self._runs.standing()
        cursor = START if standing is None else standing.cursor
        now_ms = self._clock.now_ms()
        waiting = await self._store.look(after=cursor, before=_before(now_ms), limit=1)
        oldest = [one.id for one in waiting]
        if (late := await self._runs.first_late()) is not None:
            oldest.append(late)
        lag_ms = max((now_ms - time_of(one) for one in oldest), default=0)
        self._recorder.behind(max(0, lag_ms) / 1000)

    # ── windows ──────────────────────────────────────────────────────────────────────────────────

    async def _until(self, cursor: str) -> str | None:
        """Return where the window behind a cursor ends; None while none is due."""
        settled_ms = self._clock.now_ms() - SETTLED_MS
        found = await self._store.look(after=cursor, before=_before(settled_ms), limit=WINDOW)
        if not found:
            return None
        first_ms = time_of(found[0].id)
        day_ends_ms = (first_ms // _DAY_MS + 1) * _DAY_MS
        same_day = [one for one in found if time_of(one.id) < day_ends_ms]
        taken = in_memory(same_day, WINDOW)
        full = len(taken) == WINDOW or len(taken) < len(same_day)
        waited = settled_ms - first_ms >= self._form.every_ms
        return position(taken[-1].id) if full or waited or settled_ms >= day_ends_ms else None

    async def _window(self, run: ArchiveRun) -> bool:
        """Archive one window; tell whether the run went on."""
        until = run.until
        if until is None:
            until = await self._until(run.cursor)
            if until is None or not await self._runs.plan(self._token, until):
                return False
        elif await self._is_there(run.cursor, until):
            return await self._runs.advance(self._token, until)
        # Behind `until` and before whatever comes after it.
        found = await self._store.look(after=run.cursor, before=f"{until}~", limit=_ALL)
        whole = await self._store.whole([one.id for one in found]) if found else ()
        await self._written(run.cursor, until, whole, again=run.until is not None)
        return await self._runs.advance(self._token, until)

    async def _is_there(self, name: str, until: str) -> bool:
        try:
            place = f"{_day(until)}/{name}{SUFFIX}"
            return (await archive_at(self._places, place)).manifest.cursor == until
        except NotFoundError:
            return False

    async def _late(self) -> None:
        """Archive what was committed late, by itself, each day in an archive of its own."""
        while batch := await self._runs.late_batch(self._token, limit=_LATE_AT_ONCE):
            name, ids = batch
            whole = await self._store.whole(ids)
            for day in sorted({_day(one.id) for one in whole}):
                of_day = [one for one in whole if _day(one.id) == day]
                last = of_day[-1].id
                if not await self._is_there(f"late-{name}", last):
                    await self._written(f"late-{name}", last, of_day, again=True)
            if await self._runs.claim(self._token, lease_ms=_LEASE_MS) is None:
                return
            await self._runs.late_archived(self._token, name)

    async def _written(self, name: str, until: str, whole: Sequence[Line], *, again: bool) -> None:
        """Write the files of a window, and its manifest last.

        Args:
            name: What its files are called.
            until: Where it ends.
            whole: What is in it.
            again: Whether a run that was killed may have written some of them.
        """
        day = _day(until)
        parts = []
        for number, type_ in enumerate(sorted({one.type for one in whole}), 1):
            of_type = [one for one in whole if one.type == type_]
            parts.append(await self._part(day, name, number, of_type))
        if again and (leftovers := await self._leftovers(day, name, parts)):
            await self._places.delete(leftovers)
        if parts:
            manifest = self._manifest(name, until, parts)
            await self._places.write(f"{day}/{name}{SUFFIX}", written(manifest))
            self._recorder.archived(manifest.lines, manifest.size_bytes)
            _log.info("archive.written", window=name, lines=manifest.lines)

    async def _part(self, day: str, name: str, number: int, of_type: Sequence[Line]) -> Part:
        form = self._form
        writer = PartWriter(
            name, number, compression=form.compression, sealer=self._sealer, plain=form.plain
        )
        await asyncio.to_thread(_add_all, writer, of_type)  # packing must hold up nobody
        place = f"{of_type[0].type}/{name}{form.compression.suffix}"
        part, content = writer.finish(place)
        await self._places.write(f"{day}/{place}", content)
        return part

    async def _leftovers(self, day: str, name: str, parts: Sequence[Part]) -> Sequence[str]:
        """Return files of the same window, written by a run that was killed, that are no more."""
        kept = {f"{day}/{part.name}" for part in parts}
        return [
            one
            for one in await self._places.names(f"{day}/")
            if one.rpartition("/")[2].startswith(f"{name}.") and one not in kept
        ]

    def _manifest(self, name: str, until: str, parts: Sequence[Part]) -> Manifest:
        now_ms = self._clock.now_ms()
        return Manifest(
            archive=name,
            complete=True,
            created_at_ms=now_ms,
            finished_at_ms=now_ms,
            scope=Scope(
                from_ms=min(part.first_received_at_ms for part in parts),
                to_ms=max(part.last_received_at_ms for part in parts) + 1,
            ),
            cursor=until,
            compression=self._form.compression,
            plain=self._form.plain,
            schema=self._form.schema,
            part_lines=WINDOW,
            parts=parts,
        )


def _add_all(writer: PartWriter, found: Sequence[Line]) -> None:
    for one in found:
        writer.add(one)


def _before(at_ms: int) -> str:
    return first_id(IdPrefix.NOTIFICATION, at_ms)


def _day(notification_id: str) -> str:
    return rfc3339(time_of(notification_id))[:10]
