"""From settings to a running gateway: which objects there are, and how they go together.

Every part that is opened pushes its closing on one exit stack, so that a start that fails half-way
closes what it opened, and a stop closes in the reverse order.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from gateway.aws.credentials import ChainCredentials
from gateway.aws.factory import open_queue
from gateway.aws.secret_copies import SecretCopies, SecretsManager
from gateway.calls_made import CallLog
from gateway.delivery.deliverer import Deliverer
from gateway.delivery.resolver import SystemResolver
from gateway.dispatch.dispatcher import Dispatcher, Kept
from gateway.ingest.receiver import Receiver
from gateway.jobs.scheduler import Scheduler
from gateway.service import parts
from gateway.service.archiving import archive_kept
from gateway.service.bulk import operation_runner
from gateway.service.calls import open_client, write_sellers
from gateway.service.documents import open_library
from gateway.service.erasing import erasure_runner
from gateway.service.forgetting import Forgetting
from gateway.service.gauges import Gauges
from gateway.service.onboarding import Onboarding, onboarding_chores, open_onboarding
from gateway.service.opening import make_sender, open_store_for
from gateway.service.recorders import DeliveryRecorder, DispatchRecorder, QueueRecorder
from gateway.service.retaining import retention_run
from gateway.service.sellers import SellerBook
from gateway.service.signals import DELIVERIES, ENDPOINTS, HANDLINGS, SELLERS, Signals
from gateway.service.silence import arrival_notes, listener
from gateway.service.subscriptions import reconciler
from gateway.service.swept import (
    subjects_noted,
    sweep_schedules,
    sweep_settings,
    with_sweeps,
)
from gateway.spapi.calls import ApplicationCalls, SellerCalls
from gateway.spapi.client import SpApiClient
from gateway.sweep.sweeping import SweepDesk
from gateway.telemetry.metrics import Stage
from gateway.usage import UsageCounter
from gateway.worker.loop import Pace, Worker
from gateway.worker.periodic import Periodic

if TYPE_CHECKING:
    from gateway.aws.credentials import CredentialSource
    from gateway.clock import Clock
    from gateway.dispatch.registry import Registry
    from gateway.documents.library import Library
    from gateway.model import Seller
    from gateway.service.supervise import Part
    from gateway.settings import Settings
    from gateway.store import Store
    from gateway.telemetry.metrics import Metrics
    from gateway.worker.health import Health

_MESSAGES_IN_HAND = 50
_REAP_EVERY_S = 2.0
_GAUGES_EVERY_S = 15.0
_USAGE_EVERY_S = 10.0
_SCHEDULES_EVERY_S = 1.0
_OPERATIONS_EVERY_S = 0.25
_RETENTION_EVERY_S = 0.5
_ERASURES_EVERY_S = 0.5
_PRUNE_EVERY_S = 60.0
_ARCHIVE_EVERY_S = 5.0
_DAY_MS = 86_400_000
_FORGET_EVERY_S = 3_600.0
_COPY_EVERY_S = 60.0
_ONBOARDING_EVERY_S = {"sellers.check": 2.0, "sellers.warn": 3_600.0}
_HOLD_LIMIT = 1_000
# Looks at some hundred keys each; most gateways have none that need it.
_ORDER_LOOKS = 20


class Role(StrEnum):
    """A stage that a process may run; several processes may share the stages between them."""

    INGEST = "ingest"
    DISPATCH = "dispatch"
    DELIVERY = "delivery"


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """The running parts of one process.

    Attributes:
        parts: What runs until the stop, by name.
        healths: The health of everything that can be well or ill.
    """

    store: Store
    signals: Signals
    metrics: Metrics
    library: Library
    onboarding: Onboarding
    parts: Mapping[str, Part]
    healths: Callable[[], Sequence[Health]]


@dataclass(frozen=True, kw_only=True)
class _Base:
    """What every stage is built from."""

    settings: Settings
    registry: Registry
    store: Store
    signals: Signals
    clock: Clock
    metrics: Metrics
    stack: AsyncExitStack
    library: Library
    usage: UsageCounter
    onboarding: Onboarding
    healths: list[Health] = field(default_factory=list)

    def worker(self, stage: Any, pace: Pace, *topics: str) -> Worker[Any, Any]:
        """Return a worker that is woken by `topics`, its health noted."""
        made: Worker[Any, Any] = Worker(
            stage, pace, wake=self.signals.doorbell(*topics), clock=self.clock
        )
        self.healths.extend(made.healths)
        return made

    def periodic(self, name: str, action: Callable[[], Any], every_s: float) -> Periodic:
        """Return a chore, its health noted."""
        made = Periodic(name, action, every_s=every_s, clock=self.clock)
        self.healths.append(made.health)
        return made


@asynccontextmanager
async def open_gateway(
    settings: Settings,
    registry: Registry,
    roles: frozenset[Role],
    *,
    clock: Clock,
    metrics: Metrics,
    credentials: CredentialSource | None = None,
) -> AsyncIterator[Gateway]:
    """Open everything that `roles` need, and close it again; `credentials` are for the queues.

    Raises:
        ConfigurationError: The key ring, a usage plan or a declared subscription can't be used.
        SchemaOutdatedError: The database needs `gateway db upgrade`.
        StoreUnavailableError: The database can't be reached.
        InvalidInputError: A queue's URL or region can't be used.
    """
    async with AsyncExitStack() as stack:
        signals = Signals()
        opened = await open_store_for(settings, clock=clock, signals=signals)
        store = await stack.enter_async_context(opened)
        usage = UsageCounter(store.usage, clock)
        base = _Base(
            settings=settings,
            registry=with_sweeps(registry, _sweep_desk(settings, registry, store, clock, metrics)),
            store=store,
            signals=signals,
            clock=clock,
            metrics=metrics,
            stack=stack,
            library=await open_library(settings, store, stack, clock=clock, metrics=metrics),
            usage=usage,
            onboarding=await stack.enter_async_context(
                open_onboarding(settings, store, clock=clock, metrics=metrics.spapi, usage=usage)
            ),
        )
        await write_sellers(settings, store)
        running = await _stages(base, roles, credentials or ChainCredentials())
        running["gauges"] = base.periodic(
            "gauges", Gauges(store, metrics, clock).refresh, _GAUGES_EVERY_S
        )
        for role in roles:
            metrics.stages.up[Stage(role.value)].set(1)
        yield Gateway(
            store=store,
            signals=signals,
            metrics=metrics,
            library=base.library,
            onboarding=base.onboarding,
            parts=running,
            healths=lambda: base.healths,
        )


async def _stages(
    base: _Base, roles: frozenset[Role], credentials: CredentialSource
) -> dict[str, Part]:
    running: dict[str, Part] = {}
    if Role.INGEST in roles:
        running.update(_ingest(base, credentials))
    if Role.DISPATCH in roles:
        running.update(await _dispatch(base))
    if Role.DELIVERY in roles:
        running.update(await _delivery(base))
    return running


def _sweep_desk(
    settings: Settings, registry: Registry, store: Store, clock: Clock, metrics: Metrics
) -> SweepDesk:
    return SweepDesk(
        inbox=store.inbox,
        sweeps=store.sweeps,
        owed=registry.owed,
        recorder=metrics.sweep,
        clock=clock,
        settings=sweep_settings(settings),
    )


def _ingest(base: _Base, credentials: CredentialSource) -> Mapping[str, Part]:
    running: dict[str, Part] = {}
    notes = arrival_notes(base.settings)
    for configured in base.settings.queues:
        queue = open_queue(
            configured.url,
            region=configured.region,
            endpoint_url=configured.endpoint_url,
            adapter=configured.adapter,
            credentials=credentials,
            clock=base.clock,
        )
        base.stack.push_async_callback(queue.aclose)
        name = parts.queue_name(configured.url)
        receiver = Receiver(
            queue,
            base.store.inbox,
            base.registry.owed,
            source=name,
            wait_s=configured.wait_s,
            visibility_s=configured.visibility_s,
            clock=base.clock,
            recorder=QueueRecorder(base.metrics.ingest, name),
            subject=subjects_noted(base.settings),
            notes=notes,
        )
        pace = Pace(
            capacity=_MESSAGES_IN_HAND * configured.concurrency,
            claimers=configured.concurrency,
            poll_s=0.0,
            extend_s=configured.visibility_s / 2,
            inline=True,
        )
        running[receiver.name] = base.worker(receiver, pace)
    return running


class _SellersOfClient(SellerBook):
    """The seller book, with calls in a seller's name."""

    client: SpApiClient

    def calls(self, seller: Seller, *, slot: str | None, log: CallLog) -> SellerCalls:
        """Return SP-API calls in the seller's name."""
        return self.client.for_seller(seller.id, seller.region, slot=slot, log=log)

    async def application_calls(
        self, client_id: str, *, slot: str | None, log: CallLog
    ) -> ApplicationCalls:
        """Return grantless calls, in a region where the application has a seller.

        Raises:
            NotFoundError: No application has this client id.
        """
        application_id, region = await self.application_of(client_id)
        return self.client.for_application(application_id, region, slot=slot, log=log)


async def _dispatch(base: _Base) -> Mapping[str, Part]:
    settings = base.settings
    sellers = _SellersOfClient(base.store.sellers, clock=base.clock)
    sellers.client = await base.stack.enter_async_context(
        open_client(
            settings,
            base.store,
            sellers,
            clock=base.clock,
            metrics=base.metrics.spapi,
            usage=base.usage,
        )
    )
    dispatcher = Dispatcher(
        base.registry,
        base.store.handlings,
        sellers,
        parts.dispatch_settings(settings),
        clock=base.clock,
        recorder=DispatchRecorder(base.metrics),
        kept=Kept(
            memories=base.store.memories,
            coalesced=base.store.coalesced,
            library=base.library,
        ),
    )
    base.metrics.dispatch.running.set_function(lambda: dispatcher.running)
    return {
        **_subscriptions(base, sellers.client),
        **await _archive(base),
        "dispatch": base.worker(dispatcher, dispatcher.pace, HANDLINGS),
        "handlings.reap": base.periodic("handlings.reap", base.store.handlings.reap, _REAP_EVERY_S),
        "usage.flush": base.periodic("usage.flush", base.usage.flush, _USAGE_EVERY_S),
        **_dispatch_chores(base),
    }


def _subscriptions(base: _Base, client: SpApiClient) -> Mapping[str, Part]:
    running: dict[str, Part] = {}
    wake = base.signals.doorbell(SELLERS)
    if kept := reconciler(base.settings, base.store, client, base.clock, wake=wake):
        base.healths.append(kept.health)
        running["subscriptions"] = kept
    if listens := listener(base.settings, base.store, base.clock):
        base.healths.append(listens.health)
        running["silence"] = listens
    return running


async def _archive(base: _Base) -> Mapping[str, Part]:
    kept = await archive_kept(
        base.settings, base.store, base.stack, clock=base.clock, metrics=base.metrics
    )
    if kept is None:
        return {}
    return {"archive": base.periodic("archive", kept.tick, _ARCHIVE_EVERY_S)}


def _dispatch_chores(base: _Base) -> Mapping[str, Part]:
    scheduler = Scheduler(
        [*parts.schedules(base.settings, base.registry), *sweep_schedules(base.settings)],
        base.store.inbox,
        base.store.schedule_runs,
        base.registry.owed_job,
        base.clock,
    )
    forgetting = Forgetting(base.store, base.settings, clock=base.clock)
    chores: dict[str, Part] = {}
    if places := parts.secret_places(base.settings):
        copies = SecretCopies(SecretsManager(), places, base.store.sellers.applications)
        chores["secrets.copy"] = base.periodic("secrets.copy", copies, _COPY_EVERY_S)
    onboarding = onboarding_chores(
        base.settings, base.store, base.onboarding, base.registry.owed_job, base.clock
    )
    for name, chore in onboarding.items():
        chores[name] = base.periodic(name, chore, _ONBOARDING_EVERY_S[name])
    operations = operation_runner(base.settings, base.store, base.registry, base.clock)
    erasures = erasure_runner(base.settings, base.store, base.library, base.clock)
    if base.settings.retention.enabled:
        retention = retention_run(
            base.settings, base.store, base.library, clock=base.clock, metrics=base.metrics
        )
        chores["retention"] = base.periodic("retention", retention.tick, _RETENTION_EVERY_S)
    return {
        **chores,
        "erasures": base.periodic("erasures", erasures.tick, _ERASURES_EVERY_S),
        "operations": base.periodic("operations", operations.tick, _OPERATIONS_EVERY_S),
        "schedules": base.periodic("schedules", scheduler.tick, _SCHEDULES_EVERY_S),
        "documents.expire": base.periodic("documents.expire", base.library.expire, _FORGET_EVERY_S),
        "memories.forget": base.periodic("memories.forget", forgetting, _FORGET_EVERY_S),
    }


async def _delivery(base: _Base) -> Mapping[str, Part]:
    settings = base.settings.delivery
    resolver = SystemResolver(base.clock)
    base.stack.callback(resolver.close)
    sender = await base.stack.enter_async_context(
        make_sender(base.settings, resolver, base.clock, connections=settings.concurrency)
    )
    deliverer = Deliverer(
        base.store.deliveries,
        base.store.endpoints,
        sender,
        parts.delivery_settings(base.settings),
        clock=base.clock,
        recorder=DeliveryRecorder(base.metrics),
    )
    base.metrics.delivery.in_flight.set_function(lambda: deliverer.in_flight)
    base.signals.on(ENDPOINTS, deliverer.endpoints_changed)

    async def hold() -> None:
        deliveries = base.store.deliveries
        await deliveries.hold_disabled(_HOLD_LIMIT)
        for _ in range(_ORDER_LOOKS):
            if await deliveries.keep_order() < 0:
                break

    async def prune() -> None:
        kept_ms = round(settings.pull_days * _DAY_MS)
        await base.store.feeds.prune(base.clock.now_ms() - kept_ms)

    pace = replace(deliverer.pace, extend_s=settings.lease_s / 3)
    return {
        "delivery": base.worker(deliverer, pace, DELIVERIES, ENDPOINTS),
        "deliveries.reap": base.periodic(
            "deliveries.reap", base.store.deliveries.reap, _REAP_EVERY_S
        ),
        "deliveries.hold": base.periodic("deliveries.hold", hold, _REAP_EVERY_S),
        "feeds.prune": base.periodic("feeds.prune", prune, _PRUNE_EVERY_S),
    }
