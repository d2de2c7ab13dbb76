"""`/healthz`, `/readyz` and `/metrics`: what an orchestrator and a scraper ask, without a key.

`/healthz` says that the event loop turns; it stays 200 while a dependency is away, because a
restart would not bring that back. `/readyz` says whether this process can do its work now: 503
while it starts, drains, or can't use its store or queues. Neither names customers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import orjson
from aiohttp import web

from gateway.clock import rfc3339

if TYPE_CHECKING:
    from gateway.worker.health import Health


class MetricsText(Protocol):
    """Where the metrics' text comes from."""

    def render(self) -> bytes:
        """Return it in Prometheus's text format."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """What the probes report.

    Attributes:
        parts: The health of each part of the process.
        phase: `starting`, `running` or `draining`.
    """

    parts: Callable[[], Sequence[Health]]
    phase: Callable[[], str]
    metrics: MetricsText
    metrics_type: str

    def routes(self) -> Sequence[web.RouteDef]:
        """Return the routes to serve."""
        return [
            web.get("/healthz", self._healthz),
            web.get("/readyz", self._readyz),
            web.get("/metrics", self._metrics),
        ]

    async def _healthz(self, _request: web.Request) -> web.Response:
        return _json(200, self._report())

    async def _readyz(self, _request: web.Request) -> web.Response:
        ready = self.phase() == "running" and not any(part.fault for part in self.parts())
        return _json(200 if ready else 503, self._report())

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=self.metrics.render(), headers={"content-type": self.metrics_type})

    def _report(self) -> dict[str, object]:
        return {
            "phase": self.phase(),
            "parts": [
                {
                    "name": part.name,
                    "fault": part.fault,
                    "since": rfc3339(part.since_ms) if part.since_ms else None,
                }
                for part in self.parts()
            ],
        }


def _json(status: int, body: object) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json")
