"""Names, units and bounded labels of the metrics."""

from __future__ import annotations

import re

from gateway.model import HandlingState, Verdict
from gateway.telemetry.metrics import Backlog, Metrics, Stage

ALLOWED_LABELS = {"queue", "verdict", "reason", "type", "handler", "state", "operation", "outcome"}
ALLOWED_LABELS |= {"kind", "stage", "version"}


def test_every_name_has_the_prefix_and_every_label_is_bounded() -> None:
    metrics = Metrics(version="1.2.3")
    for family in metrics.registry.collect():
        assert re.fullmatch(r"gateway_[a-z_]+", family.name), family.name
        assert family.documentation.endswith("."), family.name
        assert not re.search(r"_(ms|s|millis)$", family.name), family.name
        for sample in family.samples:
            assert set(sample.labels) <= ALLOWED_LABELS | {"le"}, sample


def test_counts_come_out() -> None:
    metrics = Metrics(version="1.2.3")
    queue = metrics.ingest.for_queue("q")
    queue.received.inc(3)
    queue.stored(Verdict.DUPLICATE, 2)
    queue.failed("throttled")
    metrics.dispatch.settled("order_change", HandlingState.HANDLED, 0.2)
    metrics.spapi.called("getOrder", "ok", 0.1)
    metrics.spapi.waited("getOrder", 1.5)
    metrics.spapi.deferred("getOrder")
    metrics.delivery.attempted("delivered", "delivered", 0.01)
    metrics.delivery.delivered_after(0.05)
    metrics.store.pending[Backlog.HANDLINGS].set(7)
    metrics.stages.stale[Stage.DELIVERY].inc()
    metrics.silence.newest("ORDER_CHANGE", 12.5)
    metrics.silence.silent("ORDER_CHANGE", whole=True, sellers=3)
    text = metrics.render().decode()
    for line in (
        'gateway_messages_received_total{queue="q"} 3.0',
        'gateway_messages_stored_total{queue="q",verdict="duplicate"} 2.0',
        'gateway_queue_failures_total{queue="q",reason="throttled"} 1.0',
        'gateway_handlings_total{handler="order_change",state="handled"} 1.0',
        'gateway_follow_up_calls_total{operation="getOrder",outcome="ok"} 1.0',
        'gateway_throttle_wait_seconds_total{operation="getOrder"} 1.5',
        'gateway_attempts_total{outcome="delivered"} 1.0',
        "gateway_attempt_duration_seconds_count 1.0",
        'gateway_pending{kind="handlings"} 7.0',
        'gateway_stale_settles_total{stage="delivery"} 1.0',
        'gateway_newest_notification_age_seconds{type="ORDER_CHANGE"} 12.5',
        'gateway_silent{type="ORDER_CHANGE"} 1.0',
        'gateway_silent_sellers{type="ORDER_CHANGE"} 3.0',
        'gateway_build_info{version="1.2.3"} 1.0',
    ):
        assert f"\n{line}\n" in text


def test_noise_in_the_type_does_not_grow_the_gauges_of_silence() -> None:
    metrics = Metrics()
    for number in range(500):
        metrics.silence.newest(f"TYPE_{number}", 1.0)
        metrics.silence.silent(f"TYPE_{number}", whole=False, sellers=0)
    assert metrics.render().count(b"gateway_newest_notification_age_seconds{") == 100


def test_noise_in_the_type_does_not_grow_the_metric() -> None:
    metrics = Metrics()
    for number in range(500):
        metrics.ingest.types.accepted(f"TYPE_{number}")
    samples = [
        sample
        for family in metrics.registry.collect()
        if family.name == "gateway_notifications"
        for sample in family.samples
        if sample.name.endswith("_total")
    ]
    assert len(samples) == 101
    assert sum(sample.value for sample in samples) == 500
