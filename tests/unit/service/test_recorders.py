from __future__ import annotations

from gateway.model import Arrival, Envelope, Origin, Verdict
from gateway.service.recorders import QueueRecorder
from gateway.telemetry.metrics import Metrics


def arrival(type_: str, version: str, *, replay_name: str | None = None) -> Arrival:
    envelope = Envelope(
        identity="i", type=type_, payload_version=version, body=b"{}", replay_name=replay_name
    )
    return Arrival(id="ntf_1", envelope=envelope, source="q", origin=Origin.SQS, received_at_ms=0)


def test_what_is_handled_untyped_is_counted_by_reason() -> None:
    metrics = Metrics(version="1")
    recorder = QueueRecorder(metrics.ingest, "q")
    for type_, version in (
        ("ORDER_CHANGE", "1.0"),
        ("ORDER_CHANGE", "2.0"),
        ("BOPIS_CHECKIN_DETAILS", "1.0"),
        ("SOMETHING_NEW", "1.0"),
        ("SOMETHING_ELSE", "1.0"),
    ):
        recorder.stored(arrival(type_, version), Verdict.ACCEPTED)
    recorder.stored(arrival("ORDER_CHANGE", "2.0"), Verdict.DUPLICATE)

    lines = metrics.render().decode().splitlines()
    name = "gateway_notifications_untyped_total"
    assert {line for line in lines if line.startswith(f"{name}{{")} == {
        f'{name}{{reason="unknown_version",type="ORDER_CHANGE"}} 1.0',
        f'{name}{{reason="undescribed_type",type="BOPIS_CHECKIN_DETAILS"}} 1.0',
        f'{name}{{reason="unknown_type",type="other"}} 2.0',
    }


def test_what_a_replay_of_eventbridge_brought_is_counted_by_what_it_was() -> None:
    metrics = Metrics(version="1")
    recorder = QueueRecorder(metrics.ingest, "q")
    recorder.stored(arrival("ORDER_CHANGE", "1.0"), Verdict.DUPLICATE)
    for verdict in (Verdict.DUPLICATE, Verdict.DUPLICATE, Verdict.ACCEPTED):
        recorder.stored(arrival("ORDER_CHANGE", "1.0", replay_name="night"), verdict)
    lines = metrics.render().decode().splitlines()
    name = "gateway_eventbridge_replayed_total"
    assert {line for line in lines if line.startswith(f"{name}{{")} == {
        f'{name}{{queue="q",verdict="accepted"}} 1.0',
        f'{name}{{queue="q",verdict="duplicate"}} 2.0',
    }
