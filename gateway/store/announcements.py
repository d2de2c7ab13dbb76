"""Operational events of rooms that have no transaction of their own in the store."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.clock import Clock
from gateway.operational import OperationalEvent
from gateway.store.driver import Driver
from gateway.store.publishing import Publisher


class Announcements:
    """See the module. Plans that decide something publish with `Publisher.announce` themselves."""

    def __init__(self, driver: Driver, clock: Clock, publisher: Publisher) -> None:
        self._driver = driver
        self._clock = clock
        self._publisher = publisher

    async def announce(self, events: Sequence[OperationalEvent]) -> int:
        """Publish operational events, in one transaction, to the operator endpoints that take them.

        Returns:
            How many deliveries were made; an event that nobody takes is not kept.

        Raises:
            StoreUnavailableError: Nothing was published.
        """
        now_ms = self._clock.now_ms()
        return await self._driver.write(lambda: self._publisher.announce(events, now_ms))
