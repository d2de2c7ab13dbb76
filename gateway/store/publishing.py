"""Events and their deliveries, written together inside the transaction that decides them.

The compiled filters of all endpoints are kept between transactions and are used only while the
version that the transaction reads is theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.fanout import Fanout
from gateway.model import IdPrefix, NewEvent, new_id
from gateway.store import schema
from gateway.store.endpoint_rows import ALL_ENDPOINTS, VERSION, endpoint_of
from gateway.store.feeds import FEEDS_TOPIC, INSERT_ENTRIES
from gateway.store.statements import Plan, Signal, insert

DELIVERIES_TOPIC: Final = "deliveries"

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
    ),
)

_INSERT_DELIVERIES: Final = insert(
    schema.deliveries,
    ("id", "event_id", "endpoint_id", "state", "readiness", "due_at_ms", "created_at_ms"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """An event with what it came from."""

    event: NewEvent
    handling_id: str | None = None
    notification_id: str | None = None


class Publisher:
    """See the module."""

    def __init__(self) -> None:
        self._fanout: tuple[int, Fanout] | None = None

    def publish(self, publications: Sequence[Publication], now_ms: int) -> Plan[int]:
        """Insert events and a delivery for each endpoint that takes them; return how many."""
        if not publications:
            return 0
        fanout = yield from self._current_fanout()
        yield _INSERT_EVENTS([_event_row(p, now_ms) for p in publications])
        rows = [row for p in publications for row in _delivery_rows(p.event, fanout, now_ms)]
        if rows:
            yield _INSERT_DELIVERIES(rows)
            yield Signal(DELIVERIES_TOPIC)()
        entries = [
            (endpoint, p.event.id, now_ms)
            for p in publications
            for endpoint in fanout.match(p.event.type, p.event.seller_id).pulled
        ]
        if entries:
            yield INSERT_ENTRIES(entries)
            yield Signal(FEEDS_TOPIC)()
        return len(rows)

    def _current_fanout(self) -> Plan[Fanout]:
        version = (yield VERSION())[0][0]
        if self._fanout is None or self._fanout[0] != version:
            rows = yield ALL_ENDPOINTS()
            self._fanout = (version, Fanout(endpoint_of(row) for row in rows))
        return self._fanout[1]


def _event_row(publication: Publication, now_ms: int) -> tuple[Any, ...]:
    event = publication.event
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
    )


def _delivery_rows(event: NewEvent, fanout: Fanout, now_ms: int) -> list[tuple[Any, ...]]:
    matched = fanout.match(event.type, event.seller_id)
    return [
        (new_id(IdPrefix.DELIVERY, now_ms), event.id, endpoint, state, 2, now_ms, now_ms)
        for state, endpoints in (("pending", matched.enabled), ("held", matched.disabled))
        for endpoint in endpoints
    ]
