"""The metrics that a gateway shows, by the names that Prometheus gives them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from gateway.telemetry.metrics import Metrics


def metric_names() -> dict[str, set[str]]:
    """Every series' name, with the labels it may have."""
    registry = CollectorRegistry()
    Metrics(registry)
    found: dict[str, set[str]] = {}
    for collector, names in registry._collector_to_names.items():
        labels = set(getattr(collector, "_labelnames", ()))
        for name in names:
            bucket = {"le"} if name.endswith("_bucket") else set()
            found[name] = labels | bucket
    return found
