"""Notification types, and bodies as they are understood, as the objects that commands print."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import orjson

from gateway.clock import rfc3339
from gateway.notifications.base import PayloadModel
from gateway.notifications.kinds import NotificationType
from gateway.notifications.reading import read_body
from gateway.telemetry.redaction import redact


def parsed_row(file: str, body: bytes) -> dict[str, Any]:
    """Return how a body is understood.

    `typed` holds the payload's fields by name, or null where the payload is handled untyped;
    `untyped_for` or `fault` says why.
    """
    reading = read_body(body)
    envelope, ids, fault = reading.envelope, reading.identifiers, reading.fault
    row: dict[str, Any] = {
        "file": file,
        "type": envelope and envelope.type,
        "payload_version": envelope and envelope.payload_version,
        "notification_id": envelope and envelope.identity,
        "event_time": _time(envelope.event_time_ms if envelope else None),
        "seller": ids.seller_id,
        "marketplace": ids.marketplace_id,
        "order": ids.order_id,
        "asin": ids.asin,
        "sku": ids.sku,
        "model": reading.typed and type(reading.typed).__name__,
        "typed": None,
        "untyped_for": reading.untyped_for,
        "fault": fault,
    }
    if reading.typed is not None:
        try:
            row["typed"] = _fields(reading.typed, secret=bool(envelope and envelope.secret))
        except ValueError as exc:
            row["fault"] = f"Payload: is read, but can't be shown ({exc})"
    return row


def type_row(known: NotificationType) -> dict[str, Any]:
    """Return what is known of a type."""
    return {
        "type": known.name,
        "standing": known.standing,
        "payload_versions": list(known.payload_versions),
        "workflow": known.workflow,
        "audience": list(known.audience),
        "filter_expression": known.filter_expression,
        "event_filter": known.event_filter,
        "event_filter_fields": list(known.event_filter_fields),
        "places": asdict(known.places),
        "follow_up": list(known.follow_up),
        "typed": known.model is not None,
        "model": known.model and known.model.__name__,
        "note": known.note,
    }


def _fields(typed: PayloadModel, *, secret: bool) -> Any:
    # By way of JSON, which is what the output must be able to hold.
    fields = orjson.loads(orjson.dumps(typed.model_dump(mode="json")))
    return redact(fields) if secret else fields


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else rfc3339(at_ms)
