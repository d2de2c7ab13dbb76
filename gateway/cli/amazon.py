"""What the commands about Amazon's side share: store, client, and the sellers of the settings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TypeVar

from prometheus_client import CollectorRegistry

from gateway.cli.context import opened_store, run, settings_of
from gateway.cli.invocation import Invocation
from gateway.clock import Clock
from gateway.service.calls import open_client, write_sellers
from gateway.service.sellers import SellerBook
from gateway.settings import Settings
from gateway.spapi.client import SpApiClient
from gateway.store import Store
from gateway.telemetry.metrics import SpApiMetrics

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What such a command works with."""

    settings: Settings
    store: Store
    client: SpApiClient


def opened_client(
    settings: Settings, store: Store, *, clock: Clock
) -> AbstractAsyncContextManager[SpApiClient]:
    """Return a client of the command's own, open while entered; nobody reads its metrics."""
    return open_client(
        settings,
        store,
        SellerBook(store.sellers, clock=clock),
        clock=clock,
        metrics=SpApiMetrics(CollectorRegistry()),
    )


def with_amazon(invocation: Invocation, work: Callable[[Opened], Awaitable[T]]) -> T:
    """Do `work` with an open store that holds the sellers of the settings, and a client."""
    settings = settings_of(invocation)

    async def opened() -> T:
        async with opened_store(invocation, settings) as store:
            await write_sellers(settings, store)
            async with opened_client(settings, store, clock=invocation.clock) as client:
                return await work(Opened(settings=settings, store=store, client=client))

    return run(opened())
