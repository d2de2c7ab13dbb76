"""Events and their deliveries, written together inside the transaction that decides them.

The compiled filters of all endpoints are kept between transactions and are used only while the
version that the transaction reads is theirs. The thin form of an event is made here too, once, and
stored beside the full one, so that each retry of either sends the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from gateway.clock import rfc3339
from gateway.errors import InvalidInputError
from gateway.fanout import Condition, Fanout, Taker
from gateway.filters import Document, Filter
from gateway.model import IdPrefix, NewEvent, new_id
from gateway.operational import OperationalEvent
from gateway.store import schema
from gateway.store.endpoint_rows import ALL_ENDPOINTS, VERSION, endpoint_of
from gateway.store.feeds import ENTERED, FEEDS_TOPIC, INSERT_ENTRIES
from gateway.store.order import OrderKey, lock_order, taken
from gateway.store.signals import DELIVERIES_TOPIC
from gateway.store.statements import Many, Plan, Signal, insert

EVENT_URL: Final = "/v1/events/"

_INSERT_EVENTS: Final = insert(
    schema.events,
    (
        "id",
        "type",
        "occurred_at_ms",
        "seller_id",
        "marketplace_id",
        "notification_id",
        "handling_id",
        "replayed_from",
        "body",
        "created_at_ms",
        "order_key",
        "thin_body",
        "operational",
    ),
)

_INSERT_DELIVERIES: Final = insert(
    schema.deliveries,
    (
        "id",
        "event_id",
        "endpoint_id",
        "state",
        "readiness",
        "due_at_ms",
        "created_at_ms",
        "order_key",
        "thin",
    ),
)


_ADD_THIN_BODIES: Final = Many(
    """
    WITH v(id, thin_body) AS ({rows})
    UPDATE events SET thin_body = v.thin_body FROM v
    WHERE events.id = v.id AND events.thin_body IS NULL
    """,
    ("text", "bytea"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """An event with what it came from.

    Attributes:
        only: The endpoints that may get it, of those that take it; None for all of them.
    """

    event: NewEvent
    handling_id: str | None = None
    notification_id: str | None = None
    only: frozenset[str] | None = None


_Matched: TypeAlias = tuple[NewEvent, Sequence[Taker]]


class _Always:
    """Stands for a saved filter that this release can't read: better too much than lost."""

    def matches(self, document: Document) -> bool:
        """See `Condition`."""
        del document
        return True


class Publisher:
    """See the module.

    Args:
        event_url: What the link of a thin event begins with; the event's id follows.
    """

    def __init__(self, event_url: str = EVENT_URL) -> None:
        self._event_url = event_url
        self._fanout: tuple[int, Fanout] | None = None

    def publish(self, publications: Sequence[Publication], now_ms: int) -> Plan[int]:
        """Insert events and a delivery for each endpoint that takes them; return how many."""
        if not publications:
            return 0
        fanout = yield from self._current_fanout()
        matched = [(p.event, _takers_of(fanout, p)) for p in publications]
        yield _INSERT_EVENTS(
            [
                self._event_row(p, takers, now_ms)
                for p, (_, takers) in zip(publications, matched, strict=True)
            ]
        )
        return (yield from _insert_deliveries(matched, now_ms))

    def missing(
        self, events: Sequence[NewEvent], had: Mapping[str, frozenset[str]], only: str | None
    ) -> Plan[Mapping[str, Sequence[str]]]:
        """Return which endpoints take events now and have no delivery of them, by event id.

        Args:
            events: Published before.
            had: The endpoints that have one, by event id.
            only: The only endpoint that is asked about; None for all.
        """
        found = yield from self._missing(events, had, only)
        return {event.id: [taker.id for taker in takers] for event, takers in found}

    def catch_up(
        self,
        events: Sequence[NewEvent],
        had: Mapping[str, frozenset[str]],
        only: str | None,
        now_ms: int,
    ) -> Plan[int]:
        """Make the deliveries that are `missing`; return how many events got one or more."""
        matched = yield from self._missing(events, had, only)
        thin = [
            (event.id, thin_body(event, self._event_url))
            for event, takers in matched
            if any(taker.thin and taker.pushes for taker in takers)
        ]
        if thin:
            yield _ADD_THIN_BODIES(thin)
        yield from _insert_deliveries(matched, now_ms)
        return len(matched)

    def _missing(
        self, events: Sequence[NewEvent], had: Mapping[str, frozenset[str]], only: str | None
    ) -> Plan[Sequence[_Matched]]:
        fanout = yield from self._current_fanout()
        asked = [
            (event, taker)
            for event in events
            for taker in _takers(fanout, event)
            if only in (None, taker.id) and taker.id not in had.get(event.id, ())
        ]
        pulled = [(taker.id, event.id) for event, taker in asked if taker.pulls]
        entered = {(row[0], row[1]) for row in (yield ENTERED(pulled))} if pulled else set()
        lacking: dict[str, list[Taker]] = {}
        for event, taker in asked:
            if (taker.id, event.id) not in entered:
                lacking.setdefault(event.id, []).append(taker)
        return [(event, lacking[event.id]) for event in events if event.id in lacking]

    def announce(self, announced: Sequence[OperationalEvent], now_ms: int) -> Plan[int]:
        """Publish operational events to those operator endpoints that take them.

        An event that none takes is not kept.

        Returns:
            How many deliveries were made.
        """
        if not announced:
            return 0
        fanout = yield from self._current_fanout()
        ids = sorted(new_id(IdPrefix.EVENT, now_ms) for _ in announced)
        matched: list[_Matched] = []
        for event_id, one in zip(ids, announced, strict=True):
            takers = fanout.match_operational(one.type, one.seller_id, one.subject)
            if takers:
                matched.append((_operational(event_id, one, now_ms), takers))
        if not matched:
            return 0
        yield _INSERT_EVENTS(
            [
                self._event_row(Publication(event=event), takers, now_ms, operational=True)
                for event, takers in matched
            ]
        )
        return (yield from _insert_deliveries(matched, now_ms))

    def _current_fanout(self) -> Plan[Fanout]:
        version = (yield VERSION())[0][0]
        if self._fanout is None or self._fanout[0] != version:
            rows = yield ALL_ENDPOINTS()
            self._fanout = (version, Fanout([endpoint_of(row) for row in rows], _compiled))
        return self._fanout[1]

    def _event_row(
        self,
        publication: Publication,
        takers: Sequence[Taker],
        now_ms: int,
        *,
        operational: bool = False,
    ) -> tuple[Any, ...]:
        event = publication.event
        thin = any(taker.thin and taker.pushes for taker in takers)
        return (
            event.id,
            event.type,
            event.occurred_at_ms,
            event.seller_id,
            event.marketplace_id,
            publication.notification_id,
            publication.handling_id,
            event.replayed_from,
            event.body,
            now_ms,
            event.order_key,
            thin_body(event, self._event_url) if thin else None,
            operational,
        )


def thin_body(event: NewEvent, event_url: str) -> bytes:
    """Return the thin form of an event: its type, its time, ids, and a link to all of it."""
    data = {
        "seller": event.seller_id,
        "marketplace": event.marketplace_id,
        "event": {"id": event.id, "url": event_url + event.id},
    }
    members = {"type": event.type, "timestamp": rfc3339(event.occurred_at_ms), "data": data}
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()


def _compiled(expression: str) -> Condition:
    try:
        return Filter(expression)
    except InvalidInputError:
        return _Always()


def _takers(fanout: Fanout, event: NewEvent) -> Sequence[Taker]:
    return fanout.match(
        event.type,
        event.seller_id,
        event.marketplace_id,
        document=lambda: Document(event.body),
    )


def _takers_of(fanout: Fanout, publication: Publication) -> Sequence[Taker]:
    takers = _takers(fanout, publication.event)
    if publication.only is None:
        return takers
    return [taker for taker in takers if taker.id in publication.only]


def _operational(event_id: str, announced: OperationalEvent, now_ms: int) -> NewEvent:
    return NewEvent(
        id=event_id,
        type=announced.type,
        occurred_at_ms=now_ms,
        seller_id=announced.seller_id,
        marketplace_id=None,
        body=announced.body(now_ms),
    )


def _insert_deliveries(matched: Sequence[_Matched], now_ms: int) -> Plan[int]:
    keys = {
        (taker.id, event.order_key)
        for event, takers in matched
        if event.order_key is not None
        for taker in takers
        if taker.ordered and taker.enabled and taker.pushes
    }
    behind: set[OrderKey] = set()
    if keys:
        yield from lock_order(keys)
        behind = yield from taken(sorted(keys))
    owed = [(event, taker) for event, takers in matched for taker in takers if taker.pushes]
    # Sorted, so that what was published first also goes out first within one millisecond.
    ids = sorted(new_id(IdPrefix.DELIVERY, now_ms) for _ in owed)
    rows = [
        (delivery_id, *_delivery_row(event, taker, behind, now_ms))
        for delivery_id, (event, taker) in zip(ids, owed, strict=True)
    ]
    if rows:
        yield _INSERT_DELIVERIES(rows)
        yield Signal(DELIVERIES_TOPIC)()
    entries = [
        (taker.id, event.id, now_ms) for event, takers in matched for taker in takers if taker.pulls
    ]
    if entries:
        yield INSERT_ENTRIES(entries)
        yield Signal(FEEDS_TOPIC)()
    return len(rows)


def _delivery_row(
    event: NewEvent, taker: Taker, behind: set[OrderKey], now_ms: int
) -> tuple[Any, ...]:
    """Return the rest of a delivery's row; the first of a key is its head, those after it wait."""
    order_key = event.order_key if taker.ordered else None
    readiness = 2
    if order_key is not None and taker.enabled:
        readiness = 0 if (taker.id, order_key) in behind else 2
        behind.add((taker.id, order_key))
    return (
        event.id,
        taker.id,
        "pending" if taker.enabled else "held",
        readiness,
        now_ms,
        now_ms,
        order_key,
        taker.thin,
    )
