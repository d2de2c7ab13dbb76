"""Where the stages' counts go: from their small protocols to the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.model import Arrival, Unreadable, Verdict

if TYPE_CHECKING:
    from gateway.telemetry.metrics import IngestMetrics


class QueueRecorder:
    """Counts the messages of one queue."""

    def __init__(self, metrics: IngestMetrics, queue: str) -> None:
        self._metrics = metrics
        self._queue = metrics.for_queue(queue)

    def received(self, count: int) -> None:
        """See `IngestRecorder`."""
        self._queue.received.inc(count)
        self._queue.up.set(1)

    def stored(self, arrival: Arrival | Unreadable, verdict: Verdict) -> None:
        """See `IngestRecorder`."""
        self._queue.stored(verdict)
        if verdict is Verdict.ACCEPTED and isinstance(arrival, Arrival):
            self._metrics.accepted(arrival.envelope.type)

    def deleted(self, count: int) -> None:
        """See `IngestRecorder`."""
        self._queue.deleted.inc(count)

    def failed(self, reason: str) -> None:
        """See `IngestRecorder`."""
        self._queue.failed(reason)
        self._queue.up.set(0)
