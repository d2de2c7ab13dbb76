"""Amazon's side as the service composes it: from settings to declarations, and who keeps them."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from gateway.clock import rfc3339
from gateway.errors import ConfigurationError
from gateway.jobs.requests import JobRequest, OwedJob, arrival_of, checked
from gateway.model import Origin
from gateway.service.ledger import AmazonLedger, by_the_gateway
from gateway.service.swept import with_sweeps
from gateway.subscriptions.amazon import AmazonSide
from gateway.subscriptions.declaration import Declaration, DeclaredDestination, Filters
from gateway.subscriptions.desired import Declared, faults_of
from gateway.subscriptions.reconciler import Reconciler, Rhythm
from gateway.subscriptions.reconciling import Reconciliation
from gateway.sweep.sweeping import JOB

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.model import Seller
    from gateway.service.ledger import Entries
    from gateway.settings import Settings
    from gateway.spapi.client import SpApiClient
    from gateway.store import Store
    from gateway.subscriptions.declaration import Unit
    from gateway.worker.stop import Wake


def declared(settings: Settings) -> Declared:
    """Return what the settings declare.

    Raises:
        ConfigurationError: Amazon would refuse some of it; every fault is told.
    """
    found = Declared(
        destinations=[
            DeclaredDestination(
                name=one.name,
                arn=one.arn,
                aws_region=one.aws_region,
                aws_account=one.aws_account,
                application_id=one.application,
                region=one.region,
            )
            for one in settings.destinations
        ],
        subscriptions=_declarations(settings),
    )
    faults = faults_of(found)
    if faults:
        raise ConfigurationError(faults)
    return found


def _declarations(settings: Settings) -> Sequence[Declaration]:
    return [
        Declaration(
            where=f"subscriptions[{number}]",
            types=one.type,
            destination=one.destination,
            seller_ids=one.sellers,
            tags=one.tags,
            application_id=one.application,
            region=one.region,
            filters=Filters(**one.filter.model_dump()) if one.filter else Filters(),
            filter_expression=one.filter_expression,
            payload_version=one.payload_version,
            silent_after_s=one.silent_after_s,
            seller_silent_after_s=one.seller_silent_after_s,
        )
        for number, one in enumerate(settings.subscriptions)
    ]


class SweptGaps:
    """Has the sweeps look for what was lost while nothing arrived, where they are set up to."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self._sweep = settings.sweep
        self._store = store
        self._clock = clock
        self._registry = with_sweeps(None, None)

    async def sweep(self, unit: Unit, since_ms: int) -> bool:
        """See `GapSweeps`. What is younger than the sweeps' grace is looked for after it."""
        if unit.type not in self._sweep.types:
            return False
        now_ms = self._clock.now_ms()
        options = {"type": unit.type, "since": rfc3339(since_ms)}
        seller = await self._store.sellers.seller(unit.seller_id, unit.region)
        request = JobRequest(
            job=JOB,
            seller_id=unit.seller_id,
            marketplace_id=next(iter(seller.marketplace_ids if seller else ()), None),
            origin=Origin.REQUEST,
            due_at_ms=now_ms + round(self._sweep.grace_s * 1000),
            options=checked(self._registry.job(JOB), options),
        )
        owed: OwedJob = self._registry.owed_job
        await self._store.inbox.accept([arrival_of(request, owed, now_ms)])
        return True


def reconciliation(
    settings: Settings,
    store: Store,
    client: SpApiClient,
    clock: Clock,
    entries: Entries | None = None,
) -> Reconciliation:
    """Return who goes through all sellers.

    Args:
        settings: What is declared, and how many sellers at once.
        store: What is known.
        client: For the calls.
        clock: Time.
        entries: Who makes the entries of the audit log; the gateway itself unless given.
    """
    return Reconciliation(
        amazon=AmazonSide(client),
        subscriptions=store.subscriptions,
        runs=store.subscription_runs,
        destinations=store.destinations,
        gaps=SweptGaps(settings, store, clock),
        clock=clock,
        owner=f"{socket.gethostname()}:{os.getpid()}",
        concurrency=settings.reconcile.concurrency,
        ledger=AmazonLedger(store, entries or by_the_gateway(clock)),
    )


class _SellersOfStore:
    """Who sellers are, as the store has them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def unsettled(self) -> Mapping[str, str]:
        """Return those whom calls are made for and nothing is in order of: ids, with their tags."""
        return await self._store.subscriptions.unsettled_sellers()

    async def all(self) -> Sequence[Seller]:
        """Return all of them."""
        return await self._store.sellers.sellers()


def reconciler(
    settings: Settings, store: Store, client: SpApiClient, clock: Clock, *, wake: Wake
) -> Reconciler | None:
    """Return what keeps Amazon's side as declared; None where nothing is, or it is off.

    `wake` rings when there may be a seller who is new.

    Raises:
        ConfigurationError: Amazon would refuse some of what is declared.
    """
    wanted = declared(settings)
    if not wanted.subscriptions or settings.reconcile.every_s == 0:
        return None
    return Reconciler(
        reconciliation(settings, store, client, clock),
        wanted,
        _SellersOfStore(store),
        store.subscription_runs,
        store.announcements.announce,
        Rhythm(every_s=settings.reconcile.every_s, apply=settings.reconcile.apply, wake=wake),
        clock=clock,
    )
