"""The one table of routes. A route that stands here is served, guarded, described and tested."""

from __future__ import annotations

from typing import Final

from gateway.admin.resources import (
    audit,
    deliveries,
    endpoints,
    erasures,
    event_types,
    events,
    feed,
    jobs,
    keys,
    meta,
    notifications,
    operations,
    secrets,
    sellers,
    subscriptions,
    traces,
    usage,
    webhooks,
)
from gateway.admin.routes import Route

ROUTES: Final[tuple[Route, ...]] = (
    *endpoints.ROUTES,
    *secrets.ROUTES,
    *webhooks.ROUTES,
    *events.ROUTES,
    *event_types.ROUTES,
    *deliveries.ROUTES,
    *feed.ROUTES,
    *notifications.ROUTES,
    *traces.ROUTES,
    *operations.ROUTES,
    *erasures.ROUTES,
    *jobs.ROUTES,
    *sellers.ROUTES,
    *subscriptions.ROUTES,
    *keys.ROUTES,
    *audit.ROUTES,
    *usage.ROUTES,
    *meta.ROUTES,
)
