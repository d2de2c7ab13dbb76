"""At most one handled handling of each (handler, lane, `once`), on both databases.

A key is taken in the transaction that settles the first of them as handled, and belongs to its
notification: a replay of that one passes, another notification's handling ends as a duplicate. It
decides nothing else; a handling without `once` costs no statement here.

Those that wait parked behind the first one (whose key is its `once`) end with it, and what comes in
later ends on arrival, so that one report is fetched once, however often Amazon names it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from gateway.store.driver import Driver
from gateway.store.statements import Many, One, Plan

_BEATEN: Final = "another notification of the same thing was handled before"
_FORGET_LIMIT: Final = 1_000

_TAKE: Final = Many(
    """
    INSERT INTO once_keys (handler, lane, once, notification_id, taken_at_ms) {rows}
    ON CONFLICT (handler, lane, once) DO UPDATE SET notification_id = once_keys.notification_id
      WHERE once_keys.notification_id = excluded.notification_id
    RETURNING handler, lane, once, notification_id
    """,
    ("text", "text", "text", "text", "bigint"),
)

_TAKEN: Final = Many(
    """
    WITH v(handler, lane, once) AS ({rows})
    SELECT k.handler, k.lane, k.once FROM v CROSS JOIN once_keys AS k
    WHERE k.handler = v.handler AND k.lane = v.lane AND k.once = v.once
    """,
    ("text", "text", "text"),
)

_END_BEATEN: Final = Many(
    """
    WITH v(id, error) AS ({rows})
    UPDATE handlings SET state = 'duplicate', error = v.error FROM v WHERE handlings.id = v.id
    """,
    ("text", "text"),
)

_END_WAITING: Final = Many(
    """
    WITH v(handler, lane, once, notification_id, error, now_ms) AS ({rows})
    UPDATE handlings SET state = 'duplicate', error = v.error, ended_at_ms = v.now_ms
    FROM v
    WHERE handlings.state = 'pending' AND handlings.readiness = 0
      AND handlings.handler = v.handler AND handlings.lane = v.lane AND handlings.key = v.once
      AND handlings.once = v.once AND handlings.notification_id <> v.notification_id
    """,
    ("text", "text", "text", "text", "text", "bigint"),
)

_FORGET: Final = One(
    """
    DELETE FROM once_keys WHERE (handler, lane, once) IN (
      SELECT handler, lane, once FROM once_keys WHERE taken_at_ms < $1
      ORDER BY taken_at_ms LIMIT $2
    ) RETURNING handler
    """
)


class Claimant(NamedTuple):
    """A handling that ended handled and had a `once`."""

    id: str
    handler: str
    lane: str
    once: str
    notification_id: str


def take(claimants: Sequence[Claimant], now_ms: int) -> Plan[frozenset[str]]:
    """Take the keys of `claimants` and end those that come too late; return their ids."""
    owners: dict[tuple[str, str, str], str] = {}
    for one in claimants:
        owners.setdefault((one.handler, one.lane, one.once), one.notification_id)
    rows = [(*key, owner, now_ms) for key, owner in sorted(owners.items())]
    taken = {tuple(row) for row in (yield _TAKE(rows))}
    beaten = [c.id for c in claimants if tuple(c[1:]) not in taken]
    if beaten:
        yield _END_BEATEN([(handling_id, _BEATEN) for handling_id in beaten])
    if taken:
        yield _END_WAITING([(*row, _BEATEN, now_ms) for row in sorted(taken)])
    return frozenset(beaten)


def taken(keys: Sequence[tuple[str, str, str]]) -> Plan[set[tuple[str, str, str]]]:
    """Return which of (handler, lane, once) were taken before."""
    return {(row[0], row[1], row[2]) for row in (yield _TAKEN(keys))}


class OnceKeys:
    """The keys, as far as they are forgotten again."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def forget(self, before_ms: int) -> int:
        """Forget keys taken before a time, at most a thousand; return how many they were.

        Raises:
            StoreUnavailableError: None was forgotten.
        """
        return await self._driver.write(lambda: _count(_FORGET, before_ms, _FORGET_LIMIT))


def _count(statement: One, *params: Any) -> Plan[int]:
    return len((yield statement(*params)))
