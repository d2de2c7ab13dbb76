"""Typed payloads, one model per notification type; handlers name one in `Router.on`.

Models are read when a handler asks for the payload, never on arrival. Keys meet fields in any
casing, values that can't be read count as absent, and `raw` keeps the payload as it came.
"""

from __future__ import annotations

from gateway.notifications.any_offer_changed import AnyOfferChanged
from gateway.notifications.base import NeededId, PayloadModel, PayloadPart, Time
from gateway.notifications.order_change import OrderChange
from gateway.notifications.processing_finished import (
    FeedProcessingFinished,
    ReportProcessingFinished,
)

__all__ = [
    "AnyOfferChanged",
    "FeedProcessingFinished",
    "NeededId",
    "OrderChange",
    "PayloadModel",
    "PayloadPart",
    "ReportProcessingFinished",
    "Time",
]
