"""Feeds: the events of an endpoint in an order in which they can be pulled without missing one.

Events of one endpoint are committed by several processes, and not in the order of their ids, so a
reader that goes by ids would pass over what is committed late. So an entry gets its position when
somebody first looks, under a lock of its feed: those that are there then, in the order of their
ids; what comes later comes behind. Positions have no gaps that fill up, and a consumer that
remembers one has seen everything before it.

A consumer's own position moves by acknowledging only, and only forward.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.clock import Clock
from gateway.errors import InvalidInputError, NotFoundError
from gateway.store import schema
from gateway.store.driver import Driver
from gateway.store.statements import Many, One, Plan, Row, insert, one_step

FEEDS_TOPIC: Final = "feeds"

_NUMBERED_AT_ONCE: Final = 1_000

INSERT_ENTRIES: Final = insert(schema.feed_entries, ("endpoint_id", "event_id", "created_at_ms"))

ENTERED: Final = Many(
    """
    WITH v(endpoint_id, event_id) AS ({rows})
    SELECT f.endpoint_id, f.event_id FROM v CROSS JOIN feed_entries AS f
    WHERE f.endpoint_id = v.endpoint_id AND f.event_id = v.event_id
    """,
    ("text", "text"),
)
"""Returns which of (endpoint, event) stand in a feed."""

_NEW: Final = One(
    """
    SELECT event_id FROM feed_entries WHERE endpoint_id = $1 AND position IS NULL
    ORDER BY event_id LIMIT $2
    """
)
_OPEN: Final = One(
    "INSERT INTO feeds (endpoint_id, last_position) VALUES ($1, 0) ON CONFLICT DO NOTHING"
)
_LAST: Final = One("SELECT last_position FROM feeds WHERE endpoint_id = $1")
_LOCK: Final = One("SELECT last_position FROM feeds WHERE endpoint_id = $1 {lock}")
_MOVE_LAST: Final = One("UPDATE feeds SET last_position = $2 WHERE endpoint_id = $1")
_NUMBER: Final = Many(
    """
    WITH v(endpoint_id, event_id, position) AS ({rows})
    UPDATE feed_entries SET position = v.position FROM v
    WHERE feed_entries.endpoint_id = v.endpoint_id AND feed_entries.event_id = v.event_id
    """,
    ("text", "text", "bigint"),
)
_BEHIND: Final = One(
    """
    SELECT f.position, f.event_id, e.type, e.occurred_at_ms, e.body
    FROM feed_entries AS f LEFT JOIN events AS e ON e.id = f.event_id
    WHERE f.endpoint_id = $1 AND f.position > $2 ORDER BY f.position LIMIT $3
    """
)
_POSITION: Final = One("SELECT position FROM feed_consumers WHERE endpoint_id = $1 AND name = $2")
_ACKNOWLEDGE: Final = One(
    """
    INSERT INTO feed_consumers (endpoint_id, name, position, acknowledged_at_ms)
    VALUES ($1, $2, $3, $4)
    ON CONFLICT (endpoint_id, name) DO UPDATE SET
      position = CASE WHEN excluded.position > feed_consumers.position
                 THEN excluded.position ELSE feed_consumers.position END,
      acknowledged_at_ms = excluded.acknowledged_at_ms
    RETURNING position
    """
)
_CONSUMERS: Final = One(
    """
    SELECT c.name, c.position, c.acknowledged_at_ms,
      (SELECT count(*) FROM feed_entries AS f
       WHERE f.endpoint_id = c.endpoint_id AND (f.position > c.position OR f.position IS NULL))
    FROM feed_consumers AS c WHERE c.endpoint_id = $1 ORDER BY c.name
    """
)
_FORGET: Final = One(
    "DELETE FROM feed_consumers WHERE endpoint_id = $1 AND name = $2 RETURNING name"
)
_DELETE_CONSUMERS: Final = One("DELETE FROM feed_consumers WHERE endpoint_id = $1")
_DELETE_FEED: Final = One("DELETE FROM feeds WHERE endpoint_id = $1")
_PRUNE: Final = One(
    """
    DELETE FROM feed_entries WHERE (endpoint_id, event_id) IN (
      SELECT endpoint_id, event_id FROM feed_entries WHERE created_at_ms < $1
      ORDER BY created_at_ms LIMIT $2
    ) RETURNING event_id
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FedEvent:
    """An event in a feed.

    Attributes:
        body: The bytes that a delivery would send.
    """

    position: int
    id: str
    type: str
    occurred_at_ms: int
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPage:
    """Events behind a position.

    Attributes:
        position: That of the last one; where there is none, the one that was asked from.
    """

    items: Sequence[FedEvent]
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerView:
    """How far a consumer has acknowledged.

    Attributes:
        behind: Events that it has not acknowledged yet.
    """

    name: str
    position: int
    acknowledged_at_ms: int
    behind: int


class Feeds:
    """See the module."""

    def __init__(self, driver: Driver, clock: Clock) -> None:
        self._driver = driver
        self._clock = clock

    async def read(
        self, endpoint_id: str, consumer: str, *, after: int | None, limit: int
    ) -> FeedPage:
        """Return events behind a position; reading moves nobody's position.

        Args:
            endpoint_id: Whose feed.
            consumer: Who reads.
            after: The position; None for the one that the consumer acknowledged last.
            limit: Most events to return.

        Raises:
            StoreUnavailableError: Nothing can be read now.
        """
        page, more = await self._driver.read(lambda: _page(endpoint_id, consumer, after, limit))
        if more and len(page.items) < limit:
            await self._driver.write(lambda: _number(endpoint_id))
            page, _ = await self._driver.read(lambda: _page(endpoint_id, consumer, after, limit))
        return page

    async def acknowledge(self, endpoint_id: str, consumer: str, position: int) -> int:
        """Note that a consumer has everything up to a position; return how far it has now.

        A position behind the present one changes nothing.

        Raises:
            InvalidInputError: Nobody was handed that position yet.
        """
        now_ms = self._clock.now_ms()
        acknowledged = await self._driver.write(
            lambda: _acknowledge(endpoint_id, consumer, position, now_ms)
        )
        if acknowledged is None:
            raise InvalidInputError("cursor: it lies ahead of what was handed out")
        return acknowledged

    async def consumers(self, endpoint_id: str) -> Sequence[ConsumerView]:
        """Return the consumers of a feed, by name."""
        rows = await self._driver.read(lambda: one_step(_CONSUMERS(endpoint_id)))
        return [
            ConsumerView(name=row[0], position=row[1], acknowledged_at_ms=row[2], behind=row[3])
            for row in rows
        ]

    async def forget(self, endpoint_id: str, consumer: str) -> None:
        """Forget how far a consumer has acknowledged.

        Raises:
            NotFoundError: There is no such consumer.
        """
        if not await self._driver.write(lambda: _changed(_FORGET, endpoint_id, consumer)):
            raise NotFoundError(f"there is no consumer {consumer}")

    async def prune(self, before_ms: int, limit: int = 1_000) -> int:
        """Drop entries made before a time, acknowledged or not; return how many."""
        return len(await self._driver.write(lambda: one_step(_PRUNE(before_ms, limit))))


def forget_feed(endpoint_id: str) -> Plan[None]:
    """Remove what is kept of an endpoint's feed; its entries go when they are old."""
    yield _DELETE_CONSUMERS(endpoint_id)
    yield _DELETE_FEED(endpoint_id)


def _page(
    endpoint_id: str, consumer: str, after: int | None, limit: int
) -> Plan[tuple[FeedPage, bool]]:
    """Return a page, and whether there are entries without a position."""
    if after is None:
        found = yield _POSITION(endpoint_id, consumer)
        after = found[0][0] if found else 0
    rows = yield _BEHIND(endpoint_id, after, limit)
    new = yield _NEW(endpoint_id, 1)
    # An event that retention has removed leaves its position, so that readers go on behind it.
    items = [_fed(row) for row in rows if row[2] is not None and row[4]]
    return FeedPage(items=items, position=rows[-1][0] if rows else after), bool(new)


def _number(endpoint_id: str) -> Plan[None]:
    yield _OPEN(endpoint_id)
    last = (yield _LOCK(endpoint_id))[0][0]
    new = yield _NEW(endpoint_id, _NUMBERED_AT_ONCE)
    if new:
        yield _NUMBER([(endpoint_id, row[0], last + n) for n, row in enumerate(new, 1)])
        yield _MOVE_LAST(endpoint_id, last + len(new))


def _acknowledge(endpoint_id: str, consumer: str, position: int, now_ms: int) -> Plan[int | None]:
    found = yield _LAST(endpoint_id)
    if position > (found[0][0] if found else 0):
        return None
    acknowledged: int = (yield _ACKNOWLEDGE(endpoint_id, consumer, position, now_ms))[0][0]
    return acknowledged


def _fed(row: Row) -> FedEvent:
    return FedEvent(
        position=row[0], id=row[1], type=row[2], occurred_at_ms=row[3], body=bytes(row[4])
    )


def _changed(statement: One, *params: object) -> Plan[bool]:
    return bool((yield statement(*params)))
