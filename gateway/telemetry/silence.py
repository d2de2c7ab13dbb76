"""The metrics of what came last and what does not come."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge

# Amazon has about 30 types; more than this many different ones are no types but noise.
_MAX_TYPES = 100


class SilenceMetrics:
    """What came last of each type, and what does not come. Types beyond a bound are left out."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._newest = Gauge(
            "gateway_newest_notification_age_seconds",
            "How long ago the newest notification came in, by Amazon's type.",
            ["type"],
            registry=registry,
        )
        self._silent = Gauge(
            "gateway_silent",
            "1 while nothing comes of a type for longer than its silent_after_s, else 0.",
            ["type"],
            registry=registry,
        )
        self._sellers = Gauge(
            "gateway_silent_sellers",
            "Single sellers of whom nothing of a type comes for longer than seller_silent_after_s.",
            ["type"],
            registry=registry,
        )
        self._types: set[str] = set()

    def newest(self, notification_type: str, age_s: float) -> None:
        """Say how long ago the newest of a type came in."""
        if self._bounded(notification_type):
            self._newest.labels(notification_type).set(age_s)

    def silent(self, notification_type: str, *, whole: bool, sellers: int) -> None:
        """Say whether a type is silent, and how many of its sellers are."""
        if self._bounded(notification_type):
            self._silent.labels(notification_type).set(whole)
            self._sellers.labels(notification_type).set(sellers)

    def _bounded(self, notification_type: str) -> bool:
        if len(self._types) < _MAX_TYPES:
            self._types.add(notification_type)
        return notification_type in self._types
