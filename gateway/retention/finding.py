"""What of a page is about somebody. It opens what is sealed, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from gateway.envelope import read_envelope
from gateway.erasures import SubjectKind
from gateway.errors import EnvelopeError
from gateway.retention.subject import Mentions
from gateway.store.erasing import Found
from gateway.store.erasing_sql import Keyed, Place
from gateway.store.inbox import quarantine_context
from gateway.store.notification_rows import body_context
from gateway.store.references import week_of
from gateway.store.statements import Row

Finder = Callable[[Sequence[Row], Mentions], Found]


class Opener(Protocol):
    """Who opens sealed bodies."""

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """Return what was sealed; raises `SealError`."""
        ...


class Finding:
    """See the module."""

    def __init__(self, sealer: Opener) -> None:
        self._sealer = sealer
        self._finders: Final[Mapping[Place, Finder]] = {
            Place.ORDER: self.notifications,
            Place.NOTIFICATIONS: self.notifications,
            Place.HANDLINGS: _handlings,
            Place.EVENTS: _events,
            Place.ATTEMPTS: _attempts,
            Place.QUARANTINE: self._quarantine,
            Place.OPERATIONS: _texts(Keyed.OPERATIONS),
            Place.AUDIT: _texts(Keyed.AUDIT),
            Place.MEMORIES: _owned(Keyed.MEMORIES),
            Place.ONCE_KEYS: _owned(Keyed.ONCE_KEYS),
            Place.SIGHTINGS: _owned(Keyed.SIGHTINGS),
            Place.IDEMPOTENCY_KEYS: _texts(Keyed.IDEMPOTENCY_KEYS),
        }

    def __call__(self, place: Place, rows: Sequence[Row], mentions: Mentions) -> Found:
        """Return what of the rows of a page is about the subject.

        Raises:
            SealError: A body can't be opened, so whom it is about can't be told.
        """
        return self._finders[place](rows, mentions)

    def notifications(
        self, rows: Sequence[Row], mentions: Mentions, *, all_of_them: bool = False
    ) -> Found:
        """Return the notifications of rows that are about the subject, with their references."""
        ids, references = [], []
        for row in rows:
            seller = mentions.subject.kind is SubjectKind.SELLER
            if seller and not mentions.owner(row[1]):
                continue
            body = self._body(row)
            if seller or all_of_them or mentions(body):
                ids.append(row[0])
                references += _references(row[0], body)
        return Found(notifications=ids, references=references)

    def _body(self, row: Row) -> bytes:
        body = bytes(row[2])
        return self._sealer.open(body, context=body_context(row[0])) if row[3] else body

    def _quarantine(self, rows: Sequence[Row], mentions: Mentions) -> Found:
        found = []
        for row in rows:
            body = self._sealer.open(bytes(row[1]), context=quarantine_context(row[0]))
            if mentions(body) or mentions(row[2]):
                found.append((row[0],))
        return Found(keyed={Keyed.QUARANTINE: found})


def _references(notification_id: str, body: bytes) -> list[tuple[int, str, str, str]]:
    try:
        references = read_envelope(body).references
    except EnvelopeError:
        return []
    week = week_of(notification_id)
    return [(week, kind.value, value, notification_id) for kind, value in references]


def _handlings(rows: Sequence[Row], mentions: Mentions) -> Found:
    found = [
        row[1]
        for row in rows
        if mentions.owner(row[2])
        or mentions(row[3])
        or mentions(None if row[4] is None else bytes(row[4]))
        or mentions(row[5])
    ]
    return Found(notifications=found)


def _events(rows: Sequence[Row], mentions: Mentions) -> Found:
    seller = mentions.subject.kind is SubjectKind.SELLER
    found = [
        row[0]
        for row in rows
        if (mentions.owner(row[1]) if seller else mentions(bytes(row[2])) or mentions(row[4]))
        or (not seller and row[3] is not None and mentions(bytes(row[3])))
    ]
    return Found(events=found)


def _attempts(rows: Sequence[Row], mentions: Mentions) -> Found:
    return Found(attempts=[row[0] for row in rows if mentions(bytes(row[1])) or mentions(row[2])])


def _texts(table: Keyed) -> Finder:
    """Return what finds rows of which any column mentions the subject."""

    def find(rows: Sequence[Row], mentions: Mentions) -> Found:
        return Found(keyed={table: [(row[0],) for row in rows if any(map(mentions, row))]})

    return find


def _owned(table: Keyed) -> Finder:
    """Return what finds rows of three keys, of which the second is a seller."""

    def find(rows: Sequence[Row], mentions: Mentions) -> Found:
        found: list[tuple[Any, ...]] = [
            tuple(row[:3])
            for row in rows
            if mentions.owner(row[1]) or any(mentions(_text(one)) for one in row[2:])
        ]
        return Found(keyed={table: found})

    return find


def _text(value: Any) -> bytes | str:
    return value if isinstance(value, str) else bytes(value)
