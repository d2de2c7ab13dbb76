"""Replays straight from archives: lines that are selected come into the store, and are handled.

A line is verified before it counts. What is in the store already is known by Amazon's id and
handled as it stands there. A message that still can't be read goes to quarantine. Bringing things
in moves nothing on, so that a step that was cut off is simply taken again.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.archive.lines import ArchiveSealer
from gateway.archive.manifest import Part
from gateway.archive.places import Location, Places
from gateway.archive.source import Archive, archived_of_part, archives
from gateway.envelope import read_envelope
from gateway.errors import ArchiveFaultError, EnvelopeError
from gateway.operations import Operation, Selection
from gateway.replay.replays import Behind, ReplayWork, selected
from gateway.replay.stepping import Found, Step, Work
from gateway.store.archived import QUARANTINE, Archived, Line, notification_of, position
from gateway.store.replaying import Looked

LINES: Final = 500
"""Most lines that one step looks at."""

OpenPlaces = Callable[[Location], AbstractAsyncContextManager[Places]]


class Restored(Protocol):
    """See `gateway.store.archiving`."""

    async def restore(self, batch: Sequence[Line]) -> int:
        """Keep notifications and messages as they were."""
        ...


class Known(Protocol):
    """See `gateway.store.replaying`."""

    async def known(self, identities: Sequence[str]) -> Sequence[Looked]:
        """Return the stored notifications of Amazon's ids."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A line with the cursor that stands for it."""

    cursor: str
    line: Line


@dataclass(slots=True, kw_only=True)
class _Reading:
    """A file that is being read, so that not each step begins at its first line.

    Attributes:
        reader: Who reads it.
        cursor: Of the last line that was read.
    """

    reader: str
    cursor: str
    lines: AsyncGenerator[Placed]
    stack: AsyncExitStack


class ArchiveReplayWork:
    """See the module; a `Work`.

    Args:
        replays: Makes the handlings.
        store: Brings notifications in.
        known: Finds them.
        open_places: Opens where archives lie.
        sealer: Opens bodies.
    """

    def __init__(
        self,
        replays: ReplayWork,
        store: Restored,
        known: Known,
        *,
        open_places: OpenPlaces,
        sealer: ArchiveSealer,
    ) -> None:
        self._replays = replays
        self._store = store
        self._known = known
        self._open = open_places
        self._sealer = sealer
        self._reading: _Reading | None = None

    async def look(self, selection: Selection, cursor: str) -> Found:
        """Return what is selected of the next lines; state and handler are asked of the store."""
        taken, looked, last = await self._next("", selection, cursor, LINES)
        chosen = _readable(taken)
        if selection.state is not None:
            known = await self._known.known([one.identity for one in chosen])
            ids = {one.id for one in known if selected(one, selection)}
            chosen = [one for one in chosen if one.id in ids]
        things = [one.notification for one in chosen]
        return Found(
            things=[(one.id, one.type, one.seller_id or "") for one in things],
            looked=looked,
            cursor=last or cursor,
            ended=last is None,
        )

    async def step(self, operation: Operation, token: int, most: int, now_ms: int) -> Step:
        """Bring the next lines in and handle them, at most so many.

        Raises:
            ArchiveFaultError: A line is not as it was written; what is before it was taken.
            ArchiveUnavailableError: The place can't be read now.
        """
        selection = operation.selection
        taken, looked, last = await self._next(operation.id, selection, operation.cursor, most)
        if last is None:
            return Step(moved=False, ended=True)
        await self._store.restore(taken)
        known = await self._known.known([one.identity for one in _readable(taken)])
        chosen = [one for one in known if selected(one, selection)]
        behind = Behind(cursor=last, looked=looked, selected=len(chosen))
        return await self._replays.handle(operation, token, chosen, behind, now_ms)

    async def aclose(self) -> None:
        """Let go of the file that is being read."""
        reading, self._reading = self._reading, None
        if reading is not None:
            await reading.stack.aclose()

    async def _next(
        self, reader: str, selection: Selection, cursor: str, most: int
    ) -> tuple[Sequence[Line], int, str | None]:
        """Return the next lines that are selected, how many were looked at, and the new cursor."""
        reading = self._reading
        if reading is None or (reading.reader, reading.cursor) != (reader, cursor):
            await self.aclose()
            reading = await self._begun(reader, selection, cursor)
        taken: list[Line] = []
        looked, last = 0, None
        try:
            while looked < LINES and len(taken) < most:
                placed = await anext(reading.lines)
                looked, last = looked + 1, placed.cursor
                if wanted(placed.line, selection):
                    taken.append(placed.line)
        except StopAsyncIteration:
            await self.aclose()
        except BaseException as exc:
            await self.aclose()
            if last is None or not isinstance(exc, ArchiveFaultError):
                raise
            # What is before the fault is taken first; the next step meets the fault again.
        else:
            reading.cursor = last or cursor
            self._reading = reading
        return taken, looked, last

    async def _begun(self, reader: str, selection: Selection, cursor: str) -> _Reading:
        location = Location.parse(selection.archive or "")
        async with AsyncExitStack() as stack:
            places = await stack.enter_async_context(self._open(location))
            lines = self._read(places, location, selection, cursor)
            stack.push_async_callback(lines.aclose)
            reading = _Reading(reader=reader, cursor=cursor, lines=lines, stack=stack.pop_all())
        self._reading = reading
        return reading

    async def _read(
        self, places: Places, location: Location, selection: Selection, cursor: str
    ) -> AsyncGenerator[Placed]:
        place, number, last_id = read_cursor(cursor)
        async for archive in archives(places, location):
            for part in archive.manifest.parts:
                if (archive.place, part.number) < (place, number) or not _may_hold(part, selection):
                    continue
                begun = (archive.place, part.number) == (place, number)
                async for placed in self._of_part(places, archive, part):
                    if not begun or position(placed.line.id) > position(last_id):
                        yield placed

    async def _of_part(
        self, places: Places, archive: Archive, part: Part
    ) -> AsyncGenerator[Placed]:
        lines = archived_of_part(places, archive, part, self._sealer)
        async with aclosing(lines):
            async for _, one in lines:
                cursor = f"{archive.place}#{part.number}#{one.id}"
                yield Placed(cursor=cursor, line=one)


def read_cursor(cursor: str) -> tuple[str, int, str]:
    """Return the place, the part's number and the last line's id that a cursor stands for.

    Lines of a part are in the order of time, which their ids tell, so an id finds its place again
    even where lines before it were erased meanwhile.
    """
    if not cursor:
        return "", 0, ""
    before, _, last_id = cursor.rpartition("#")
    place, _, number = before.rpartition("#")
    return place, int(number), last_id


def _readable(lines: Sequence[Line]) -> Sequence[Archived]:
    found = (notification_of(one) for one in lines)
    return [one for one in found if one is not None]


def wanted(one: Line, selection: Selection) -> bool:
    """Tell whether a line is selected, as far as it shows that by itself.

    A message that still can't be read is of no type, no seller and about nothing.
    """
    if not selection.from_ms <= one.received_at_ms < selection.to_ms:
        return False
    read = notification_of(one)
    if read is None:
        asked = (selection.notification_type, selection.seller_id, selection.marketplace_id)
        return asked == (None, None, None) and selection.reference is None
    found = read.notification
    pairs = (
        (selection.notification_type, found.type),
        (selection.seller_id, found.seller_id),
        (selection.marketplace_id, found.marketplace_id),
    )
    if any(named not in (None, value) for named, value in pairs):
        return False
    return selection.reference is None or _is_about(read, selection)


def _is_about(one: Archived, selection: Selection) -> bool:
    try:
        return selection.reference in read_envelope(one.notification.body).references
    except EnvelopeError:
        return False


def _may_hold(part: Part, selection: Selection) -> bool:
    if part.last_received_at_ms < selection.from_ms:
        return False
    if part.first_received_at_ms >= selection.to_ms:
        return False
    return QUARANTINE in part.by_type or selection.notification_type in (None, *part.by_type)


class ReplaysOfAll:
    """A `Work` that takes replays to what they read: the store, or archives."""

    def __init__(self, stored: ReplayWork, archived: ArchiveReplayWork) -> None:
        self._stored = stored
        self._archived = archived

    async def look(self, selection: Selection, cursor: str) -> Found:
        """See `Work`."""
        return await self._of(selection).look(selection, cursor)

    async def step(self, operation: Operation, token: int, most: int, now_ms: int) -> Step:
        """See `Work`."""
        return await self._of(operation.selection).step(operation, token, most, now_ms)

    def _of(self, selection: Selection) -> Work:
        return self._stored if selection.archive is None else self._archived
