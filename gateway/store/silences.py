"""What is listened for, since when, and what is silent: for all replicas, over restarts.

It decides which replica looks, and that each silence is told once: what is told stands in one
transaction with the event that tells it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from gateway.clock import Clock
from gateway.errors import InvalidInputError
from gateway.operational import OperationalEvent
from gateway.store import schema
from gateway.store.arrivals import NEWEST_OF_TYPES
from gateway.store.driver import Driver
from gateway.store.publishing import Publisher
from gateway.store.statements import Many, One, Plan, Rows, insert, one_step

WatchKey: TypeAlias = tuple[str, str]
"""Type, scope."""

_MOST_TYPES: Final = 200
_ADD: Final = insert(
    schema.silence_watches,
    ("type", "scope", "since_ms", "looked_at_ms", "silent_sellers"),
    "ON CONFLICT (type, scope) DO NOTHING",
)
_ALL: Final = One(
    """
    SELECT type, scope, since_ms, looked_at_ms, silent_since_ms, told_at_ms
    FROM silence_watches ORDER BY type, scope {lock}
    """
)
_LOOKED: Final = Many(
    """
    WITH v(type, scope, since_ms, looked_at_ms) AS ({rows})
    UPDATE silence_watches SET since_ms = v.since_ms, looked_at_ms = v.looked_at_ms FROM v
    WHERE silence_watches.type = v.type AND silence_watches.scope = v.scope
    """,
    ("text", "text", "bigint", "bigint"),
)
_DROP: Final = Many(
    """
    WITH v(type, scope) AS ({rows})
    DELETE FROM silence_watches WHERE (type, scope) IN (SELECT type, scope FROM v)
    """,
    ("text", "text"),
)
_DROP_SELLERS: Final = Many(
    """
    WITH v(type, scope) AS ({rows})
    DELETE FROM silent_sellers WHERE (type, scope) IN (SELECT type, scope FROM v)
    """,
    ("text", "text"),
)
_SILENT_SELLERS: Final = Many(
    """
    WITH v(type, scope) AS ({rows})
    SELECT s.type, s.scope, s.seller_id, s.silent_since_ms FROM v CROSS JOIN silent_sellers AS s
    WHERE s.type = v.type AND s.scope = v.scope
    """,
    ("text", "text"),
)
_HEARD: Final = One(
    """
    SELECT c.id, c.application_id, c.region, c.tags, a.newest_at_ms, (
      SELECT MAX(s.managed_since_ms) FROM subscriptions AS s
      WHERE s.seller_id = c.id AND s.region = c.region AND s.type = $1 AND s.gone_at_ms IS NULL
    )
    FROM sellers AS c LEFT JOIN arrivals AS a ON a.seller_id = c.id AND a.type = $1
    WHERE c.state = 'active' ORDER BY c.id, c.region
    """
)
_HEARD_OF_TYPE: Final = One("SELECT newest_at_ms FROM arrivals WHERE seller_id = '' AND type = $1")
_FELL_SILENT: Final = One(
    """
    UPDATE silence_watches SET silent_since_ms = $3
    WHERE type = $1 AND scope = $2 AND silent_since_ms IS NULL RETURNING type
    """
)
_RESUMED: Final = One(
    """
    UPDATE silence_watches SET silent_since_ms = NULL, since_ms = $3
    WHERE type = $1 AND scope = $2 AND silent_since_ms IS NOT NULL RETURNING type
    """
)
_SELLERS_FELL_SILENT: Final = insert(
    schema.silent_sellers,
    ("type", "scope", "seller_id", "silent_since_ms"),
    "ON CONFLICT (type, scope, seller_id) DO NOTHING RETURNING seller_id",
)
_SELLERS_RESUMED: Final = Many(
    """
    WITH v(type, scope, seller_id) AS ({rows})
    DELETE FROM silent_sellers
    WHERE (type, scope, seller_id) IN (SELECT type, scope, seller_id FROM v) RETURNING seller_id
    """,
    ("text", "text", "text"),
)
_COUNTED: Final = One(
    """
    UPDATE silence_watches SET told_at_ms = COALESCE($3, told_at_ms), silent_sellers = (
      SELECT count(*) FROM silent_sellers AS s WHERE s.type = $1 AND s.scope = $2
    ) WHERE type = $1 AND scope = $2
    """
)
_LIST: Final = One(
    """
    SELECT type, scope, '' AS seller_id, silent_since_ms FROM silence_watches
    WHERE silent_since_ms IS NOT NULL AND (type, scope, '') > ($1, $2, $3)
    UNION ALL
    SELECT type, scope, seller_id, silent_since_ms FROM silent_sellers
    WHERE (type, scope, seller_id) > ($1, $2, $3)
    ORDER BY type, scope, seller_id LIMIT $4
    """
)
_COUNTS: Final = One("SELECT type, silent_since_ms, silent_sellers FROM silence_watches")


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPace:
    """How a watch is looked at.

    Attributes:
        pause_ms: No replica looks before so long after the last look.
        stalled_ms: After a pause of so long silence is counted anew: nobody listened.
    """

    pause_ms: int
    stalled_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchState:
    """What is known of a watch.

    Attributes:
        since_ms: No silence is longer than since then.
        silent_since_ms: Set while nothing comes of any seller.
        told_at_ms: When single sellers were told of last.
        silent_sellers: Since when, of those that were told of and are silent still.
    """

    since_ms: int
    silent_since_ms: int | None = None
    told_at_ms: int | None = None
    silent_sellers: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardSeller:
    """When a seller was heard of last; only sellers that are not paused.

    Attributes:
        newest_at_ms: When its newest notification of the type came in; None for never.
        subscribed_since_ms: Since when it is subscribed as declared; None where that is not known.
    """

    seller_id: str
    application_id: str
    region: str
    tags: tuple[str, ...] = ()
    newest_at_ms: int | None
    subscribed_since_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceChange:
    """A change of a watch, and the event that tells it.

    Attributes:
        silent: Whether silence begins; else it ends.
        sellers: Single sellers, with since when; None where the whole watch is meant.
        since_ms: Since when the whole watch is silent.
        event: None where nobody need know.
    """

    key: WatchKey
    silent: bool
    sellers: Mapping[str, int] | None = None
    since_ms: int = 0
    event: OperationalEvent | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceCount:
    """What is silent of a type.

    Attributes:
        whole: Scopes of whose sellers none is heard of.
        sellers: Single sellers, beside those.
    """

    whole: int = 0
    sellers: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceView:
    """Something that is silent.

    Attributes:
        scope: Application and region, `*` for all; behind them a mark where sellers are chosen.
        seller_id: A single seller; None where nothing comes of any of the scope's.
    """

    type: str
    scope: str
    seller_id: str | None
    silent_since_ms: int

    @property
    def id(self) -> str:
        """Its place in the list."""
        return json.dumps([self.type, self.scope, self.seller_id or ""], separators=(",", ":"))


class Silences:
    """See the module."""

    def __init__(self, driver: Driver, clock: Clock, publisher: Publisher) -> None:
        self._driver = driver
        self._clock = clock
        self._publisher = publisher

    async def begin(self, watches: Mapping[WatchKey, WatchPace]) -> Mapping[WatchKey, WatchState]:
        """Return those watches that are to be looked at now, by this replica alone.

        Watches that are not among `watches` are not declared any more, and forgotten.

        Raises:
            StoreUnavailableError: Nothing was begun.
        """
        now_ms = self._clock.now_ms()
        return await self._driver.write(lambda: _begin(watches, now_ms))

    async def newest(self) -> Mapping[str, int]:
        """Return when the newest of each type came in, whether it is listened for or not."""
        rows = await self._driver.read(lambda: one_step(NEWEST_OF_TYPES(_MOST_TYPES)))
        return {row[0]: row[1] for row in rows}

    async def heard(self, notification_type: str) -> tuple[Sequence[HeardSeller], int | None]:
        """Return when each seller was heard of last, and when the type was, whoever's."""

        def plan() -> Plan[tuple[Rows, Rows]]:
            sellers = yield _HEARD(notification_type)
            newest = yield _HEARD_OF_TYPE(notification_type)
            return sellers, newest

        sellers, newest = await self._driver.read(plan)
        heard = [
            HeardSeller(
                seller_id=row[0],
                application_id=row[1],
                region=row[2],
                tags=tuple(json.loads(row[3] or "[]")),
                newest_at_ms=row[4],
                subscribed_since_ms=row[5],
            )
            for row in sellers
        ]
        return heard, newest[0][0] if newest else None

    async def settle(self, changes: Sequence[SilenceChange]) -> Sequence[SilenceChange]:
        """Note changes and tell them, in one transaction; return those that were news.

        What another replica has told meanwhile is not told again.

        Raises:
            StoreUnavailableError: Nothing was noted or told.
        """
        now_ms = self._clock.now_ms()
        return await self._driver.write(lambda: self._settle(changes, now_ms))

    def _settle(
        self, changes: Sequence[SilenceChange], now_ms: int
    ) -> Plan[Sequence[SilenceChange]]:
        news: list[SilenceChange] = []
        for one in changes:
            if (yield from _changed(one, now_ms)):
                news.append(one)  # noqa: PERF401 a comprehension can't yield
        events = [one.event for one in news if one.event is not None]
        yield from self._publisher.announce(events, now_ms)
        return news

    async def list(self, *, after: str | None = None, limit: int = 50) -> Sequence[SilenceView]:
        """Return what is silent, whole scopes before their sellers; `after` is the last one's id.

        Raises:
            InvalidInputError: `after` is none.
        """
        last = _cursor(after)
        rows = await self._driver.read(lambda: one_step(_LIST(*last, limit)))
        return [
            SilenceView(type=row[0], scope=row[1], seller_id=row[2] or None, silent_since_ms=row[3])
            for row in rows
        ]

    async def counts(self) -> Mapping[str, SilenceCount]:
        """Return what is silent, by type; one row is read for each watch."""
        found: dict[str, SilenceCount] = {}
        for kind, silent_since_ms, sellers in await self._driver.read(lambda: one_step(_COUNTS())):
            before = found.get(kind, SilenceCount())
            found[kind] = SilenceCount(
                whole=before.whole + (silent_since_ms is not None),
                sellers=before.sellers + sellers,
            )
        return found


def _cursor(after: str | None) -> Sequence[str]:
    if after is None:
        return "", "", ""
    try:
        kind, scope, seller_id = json.loads(after)
    except (ValueError, TypeError):
        raise InvalidInputError("that is no cursor of this list") from None
    return str(kind), str(scope), str(seller_id)


def _begin(
    watches: Mapping[WatchKey, WatchPace], now_ms: int
) -> Plan[Mapping[WatchKey, WatchState]]:
    if watches:
        yield _ADD([(*key, now_ms, now_ms, 0) for key in sorted(watches)])
    begun: dict[WatchKey, WatchState] = {}
    gone: list[WatchKey] = []
    for kind, scope, since_ms, looked_at_ms, silent_since_ms, told_at_ms in (yield _ALL()):
        pace = watches.get((kind, scope))
        if pace is None:
            gone.append((kind, scope))
        elif now_ms - looked_at_ms >= pace.pause_ms:
            stalled = now_ms - looked_at_ms >= pace.stalled_ms
            begun[kind, scope] = WatchState(
                since_ms=now_ms if stalled else since_ms,
                silent_since_ms=silent_since_ms,
                told_at_ms=told_at_ms,
            )
    if gone:
        yield _DROP(gone)
        yield _DROP_SELLERS(gone)
    if not begun:
        return {}
    yield _LOOKED([(*key, state.since_ms, now_ms) for key, state in begun.items()])
    silent: dict[WatchKey, dict[str, int]] = defaultdict(dict)
    for kind, scope, seller_id, at_ms in (yield _SILENT_SELLERS(list(begun))):
        silent[kind, scope][seller_id] = at_ms
    return {
        key: WatchState(
            since_ms=state.since_ms,
            silent_since_ms=state.silent_since_ms,
            told_at_ms=state.told_at_ms,
            silent_sellers=silent.get(key, {}),
        )
        for key, state in begun.items()
    }


def _changed(change: SilenceChange, now_ms: int) -> Plan[bool]:
    if change.sellers is None:
        if change.silent:
            return bool((yield _FELL_SILENT(*change.key, change.since_ms)))
        # Sellers who have not been heard of since get their whole window, and no alarm each.
        return bool((yield _RESUMED(*change.key, now_ms)))
    if change.silent:
        rows = _seller_rows(change.key, change.sellers.items())
        moved = yield _SELLERS_FELL_SILENT(rows)
    else:
        moved = yield _SELLERS_RESUMED([(*change.key, one) for one in sorted(change.sellers)])
    yield _COUNTED(*change.key, None if change.event is None else now_ms)
    return bool(moved)


def _seller_rows(key: WatchKey, sellers: Iterable[tuple[str, int]]) -> Sequence[tuple[Any, ...]]:
    return [(*key, seller_id, since_ms) for seller_id, since_ms in sorted(sellers)]
