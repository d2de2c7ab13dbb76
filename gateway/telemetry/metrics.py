"""Every metric of the gateway, declared once.

It decides names, units and labels. Labels are of bounded size: queues, handlers and operations come
from the configuration and the code; a seller's or an endpoint's id is never a label. It counts
nothing by itself: the stages call it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from gateway.model import HandlingState, Verdict
from gateway.telemetry.archive_metrics import ArchiveMetrics
from gateway.telemetry.kept import RetentionMetrics
from gateway.telemetry.silence import SilenceMetrics

CONTENT_TYPE = CONTENT_TYPE_LATEST

_OTHER = "other"
# Amazon has about 30 types; more than this many different ones are no types but noise.
_MAX_TYPES = 100

_CALL_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_HANDLING_BUCKETS_S = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_ATTEMPT_BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0)
_LATENCY_BUCKETS_S = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 300.0, 3600.0)


class Backlog(StrEnum):
    """Kinds of work that wait in the store."""

    HANDLINGS = "handlings"
    DELIVERIES = "deliveries"


class Stage(StrEnum):
    """The three stages of the data's way."""

    INGEST = "ingest"
    DISPATCH = "dispatch"
    DELIVERY = "delivery"


class TypeMetrics:
    """What was accepted, by Amazon's type."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._types = Counter(
            "gateway_notifications_total",
            "Notifications accepted, by Amazon's type.",
            ["type"],
            registry=registry,
        )
        self._untyped = Counter(
            "gateway_notifications_untyped_total",
            "Notifications accepted whose payload this release does not know, by reason.",
            ["type", "reason"],
            registry=registry,
        )
        self._by_type: dict[str, Counter] = {}

    def accepted(self, notification_type: str) -> None:
        """Count one accepted notification; types beyond a bound share the label `other`."""
        child = self._by_type.get(notification_type)
        if child is None:
            if len(self._by_type) >= _MAX_TYPES:
                notification_type = _OTHER
            child = self._by_type[notification_type] = self._types.labels(notification_type)
        child.inc()

    def untyped(self, notification_type: str, reason: str, *, known: bool) -> None:
        """Count one accepted notification that is handled untyped; unknown types share `other`."""
        self._untyped.labels(notification_type if known else _OTHER, reason).inc()


class IngestMetrics:
    """What comes in, per queue; `queue` is its place in the configuration or its name."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.received = Counter(
            "gateway_messages_received_total",
            "Messages received from SQS, redeliveries included.",
            ["queue"],
            registry=registry,
        )
        self.stored = Counter(
            "gateway_messages_stored_total",
            "Messages committed, by what the inbox made of them.",
            ["queue", "verdict"],
            registry=registry,
        )
        self.replayed = Counter(
            "gateway_eventbridge_replayed_total",
            "Messages committed that a replay of EventBridge's archive brought, by what the inbox "
            "made of them.",
            ["queue", "verdict"],
            registry=registry,
        )
        self.deleted = Counter(
            "gateway_messages_deleted_total",
            "Messages deleted from SQS after they were committed.",
            ["queue"],
            registry=registry,
        )
        self.receive_failures = Counter(
            "gateway_queue_failures_total",
            "Calls to SQS that failed, by reason.",
            ["queue", "reason"],
            registry=registry,
        )
        self.up = Gauge(
            "gateway_queue_up",
            "1 while the queue can be received from, 0 while it can't.",
            ["queue"],
            registry=registry,
        )
        self.types = TypeMetrics(registry)

    def for_queue(self, queue: str) -> QueueMetrics:
        """Return the children of one queue, bound once."""
        return QueueMetrics(self, queue)


class QueueMetrics:
    """The children of `IngestMetrics` for one queue."""

    def __init__(self, ingest: IngestMetrics, queue: str) -> None:
        self.received = ingest.received.labels(queue)
        self.deleted = ingest.deleted.labels(queue)
        self.up = ingest.up.labels(queue)
        self._stored = {verdict: ingest.stored.labels(queue, verdict.value) for verdict in Verdict}
        self._failures = ingest.receive_failures
        self._replayed = ingest.replayed
        self._queue = queue

    def stored(self, verdict: Verdict, count: int = 1) -> None:
        """Count messages that were committed with this verdict."""
        self._stored[verdict].inc(count)

    def replayed(self, verdict: Verdict) -> None:
        """Count one committed message that a replay of EventBridge's archive brought."""
        self._replayed.labels(self._queue, verdict.value).inc()

    def failed(self, reason: str) -> None:
        """Count one failed call; `reason` is a word of `QueueUnavailableError`."""
        self._failures.labels(self._queue, reason).inc()


class DispatchMetrics:
    """What handlers do."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._bound_ended: dict[tuple[str, HandlingState], Counter] = {}
        self._bound_duration: dict[str, Histogram] = {}
        self._ended = Counter(
            "gateway_handlings_total",
            "Runs of handlers that were settled, by the state they led to.",
            ["handler", "state"],
            registry=registry,
        )
        self._duration = Histogram(
            "gateway_handling_duration_seconds",
            "Time one run of a handler took.",
            ["handler"],
            buckets=_HANDLING_BUCKETS_S,
            registry=registry,
        )
        self.running = Gauge(
            "gateway_handlings_running",
            "Handlings being worked on by this process.",
            registry=registry,
        )
        self.events = Counter("gateway_events_total", "Events published.", registry=registry)
        self.deliveries = Counter(
            "gateway_fanout_deliveries_total",
            "Deliveries made for published events.",
            registry=registry,
        )

    def settled(self, handler: str, state: HandlingState, duration_s: float) -> None:
        """Count one settled run."""
        ended = self._bound_ended.get((handler, state))
        if ended is None:
            ended = self._ended.labels(handler, state.value)
            self._bound_ended[handler, state] = ended
        duration = self._bound_duration.get(handler)
        if duration is None:
            duration = self._bound_duration[handler] = self._duration.labels(handler)
        ended.inc()
        duration.observe(duration_s)


class SpApiMetrics:
    """Follow-up calls."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._bound_calls: dict[tuple[str, str], tuple[Counter, Histogram]] = {}
        self._bound_waits: dict[str, Counter] = {}
        self._calls = Counter(
            "gateway_follow_up_calls_total",
            "Requests sent to the Selling Partner API, by operation and outcome.",
            ["operation", "outcome"],
            registry=registry,
        )
        self._duration = Histogram(
            "gateway_follow_up_call_duration_seconds",
            "Time from request to whole answer.",
            ["operation"],
            buckets=_CALL_BUCKETS_S,
            registry=registry,
        )
        self._wait = Counter(
            "gateway_throttle_wait_seconds_total",
            "Time that calls waited for a token of their usage plan inside a running handler.",
            ["operation"],
            registry=registry,
        )
        self._deferred = Counter(
            "gateway_throttle_deferred_total",
            "Calls that gave their worker back because their token was too far away.",
            ["operation"],
            registry=registry,
        )
        self._skew = Gauge(
            "gateway_clock_skew_seconds",
            "How far this machine's clock is ahead of Amazon's, at the last token request.",
            registry=registry,
        )

    def called(self, operation: str, outcome: str, duration_s: float) -> None:
        """Count one request; `outcome` is a short fixed word, such as `ok` or `throttled`."""
        bound = self._bound_calls.get((operation, outcome))
        if bound is None:
            bound = self._calls.labels(operation, outcome), self._duration.labels(operation)
            self._bound_calls[operation, outcome] = bound
        bound[0].inc()
        bound[1].observe(duration_s)

    def waited(self, operation: str, wait_s: float) -> None:
        """Add time that a call waited for its token."""
        bound = self._bound_waits.get(operation)
        if bound is None:
            bound = self._bound_waits[operation] = self._wait.labels(operation)
        bound.inc(wait_s)

    def deferred(self, operation: str) -> None:
        """Count one call that was put off."""
        self._deferred.labels(operation).inc()

    def skewed(self, ahead_s: float) -> None:
        """Note how far this machine's clock is ahead of Amazon's."""
        self._skew.set(ahead_s)


class DeliveryMetrics:
    """What goes out."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._bound: dict[tuple[str, str], tuple[Counter, Counter]] = {}
        self._attempts = Counter(
            "gateway_attempts_total",
            "Requests made to endpoints, by outcome: delivered, or the class of the error.",
            ["outcome"],
            registry=registry,
        )
        self._ended = Counter(
            "gateway_deliveries_total",
            "Deliveries settled, by the state that an attempt led to.",
            ["state"],
            registry=registry,
        )
        self._duration = Histogram(
            "gateway_attempt_duration_seconds",
            "Time one request to an endpoint took.",
            buckets=_ATTEMPT_BUCKETS_S,
            registry=registry,
        )
        self._latency = Histogram(
            "gateway_delivery_latency_seconds",
            "Time from an event's publication to its successful attempt.",
            buckets=_LATENCY_BUCKETS_S,
            registry=registry,
        )
        self.in_flight = Gauge(
            "gateway_attempts_in_flight",
            "Requests to endpoints that have not ended yet.",
            registry=registry,
        )

    def attempted(self, outcome: str, state: str, duration_s: float) -> None:
        """Count one attempt: `outcome` is `delivered` or a word of the sender's table."""
        bound = self._bound.get((outcome, state))
        if bound is None:
            bound = self._attempts.labels(outcome), self._ended.labels(state)
            self._bound[outcome, state] = bound
        for counter in bound:
            counter.inc()
        self._duration.observe(duration_s)

    def delivered_after(self, latency_s: float) -> None:
        """Record how long after its publication an event was delivered."""
        self._latency.observe(latency_s)


class SweepMetrics:
    """Sweeps for gaps."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._checked = Counter(
            "gateway_sweep_checked_total",
            "Things that sweeps compared with what came in, by notification type.",
            ["type"],
            registry=registry,
        )
        self._found = Counter(
            "gateway_sweep_found_total",
            "Gaps that sweeps found: changes that Amazon never told, by notification type.",
            ["type"],
            registry=registry,
        )

    def swept(self, swept: str, *, checked: int, found: int) -> None:
        """Count one page of a sweep."""
        self._checked.labels(str(swept)).inc(checked)
        self._found.labels(str(swept)).inc(found)


class DocumentMetrics:
    """Stored documents."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._stored = Counter(
            "gateway_documents_total", "Documents that handlers stored.", registry=registry
        )
        self._bytes = Counter(
            "gateway_documents_bytes_total",
            "Bytes of the documents that handlers stored.",
            registry=registry,
        )

    def stored(self, size_bytes: int) -> None:
        """Count one document."""
        self._stored.inc()
        self._bytes.inc(size_bytes)


class StoreMetrics:
    """What waits, and whether the database answers."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.up = Gauge(
            "gateway_store_up",
            "1 while the database answers, 0 while it doesn't.",
            registry=registry,
        )
        pending = Gauge(
            "gateway_pending", "Rows that wait for work, by kind.", ["kind"], registry=registry
        )
        dead = Gauge(
            "gateway_dead", "Rows without tries left, by kind.", ["kind"], registry=registry
        )
        age = Gauge(
            "gateway_oldest_due_age_seconds",
            "How long the longest-waiting due row has waited, by kind.",
            ["kind"],
            registry=registry,
        )
        self.quarantined = Gauge(
            "gateway_quarantined", "Messages in quarantine.", registry=registry
        )
        self.pending: Mapping[Backlog, Gauge] = {k: pending.labels(k.value) for k in Backlog}
        self.dead: Mapping[Backlog, Gauge] = {k: dead.labels(k.value) for k in Backlog}
        self.oldest_due_age: Mapping[Backlog, Gauge] = {k: age.labels(k.value) for k in Backlog}


class ApiMetrics:
    """What is asked of the HTTP API; `route` is a name of the table of routes, or `none`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "gateway_api_requests_total",
            "Requests to the HTTP API, by route and status.",
            ["route", "status"],
            registry=registry,
        )
        self._duration = Histogram(
            "gateway_api_duration_seconds",
            "Time until a request to the HTTP API was answered, long polls left out.",
            buckets=_CALL_BUCKETS_S,
            registry=registry,
        )

    def answered(self, route: str | None, status: int, duration_s: float) -> None:
        """Count one request."""
        self._requests.labels(route or "none", str(status)).inc()
        if route != "pull_events":
            self._duration.observe(duration_s)


class StageMetrics:
    """How the loops themselves do."""

    def __init__(self, registry: CollectorRegistry) -> None:
        up = Gauge(
            "gateway_stage_up",
            "1 while the stage runs in this process.",
            ["stage"],
            registry=registry,
        )
        stale = Counter(
            "gateway_stale_settles_total",
            "Results dropped because their claim had passed to another worker.",
            ["stage"],
            registry=registry,
        )
        self.up: Mapping[Stage, Gauge] = {stage: up.labels(stage.value) for stage in Stage}
        self.stale: Mapping[Stage, Counter] = {stage: stale.labels(stage.value) for stage in Stage}


class Metrics:
    """All metrics of one process, on one registry.

    Args:
        registry: Where they are collected; a new one for each service, so that tests don't meet.
        version: The release, shown by `gateway_build_info`.
    """

    def __init__(self, registry: CollectorRegistry | None = None, *, version: str = "") -> None:
        self.registry = registry if registry is not None else CollectorRegistry()
        self.ingest = IngestMetrics(self.registry)
        self.dispatch = DispatchMetrics(self.registry)
        self.spapi = SpApiMetrics(self.registry)
        self.delivery = DeliveryMetrics(self.registry)
        self.sweep = SweepMetrics(self.registry)
        self.documents = DocumentMetrics(self.registry)
        self.archive = ArchiveMetrics(self.registry)
        self.store = StoreMetrics(self.registry)
        self.silence = SilenceMetrics(self.registry)
        self.retention = RetentionMetrics(self.registry)
        self.stages = StageMetrics(self.registry)
        self.api = ApiMetrics(self.registry)
        build = Gauge(
            "gateway_build_info",
            "Always 1; the label is the release.",
            ["version"],
            registry=self.registry,
        )
        build.labels(version).set(1)

    def render(self) -> bytes:
        """Return the text that `/metrics` answers with, of type `CONTENT_TYPE`."""
        return generate_latest(self.registry)
