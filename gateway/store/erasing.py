"""Erasing: pages of everything that may be about somebody, and what goes with each thing found.

Pages follow primary keys, so none costs more than another. Everything that was found in a page goes
in the transaction that moves the erasure's cursor past it. Of a notification a frame stays, without
its body, its seller and whatever came of it: by it a repeated message is known, and dropped. It
decides nothing about who is meant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.clock import Clock
from gateway.erasures import Erasure
from gateway.identifiers import ReferenceKind
from gateway.store.driver import Driver
from gateway.store.erasing_sql import (
    ATTEMPTS,
    DELETE_KEYED,
    DELIVERIES_OF,
    DOCUMENTS_OF,
    EMPTY_NOTIFICATIONS,
    EVENTS_OF,
    FORGET_ATTEMPTS,
    FORGET_DELIVERIES,
    FORGET_ENTRIES,
    FORGET_EVENTS,
    FORGET_HANDLINGS,
    FORGET_RECEIPTS,
    FORGET_REFERENCES,
    HANDLINGS_OF,
    PAGES,
    PAGES_OF_SELLER,
    WHOLE,
    Keyed,
    Place,
)
from gateway.store.erasures import moved, reported
from gateway.store.keys import LOCK_KEYS, NEXT_HEADS, key_lock_arrays
from gateway.store.order import lock_order, next_in_order
from gateway.store.references import called
from gateway.store.statements import Plan, Row, one_step


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is to be erased.

    Attributes:
        notifications: Ids; with everything that came of them.
        references: (week, kind, value, notification) of what those are found by.
        events: Ids; with their deliveries.
        attempts: Ids of attempts whose answers are emptied.
        keyed: Keys of rows of other tables, by table.
    """

    notifications: Sequence[str] = ()
    references: Sequence[tuple[int, str, str, str]] = ()
    events: Sequence[str] = ()
    attempts: Sequence[str] = ()
    keyed: Mapping[Keyed, Sequence[tuple[Any, ...]]] = field(default_factory=dict)


class ErasingStore:
    """See the module."""

    def __init__(self, driver: Driver, clock: Clock) -> None:
        self._driver = driver
        self._clock = clock

    async def page(
        self, place: Place, after: Sequence[Any], limit: int, *, seller_id: str | None = None
    ) -> Sequence[Row]:
        """Return the next rows of a place behind a key; their first columns are their key.

        Args:
            place: Where.
            after: Exclusive.
            limit: Most rows.
            seller_id: Whose rows are enough, where an index knows them; None for all.
        """
        if seller_id is not None and place in PAGES_OF_SELLER:
            step = PAGES_OF_SELLER[place](seller_id, *after, limit)
        else:
            step = PAGES[place](*after, limit)
        return await self._driver.read(lambda: one_step(step))

    async def whole(self, notification_ids: Sequence[str]) -> Sequence[Row]:
        """Return notifications as their page would."""
        if not notification_ids:
            return ()
        return await self._driver.read(
            lambda: one_step(WHOLE([(one,) for one in notification_ids]))
        )

    async def of_order(self, order_id: str, most: int) -> Sequence[str]:
        """Return the notifications that are known to be about an order, by its index."""
        found = await self._driver.read(lambda: called(order_id, (ReferenceKind.ORDER,), most))
        return sorted(found)

    async def erase(
        self, erasure: Erasure, token: int, cursor: str, found: Found
    ) -> Mapping[str, int] | None:
        """Erase what was found and move on; return the report up to then.

        Returns:
            None if the erasure is not the caller's any more; nothing was erased.

        Raises:
            StoreUnavailableError: Nothing was erased.
        """
        return await self._driver.write(lambda: self._erase(erasure, token, cursor, found))

    def _erase(
        self, erasure: Erasure, token: int, cursor: str, found: Found
    ) -> Plan[Mapping[str, int] | None]:
        # First, as it fences: who lost the erasure must not do anything.
        if not (yield from moved(erasure, token, cursor, self._clock.now_ms())):
            return None
        report = Counter(erasure.report)
        report.update((yield from erased(found)))
        yield from reported(erasure.id, +report)
        return +report


def erased(found: Found) -> Plan[dict[str, int]]:
    """Erase what was found; return how many things of each place went."""
    counts: dict[str, int] = {}
    events = list(found.events)
    if found.notifications:
        ids = _ones(found.notifications)
        events += [row[0] for row in (yield EVENTS_OF(ids))]
        counts |= yield from _handlings(ids)
        counts["notifications"] = len((yield EMPTY_NOTIFICATIONS(ids)))
        yield FORGET_RECEIPTS(ids)
        if found.references:
            yield FORGET_REFERENCES(sorted(set(found.references)))
    if events:
        counts |= yield from _events(sorted(set(events)))
    if found.attempts:
        counts["attempts"] = len((yield ATTEMPTS(_ones(found.attempts))))
    for table, keys in found.keyed.items():
        if keys:
            counts[table.value] = len((yield DELETE_KEYED[table](sorted(set(keys)))))
    return counts


def _handlings(ids: Sequence[tuple[str]]) -> Plan[dict[str, int]]:
    """Delete the handlings of notifications; whoever waited behind one of them goes on."""
    rows = yield HANDLINGS_OF(ids)
    keys = sorted({(row[1], row[2], row[3]) for row in rows if row[3] is not None and row[4]})
    if keys:
        yield LOCK_KEYS(*key_lock_arrays(keys))
    handlings = [(row[0],) for row in rows]
    if not handlings:
        return {}
    yield DOCUMENTS_OF(handlings)
    gone = yield FORGET_HANDLINGS(handlings)
    if keys:
        yield NEXT_HEADS(keys)
    return {"handlings": len(gone)}


def _events(event_ids: Sequence[str]) -> Plan[dict[str, int]]:
    ids = _ones(event_ids)
    deliveries = yield DELIVERIES_OF(ids)
    heads = sorted({(row[1], row[2]) for row in deliveries if row[2] is not None})
    yield from lock_order(heads)
    counts = {}
    if deliveries:
        rows = [(row[0],) for row in deliveries]
        yield FORGET_ATTEMPTS(rows)
        gone = yield FORGET_DELIVERIES(rows)
        counts = {"deliveries": len(gone)}
    yield FORGET_ENTRIES(ids)
    counts["events"] = len((yield FORGET_EVENTS(ids)))
    yield from next_in_order(heads)
    return counts


def _ones(ids: Sequence[str]) -> list[tuple[str]]:
    return [(one,) for one in sorted(set(ids))]
