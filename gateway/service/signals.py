"""Who is woken by what: topics that the store rings, and the doorbells of the stages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from gateway.worker.stop import Wake

HANDLINGS = "handlings"
DELIVERIES = "deliveries"
ENDPOINTS = "endpoints"
FEEDS = "feeds"
SELLERS = "sellers"


class Signals:
    """Tells everybody who listens to a topic; a topic without listeners is no error."""

    def __init__(self) -> None:
        self._heard: defaultdict[str, list[Callable[[], None]]] = defaultdict(list)

    def doorbell(self, *topics: str) -> Wake:
        """Return a doorbell that rings for any of `topics`."""
        wake = Wake()
        for topic in topics:
            self.on(topic, wake.ring)
        return wake

    def on(self, topic: str, call: Callable[[], None]) -> None:
        """Call `call` at each notice of `topic`; who asks first is called first."""
        self._heard[topic].append(call)

    def notify(self, topic: str) -> None:
        """Tell all who listen to `topic`."""
        for call in self._heard[topic]:
            call()
