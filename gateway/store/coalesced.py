"""What a handling took along: the notifications of those that collapsed into it.

A handling may collapse into another that collapses in its turn, when it must wait and newer ones
come in meanwhile; all of them are found.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.model import StoredNotification
from gateway.store.driver import Driver, Sealer
from gateway.store.notification_rows import WHOLE, stored_notification
from gateway.store.statements import One, one_step

_TAKEN_ALONG: Final = One(
    """
    WITH RECURSIVE along(id, notification_id, event_time_ms) AS (
      SELECT id, notification_id, event_time_ms FROM handlings WHERE coalesced_into = $1
      UNION
      SELECT h.id, h.notification_id, h.event_time_ms FROM along
      JOIN handlings AS h ON h.coalesced_into = along.id
    )
    SELECT notification_id FROM along ORDER BY event_time_ms DESC, id DESC
    """
)


class Coalesced:
    """See the module."""

    def __init__(self, driver: Driver, sealer: Sealer) -> None:
        self._driver = driver
        self._sealer = sealer

    async def taken_along(self, handling_id: str) -> Sequence[str]:
        """Return the ids of the notifications that a handling took along, the newest first.

        Raises:
            StoreUnavailableError: The database can't be asked.
        """
        rows = await self._driver.read(lambda: one_step(_TAKEN_ALONG(handling_id)))
        return list(dict.fromkeys(row[0] for row in rows))

    async def notifications(self, ids: Sequence[str]) -> Sequence[StoredNotification]:
        """Return those of the notifications that are still there, in the order asked for.

        Raises:
            SealError: A body is sealed and can't be opened.
            StoreUnavailableError: The database can't be asked.
        """
        if not ids:
            return []
        rows = await self._driver.read(lambda: one_step(WHOLE([(one,) for one in ids])))
        found = {row[0]: stored_notification(row, self._sealer) for row in rows}
        return [found[one] for one in ids if one in found]
