"""Reads a place page by page, and finds what of a page is about somebody. It changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Final, Protocol

from gateway.erasures import SubjectKind
from gateway.errors import NotFoundError
from gateway.retention.finding import Finding
from gateway.retention.subject import Mentions
from gateway.store.erasing import ErasingStore, Found
from gateway.store.erasing_sql import ERASED, Keyed, Place
from gateway.store.references import week_of
from gateway.store.statements import Row

_PAGE: Final = 200
_DOCUMENTS_AT_ONCE: Final = 5
_OF_ONE_ORDER: Final = 10_000
_KEYS: Final = dict.fromkeys(Place, 1) | {
    Place.MEMORIES: 3,
    Place.ONCE_KEYS: 3,
    Place.SIGHTINGS: 3,
}


class Texts(Protocol):
    """What the stored documents say."""

    def text(self, document_id: str) -> AsyncIterator[bytes]:
        """Return the bytes of a document; raises `NotFoundError` where they are gone."""
        ...


def start(place: Place) -> Sequence[str]:
    """Return the key before the first row of a place."""
    return ("",) * _KEYS[place]


class Looking:
    """See the module."""

    def __init__(self, store: ErasingStore, finding: Finding, papers: Texts) -> None:
        self._store = store
        self._finding = finding
        self._papers = papers

    async def page(
        self, place: Place, after: Sequence[str], mentions: Mentions
    ) -> tuple[Sequence[Row], Found, Sequence[str] | None]:
        """Return a page, what of it is meant, and the key of its last row, None for no more."""
        store = self._store
        if place is Place.ORDER:
            ids = await store.of_order(mentions.subject.value, _OF_ONE_ORDER)
            rows = await store.whole(ids)
            found = self._finding.notifications(rows, mentions, all_of_them=True)
            own = [(week_of(one), "order", mentions.subject.value, one) for one in ids]
            return rows, replace(found, references=[*found.references, *own]), None
        limit = _DOCUMENTS_AT_ONCE if place is Place.DOCUMENTS else _PAGE
        subject = mentions.subject
        seller_id = subject.value if subject.kind is SubjectKind.SELLER else None
        rows = await store.page(place, after, limit, seller_id=seller_id)
        if place is Place.DOCUMENTS:
            meant = [(row[0],) for row in rows if await self._is_meant(row, mentions)]
            found = Found(keyed={Keyed.DOCUMENTS: meant})
        else:
            # Reading a page's texts is work; a thread keeps the loop free for others.
            found = await asyncio.to_thread(self._finding, place, rows, mentions)
            found = await self._with_references(found, mentions)
        last = rows[-1][: _KEYS[place]] if len(rows) == limit else None
        return rows, found, last

    async def _with_references(self, found: Found, mentions: Mentions) -> Found:
        """Fill in what notifications are found by, where a page does not hold their bodies."""
        if not found.notifications or found.references:
            return found
        rows = await self._store.whole(found.notifications)
        whole = self._finding.notifications(rows, mentions, all_of_them=True)
        return replace(found, references=whole.references)

    async def _is_meant(self, row: Row, mentions: Mentions) -> bool:
        document_id, name, seller_id, handling_id = row[:4]
        if handling_id == ERASED or mentions.owner(seller_id):
            return True
        if mentions.subject.kind is SubjectKind.SELLER:
            return False
        if mentions(name):
            return True
        kept = b""
        try:
            async for piece in self._papers.text(document_id):
                kept = kept[-mentions.overlap :] + piece
                if mentions(kept):
                    return True
        except NotFoundError:
            return False
        return False
