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


class AdminServer:
    """Serves routes on the admin port from `start` to `stop`."""

    def __init__(self, routes: Sequence[web.RouteDef], *, host: str, port: int) -> None:
        app = web.Application()
        app.add_routes(routes)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        self._host = host
        self._port = port

    @property
    def port(self) -> int:
        """The port that is listened on, known after `start`."""
        address = self._runner.addresses[0]
        port: int = address[1]
        return port

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            OSError: The address is in use or not this machine's.
        """
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()

    async def stop(self) -> None:
        """End, with a second for requests in flight."""
        await self._runner.cleanup()
