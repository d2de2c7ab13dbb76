"""The metrics of what is kept: how much, how old, and what went."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class RetentionMetrics:
    """What is kept and what went; `kind` is a walk of retention, or `documents`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.rows = Gauge(
            "gateway_kept_rows",
            "Rows that are kept, by kind, as the last run of retention counted them.",
            ["kind"],
            registry=registry,
        )
        self.bytes = Gauge(
            "gateway_kept_bytes",
            "What they hold, by kind, by the average of some hundred.",
            ["kind"],
            registry=registry,
        )
        self.oldest = Gauge(
            "gateway_kept_oldest_age_seconds",
            "Age of the oldest one, by kind.",
            ["kind"],
            registry=registry,
        )
        self.database = Gauge(
            "gateway_database_bytes",
            "Size of the database, free space included.",
            registry=registry,
        )
        self.free = Gauge(
            "gateway_database_free_bytes", "Free space inside a SQLite file.", registry=registry
        )
        self._went = Counter(
            "gateway_retention_rows_total",
            "Rows that retention deleted or emptied, by kind.",
            ["kind"],
            registry=registry,
        )

    def went(self, walk: str, rows: int) -> None:
        """Count rows that were deleted or emptied."""
        self._went.labels(str(walk)).inc(rows)
