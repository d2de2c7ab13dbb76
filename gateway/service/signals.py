"""Who is woken by what: topics that the store rings, and the doorbells of the stages."""

from __future__ import annotations

from collections import defaultdict

from gateway.worker.stop import Wake

HANDLINGS = "handlings"
DELIVERIES = "deliveries"
ENDPOINTS = "endpoints"


class Signals:
    """Rings every doorbell that hangs at a topic; a topic without doorbells is no error."""

    def __init__(self) -> None:
        self._wakes: defaultdict[str, list[Wake]] = defaultdict(list)

    def doorbell(self, *topics: str) -> Wake:
        """Return a doorbell that rings for any of `topics`."""
        wake = Wake()
        for topic in topics:
            self._wakes[topic].append(wake)
        return wake

    def notify(self, topic: str) -> None:
        """Ring the doorbells of `topic`."""
        for wake in self._wakes[topic]:
            wake.ring()
