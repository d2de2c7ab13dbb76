"""Operational events: what the gateway tells its operators about itself. Pure.

They go through the same outbox, queue and signatures as all events, to operator endpoints only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.clock import rfc3339
from gateway.fanout import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationalEvent:
    """Something that an operator should know.

    Attributes:
        type: Such as `endpoint.disabled` or `seller.paused`.
        data: Members of the event's `data`, as JSON values.
        subject: What it is about, as far as it decides who hears of it.
    """

    type: str
    data: Mapping[str, Any]
    seller_id: str | None = None
    subject: Subject = field(default_factory=Subject)

    def body(self, now_ms: int) -> bytes:
        """Return the exact bytes that every attempt sends."""
        members = {"type": self.type, "timestamp": rfc3339(now_ms), "data": dict(self.data)}
        return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()
