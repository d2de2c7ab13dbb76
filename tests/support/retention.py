"""For how long things are kept where a test doesn't say otherwise."""

from __future__ import annotations

from gateway.retention.rules import Kept

KEPT = Kept(
    message_days=30,
    payload_days=30,
    personal_data_days=30,
    attempt_days=30,
    metadata_days=90,
    deduplication_days=60,
    quarantine_days=30,
    audit_days=400,
)
