"""The admin port of one process: probes for everybody, the HTTP API for those with a key."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from gateway.admin.api import AmazonDesk, Api
from gateway.admin.checking import GuardedEndpoints
from gateway.admin.downloads import Downloads
from gateway.admin.gate import Gate
from gateway.admin.openapi import document
from gateway.admin.server import AdminServer
from gateway.admin.serving import middleware, served
from gateway.admin.table import ROUTES
from gateway.admin.waiting import WaitingRoom
from gateway.delivery.resolver import SystemResolver
from gateway.errors import ConflictError
from gateway.jobs.desk import JobDesk
from gateway.retention.counting import CountsInTurn
from gateway.service.erasing import erasure_counting
from gateway.service.opening import egress_policy, make_sender
from gateway.service.signals import FEEDS
from gateway.service.subscriptions import declared

if TYPE_CHECKING:
    from aiohttp import web

    from gateway.admin.probes import Probes
    from gateway.clock import Clock
    from gateway.dispatch.registry import Registry
    from gateway.service.compose import Gateway
    from gateway.settings import Settings
    from gateway.telemetry.metrics import ApiMetrics

_TESTS_AT_ONCE = 16
_LOOK_UP_S = 3.0
_COUNT_S = 25.0  # proxies wait for 30 at least


@asynccontextmanager
async def open_admin(
    settings: Settings, probes: Probes, gateway: Gateway, registry: Registry, clock: Clock
) -> AsyncIterator[int]:
    """Serve the admin port; yields it.

    Raises:
        ConflictError: Somebody else listens there.
    """
    policy = egress_policy(settings)
    resolver = SystemResolver(clock, budget_s=_LOOK_UP_S, threads=2)
    release = version("spapi-event-gateway")
    waiting = WaitingRoom()
    gateway.signals.on(FEEDS, waiting.ring)
    try:
        async with make_sender(settings, resolver, clock, connections=_TESTS_AT_ONCE) as sender:
            api = Api(
                store=gateway.store,
                clock=clock,
                checks=GuardedEndpoints(policy, resolver, sender, clock),
                event_types=registry.event_types,
                jobs=JobDesk(registry, gateway.store.schedule_runs.active_sellers, clock),
                amazon=_amazon(settings),
                links=gateway.onboarding.links,
                erasures=CountsInTurn(
                    erasure_counting(settings, gateway.store, gateway.library, clock),
                    within_s=_COUNT_S,
                ),
                waiting=waiting,
                document=document(ROUTES, version=release),
            )
            open_routes = [*probes.routes(), *Downloads(gateway.library).routes()]
            if gateway.onboarding.authorising is not None:
                open_routes.extend(gateway.onboarding.authorising.routes())
            async with _listening(settings, open_routes, api, gateway.metrics.api) as port:
                try:
                    yield port
                finally:
                    waiting.close()
    finally:
        resolver.close()


def _amazon(settings: Settings) -> AmazonDesk:
    wanted = declared(settings)
    keeps = bool(wanted.subscriptions) and settings.reconcile.every_s > 0
    return AmazonDesk(declared=wanted, reconciles=keeps)


@asynccontextmanager
async def _listening(
    settings: Settings, open_routes: Sequence[web.RouteDef], api: Api, metrics: ApiMetrics
) -> AsyncIterator[int]:
    admin = settings.admin
    gate = Gate(api.store.api_keys, api.clock, rate_per_s=admin.rate_per_s, burst=admin.burst)
    server = AdminServer(
        [*open_routes, *served(ROUTES, api, gate)],
        host=admin.host,
        port=admin.port,
        middlewares=[middleware(api.clock, metrics)],
    )
    try:
        await server.start()
    except OSError as exc:
        raise ConflictError(
            f"admin.port {admin.port} on {admin.host}: {exc.strerror or exc}; "
            "set another one (SPGW_ADMIN__PORT)"
        ) from exc
    try:
        yield server.port
    finally:
        await server.stop()
