"""The metrics of archives; see `metrics`."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class ArchiveMetrics:
    """Notifications that are archived as they come."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.lag = Gauge(
            "gateway_archive_lag_seconds",
            "Age of the oldest notification, or message in quarantine, that is not archived yet; 0 "
            "where all are.",
            registry=registry,
        )
        self._notifications = Counter(
            "gateway_archived_notifications_total",
            "Notifications, and messages in quarantine, archived as they came.",
            registry=registry,
        )
        self._bytes = Counter(
            "gateway_archived_bytes_total", "Bytes of files written for them.", registry=registry
        )

    def archived(self, notifications: int, size_bytes: int) -> None:
        """Count notifications and messages that are archived, and their files' bytes."""
        self._notifications.inc(notifications)
        self._bytes.inc(size_bytes)

    def behind(self, lag_s: float) -> None:
        """Note how far the archive is behind."""
        self.lag.set(lag_s)
