"""What handlers keep of things between handlings: written as a handling settles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from gateway.store.driver import Driver
from gateway.store.statements import Many, One, Plan

DAY_MS: Final = 86_400_000
_FORGET_LIMIT: Final = 1_000

REMEMBER: Final = Many(
    """
    INSERT INTO memories (handler, lane, name, value, day) {rows}
    ON CONFLICT (handler, lane, name) DO UPDATE SET value = excluded.value, day = excluded.day
    """,
    ("text", "text", "text", "bytea", "bigint"),
)
"""Writes values named as (handler, lane, name, value, day); a name at most once."""

_RECALL: Final = Many(
    """
    WITH v(handler, lane, name) AS ({rows})
    SELECT m.handler, m.lane, m.name, m.value FROM v CROSS JOIN memories AS m
    WHERE m.handler = v.handler AND m.lane = v.lane AND m.name = v.name
    """,
    ("text", "text", "text"),
)

_FORGET: Final = One(
    """
    DELETE FROM memories WHERE (handler, lane, name) IN (
      SELECT handler, lane, name FROM memories WHERE day < $1 ORDER BY day LIMIT $2
    ) RETURNING handler
    """
)


class Memories:
    """See the module."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def recall(
        self, names: Sequence[tuple[str, str, str]]
    ) -> Mapping[tuple[str, str, str], bytes]:
        """Return the values of (handler, seller or empty, name), as far as there are any.

        Raises:
            StoreUnavailableError: The database can't be asked.
        """
        return await self._driver.read(lambda: _recall(sorted(set(names))))

    async def forget(self, before_ms: int) -> int:
        """Forget what did not change since a day, at most a thousand; return how many they were.

        Raises:
            StoreUnavailableError: None was forgotten.
        """
        return await self._driver.write(lambda: _forget(before_ms // DAY_MS))


def _recall(names: Sequence[tuple[str, str, str]]) -> Plan[Mapping[tuple[str, str, str], bytes]]:
    return {(row[0], row[1], row[2]): bytes(row[3]) for row in (yield _RECALL(names))}


def _forget(before_day: int) -> Plan[int]:
    return len((yield _FORGET(before_day, _FORGET_LIMIT)))
