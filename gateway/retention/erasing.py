"""Erases what is about somebody, place by place, whichever process has the lease.

It decides the order of places and when an erasure has ended. Each step reads a page, finds what is
meant, and erases it in the transaction that moves the cursor, so a kill at any moment loses nothing
and the next process goes on. Bytes outside the database go before the row that leads to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import structlog

from gateway.clock import Clock
from gateway.erasures import Erasure, ErasureState, SubjectKind
from gateway.errors import DependencyError, SealError
from gateway.model import new_token
from gateway.retention.finding import Finding
from gateway.retention.looking import Looking, Texts, start
from gateway.retention.pacing import Pace, next_pace
from gateway.retention.subject import Mentions
from gateway.store.erasing import ErasingStore, Found
from gateway.store.erasing_sql import Keyed, Place
from gateway.store.erasures import Erasures
from gateway.store.space import DatabaseSize
from gateway.store.statements import Row

_LEASE_MS: Final = 60_000
_TURN_S: Final = 1.0
_MB: Final = 1024 * 1024
_ERROR_CHARS: Final = 500
_BETWEEN: Final = "\x1f"

_log = structlog.get_logger("gateway.retention")


class Papers(Texts, Protocol):
    """The stored documents; see `gateway.documents.library`."""

    async def delete_bytes(self, place: str) -> None:
        """Delete the bytes of a document."""
        ...


class Shelves(Protocol):
    """The archives that an erasure goes through."""

    async def erase(self, mentions: Mentions, places: Sequence[str], *, dry_run: bool) -> int:
        """Erase what is about a subject from every archive; return how many lines went."""
        ...


class Files(Protocol):
    """The database's files; see `gateway.store.space`."""

    async def size(self) -> DatabaseSize:
        """Return how large it is."""
        ...

    async def scrub(self, *, rewrite: bool) -> None:
        """Leave nothing of what was deleted."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What erasures work on.

    Attributes:
        rewrite_bytes: Size up to which a file of the database is written anew.
    """

    kept: Erasures
    store: ErasingStore
    finding: Finding
    papers: Papers
    shelves: Shelves
    files: Files
    rewrite_bytes: int


def looking(ground: Ground) -> Looking:
    """Return what reads the pages that erasures go through."""
    return Looking(ground.store, ground.finding, ground.papers)


class ErasureRunner:
    """See the module; call `tick` again and again."""

    def __init__(self, ground: Ground, clock: Clock) -> None:
        self._ground = ground
        self._clock = clock
        self._token = new_token()
        self._looking = looking(ground)
        self._pace = Pace()

    async def tick(self) -> None:
        """Bring each running erasure on, for about a second.

        Raises:
            DependencyError: A later tick goes on where this one came to.
        """
        for erasure in await self._ground.kept.claim(self._token, lease_ms=_LEASE_MS):
            try:
                await self._bring_on(erasure)
            except DependencyError:
                raise
            except Exception as exc:  # noqa: BLE001 told with the erasure, which others can mend
                # Neither the text nor the trace of a fault may say whom it was about.
                _log.error("erasure.failed", erasure=erasure.id, error=type(exc).__name__)
                await self._ground.kept.end(
                    erasure,
                    self._token,
                    ErasureState.FAILED,
                    (await self._ground.kept.get(erasure.id)).report,
                    _reason(exc),
                )

    async def _bring_on(self, erasure: Erasure) -> None:
        assert erasure.subject is not None
        mentions = Mentions(erasure.subject)
        until_s = self._clock.monotonic_s() + _TURN_S
        while self._clock.monotonic_s() < until_s:
            started_s = self._clock.monotonic_s()
            moved = await self._step(erasure, mentions)
            if moved is None:
                return
            erasure = moved
            took_s = self._clock.monotonic_s() - started_s
            self._pace = next_pace(self._pace, took_s=took_s, busy=True)
            await self._clock.sleep(self._pace.rest_s)

    async def _step(self, erasure: Erasure, mentions: Mentions) -> Erasure | None:
        """Do the next page; None when the erasure has ended or is another's."""
        place, after = _position(erasure)
        if place is Place.FILES:
            await self._finish(erasure)
            return None
        if place is Place.ARCHIVES:
            lines = await self._ground.shelves.erase(mentions, erasure.archives, dry_run=False)
            found, cursor = Found(), _cursor(Place.FILES, start(Place.FILES))
            if lines:
                erasure = replace(erasure, report={**erasure.report, Place.ARCHIVES.value: lines})
        else:
            rows, found, last = await self._looking.page(place, after, mentions)
            for row in _papers(place, rows, found):
                await self._ground.papers.delete_bytes(row[4])
            following = _after(place, erasure.kind)
            cursor = _cursor(place, last) if last else _cursor(following, start(following))
        report = await self._ground.store.erase(erasure, self._token, cursor, found)
        return None if report is None else replace(erasure, cursor=cursor, report=report)

    async def _finish(self, erasure: Erasure) -> None:
        files = self._ground.files
        rewrite = (await files.size()).bytes <= self._ground.rewrite_bytes
        await files.scrub(rewrite=rewrite)
        report = {**erasure.report, "files_rewritten": int(rewrite)}
        await self._ground.kept.end(erasure, self._token, ErasureState.FINISHED, report)
        # What the erasure itself has kept of it until now goes out of the files as well.
        await files.scrub(rewrite=rewrite)
        _log.info("erasure.finished", erasure=erasure.id, report=report)


def _places(kind: SubjectKind) -> Sequence[Place]:
    return [place for place in Place if place is not Place.ORDER or kind is SubjectKind.ORDER]


def first_cursor(kind: SubjectKind) -> str:
    """Return where an erasure begins."""
    place = _places(kind)[0]
    return _cursor(place, start(place))


def _after(place: Place, kind: SubjectKind) -> Place:
    places = _places(kind)
    return places[places.index(place) + 1]


def _cursor(place: Place, key: Sequence[Any]) -> str:
    return _BETWEEN.join((place.value, *key))


def _position(erasure: Erasure) -> tuple[Place, Sequence[str]]:
    name, *key = erasure.cursor.split(_BETWEEN)
    return Place(name), key


def _papers(place: Place, rows: Sequence[Row], found: Found) -> Sequence[Row]:
    meant = {key[0] for key in found.keyed.get(Keyed.DOCUMENTS, ())}
    return [row for row in rows if row[0] in meant] if place is Place.DOCUMENTS else ()


def _reason(exc: Exception) -> str:
    if isinstance(exc, SealError):
        return "something is sealed with a key that is not at hand; bring it back, then resume"
    return type(exc).__name__[:_ERROR_CHARS]
