"""Stored bodies as they may be shown: as the JSON they are, credentials hidden."""

from __future__ import annotations

from typing import Any

import orjson

from gateway.telemetry.redaction import redact


def body_value(body: bytes) -> Any:
    """Return a body as the JSON value it is, else as text; either without credentials."""
    try:
        return redact(orjson.loads(body))
    except orjson.JSONDecodeError:
        return redact(body.decode("utf-8", "replace"))
