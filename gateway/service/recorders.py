"""Where the stages' counts go: from their small protocols to the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.model import Arrival, Unreadable, Verdict
from gateway.notifications.known import Unfamiliar, unfamiliar
from gateway.results import Settled
from gateway.telemetry.metrics import Stage

if TYPE_CHECKING:
    from gateway.model import Envelope, HandlingState
    from gateway.telemetry.metrics import IngestMetrics, Metrics


class QueueRecorder:
    """Counts the messages of one queue."""

    def __init__(self, metrics: IngestMetrics, queue: str) -> None:
        self._types = metrics.types
        self._queue = metrics.for_queue(queue)

    def received(self, count: int) -> None:
        """See `IngestRecorder`."""
        self._queue.received.inc(count)
        self._queue.up.set(1)

    def stored(self, arrival: Arrival | Unreadable, verdict: Verdict) -> None:
        """See `IngestRecorder`."""
        self._queue.stored(verdict)
        if isinstance(arrival, Arrival) and arrival.envelope.replay_name is not None:
            self._queue.replayed(verdict)
        if verdict is Verdict.ACCEPTED and isinstance(arrival, Arrival):
            self._accepted(arrival.envelope)

    def _accepted(self, envelope: Envelope) -> None:
        self._types.accepted(envelope.type)
        if (reason := unfamiliar(envelope.type, envelope.payload_version)) is not None:
            self._types.untyped(envelope.type, reason, known=reason is not Unfamiliar.TYPE)

    def deleted(self, count: int) -> None:
        """See `IngestRecorder`."""
        self._queue.deleted.inc(count)

    def failed(self, reason: str) -> None:
        """See `IngestRecorder`."""
        self._queue.failed(reason)
        self._queue.up.set(0)


class DispatchRecorder:
    """Counts what runs came to."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics.dispatch
        self._stale = metrics.stages.stale[Stage.DISPATCH]

    def settled(self, handler: str, state: HandlingState, duration_s: float) -> None:
        """See `gateway.dispatch.dispatcher.DispatchRecorder`."""
        self._metrics.settled(handler, state, duration_s)

    def committed(self, settled: Settled) -> None:
        """See `gateway.dispatch.dispatcher.DispatchRecorder`."""
        self._metrics.events.inc(settled.events)
        self._metrics.deliveries.inc(settled.deliveries)
        self._stale.inc(len(settled.stale))


class DeliveryRecorder:
    """Counts what attempts came to."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics.delivery
        self._stale = metrics.stages.stale[Stage.DELIVERY]

    def attempted(self, outcome: str, state: str, duration_s: float) -> None:
        """See `gateway.delivery.deliverer.DeliveryRecorder`."""
        self._metrics.attempted(outcome, state, duration_s)

    def delivered_after(self, latency_s: float) -> None:
        """See `gateway.delivery.deliverer.DeliveryRecorder`."""
        self._metrics.delivered_after(latency_s)

    def committed(self, settled: Settled) -> None:
        """See `gateway.delivery.deliverer.DeliveryRecorder`."""
        self._stale.inc(len(settled.stale))
