"""The one table of routes. A route that stands here is served, guarded, described and tested."""

from __future__ import annotations

from typing import Final

from gateway.admin.resources import (
    audit,
    event_types,
    keys,
    meta,
    notifications,
)
from gateway.admin.routes import Route

ROUTES: Final[tuple[Route, ...]] = (
    *event_types.ROUTES,
    *notifications.ROUTES,
    *keys.ROUTES,
    *audit.ROUTES,
    *meta.ROUTES,
)
