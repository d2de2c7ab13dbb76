"""One `gateway run`: lock, open, serve the probes, run the stages, drain, close, exit code."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

import structlog
import uvloop

from gateway.admin.probes import Probes
from gateway.clock import SystemClock
from gateway.dispatch.registry import load_registry
from gateway.service import parts
from gateway.service.admin import open_admin
from gateway.service.compose import Gateway, Role, open_gateway
from gateway.service.supervise import run_together, stop_on_signals
from gateway.store import acquire_service_lock
from gateway.telemetry.metrics import CONTENT_TYPE, Metrics
from gateway.worker.stop import Stop

if TYPE_CHECKING:
    from gateway.aws.credentials import CredentialSource
    from gateway.clock import Clock
    from gateway.settings import Settings

_log = structlog.get_logger("gateway.service")

ALL_ROLES = frozenset(Role)

# Work makes hardly any cycles, but many objects that live for milliseconds; with Python's own
# thresholds the collector walks them again and again, for a tenth of the CPU.
_COLLECT_AFTER = (20_000, 20, 10)


def run(settings: Settings, roles: frozenset[Role] = ALL_ROLES) -> int:
    """Run the gateway until a signal stops it; return the exit code: 0, or 1 after a crash.

    Raises:
        HandlerRegistrationError: Handler modules can't be loaded.
        ConflictError: Another gateway runs on the same SQLite file, or the admin port is taken.
        ConfigurationError, SchemaOutdatedError, DependencyError, InvalidInputError: See
            `open_gateway`.
    """
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)
    return uvloop.run(_run(settings, roles))


async def _run(settings: Settings, roles: frozenset[Role]) -> int:
    stop = Stop()
    drain_s = settings.service.drain_s
    with stop_on_signals(stop, drain_s=drain_s):
        clean = await serve(settings, roles, stop)
    _log.info("service.stopped", clean=clean)
    return 0 if clean else 1


async def serve(
    settings: Settings,
    roles: frozenset[Role],
    stop: Stop,
    *,
    clock: Clock | None = None,
    credentials: CredentialSource | None = None,
    ready: Callable[[Gateway, int], None] | None = None,
) -> bool:
    """Run the gateway until `stop` is requested; return whether no part crashed.

    Args:
        settings: What to run.
        roles: Which stages.
        stop: Ends it.
        clock: The system's, unless given.
        credentials: For the queues; AWS's standard chain, unless given.
        ready: Called with the gateway and the admin port once everything is open.
    """
    clock = clock or SystemClock()
    metrics = Metrics(version=version("spapi-event-gateway"))
    registry = load_registry(settings.handlers.modules)
    async with (
        _only_one(settings),
        open_gateway(
            settings, registry, roles, clock=clock, metrics=metrics, credentials=credentials
        ) as gateway,
    ):
        await _free_leases(settings, gateway)
        phase = _Phase(stop)
        probes = Probes(
            parts=gateway.healths, phase=phase, metrics=metrics, metrics_type=CONTENT_TYPE
        )
        async with open_admin(settings, probes, gateway, registry, clock) as port:
            _log.info(
                "service.started",
                roles=sorted(roles),
                admin_port=port,
                **parts.known_settings(settings),
            )
            if ready is not None:
                ready(gateway, port)
            phase.started = True
            return await run_together(gateway.parts, stop, drain_s=settings.service.drain_s)


class _Phase:
    """Whether the process starts, runs or drains."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self.started = False

    def __call__(self) -> str:
        if self._stop.requested:
            return "draining"
        return "running" if self.started else "starting"


@asynccontextmanager
async def _only_one(settings: Settings) -> AsyncIterator[None]:
    """Hold the SQLite file for this process; PostgreSQL is shared."""
    database = settings.database_file()
    if database is None:
        yield
        return
    lock = acquire_service_lock(database)
    try:
        yield
    finally:
        lock.release()


async def _free_leases(settings: Settings, gateway: Gateway) -> None:
    """On SQLite nobody else can hold a claim, so those of a killed process are free at once."""
    if settings.database_file() is None:
        return
    await gateway.store.handlings.release_all()
    await gateway.store.deliveries.release_all()
    await gateway.store.operations.release_all()
    await gateway.store.erasures.release_all()
    await gateway.store.archive_runs.release_all()
