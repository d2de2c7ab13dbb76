"""The SP-API client as the service composes it: for dispatch, and for commands beside it.

Both take tokens from the store's buckets, so that a command can't make the service exceed a plan,
and both put their calls to the sellers' accounts.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import structlog
from aiohttp import ClientSession, DummyCookieJar, TCPConnector

from gateway.errors import StoreUnavailableError
from gateway.http1.client import Client
from gateway.http1.dialling import OpenDialler
from gateway.service import parts
from gateway.spapi.assembly import ClientNeeds, make_client
from gateway.usage import UsageCounter

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.model import Seller
    from gateway.settings import Settings
    from gateway.spapi.client import SpApiClient
    from gateway.spapi.directory import SellerDirectory
    from gateway.spapi.runner import CallMetrics
    from gateway.store import Store

_SELLERS_AT_ONCE = 200
_CONNECT_WITHIN_S = 10.0

_log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.service")


@asynccontextmanager
async def open_client(
    settings: Settings,
    store: Store,
    directory: SellerDirectory,
    *,
    clock: Clock,
    metrics: CallMetrics,
    usage: UsageCounter | None = None,
) -> AsyncIterator[SpApiClient]:
    """Open a client with connections of its own; `usage` has brought its counts in at the end.

    Raises:
        ConfigurationError: A usage plan of the settings can't be used.
    """
    usage = usage or UsageCounter(store.usage, clock)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(_flush_last, usage)
        session = await stack.enter_async_context(
            ClientSession(
                connector=TCPConnector(limit=settings.dispatch.concurrency * 2),
                cookie_jar=DummyCookieJar(),
            )
        )
        http = Client(
            OpenDialler(within_s=_CONNECT_WITHIN_S),
            connections=settings.dispatch.concurrency * 2,
        )
        stack.push_async_callback(http.aclose)
        yield make_client(
            ClientNeeds(
                session=session,
                http=http,
                directory=directory,
                buckets=store.buckets,
                clock=clock,
                metrics=metrics,
                usage=usage,
            ),
            parts.client_options(settings),
        )


async def _flush_last(usage: UsageCounter) -> None:
    """Bring the last counts into the store; a stop must not fail for them."""
    try:
        await usage.flush()
    except StoreUnavailableError as exc:
        _log.warning("usage.not_flushed", error=str(exc))


async def write_sellers(settings: Settings, store: Store) -> None:
    """Bring the applications and sellers of the settings into the store, sealed."""
    for application in parts.applications(settings):
        await store.sellers.put_application(application)
    configured = parts.sellers(settings)
    for start in range(0, len(configured), _SELLERS_AT_ONCE):
        # At once, so that they share commits: thousands of sellers must not delay the start.
        await asyncio.gather(
            *(
                _write_seller(store, seller, subscription_ids)
                for seller, subscription_ids in configured[start : start + _SELLERS_AT_ONCE]
            )
        )


async def _write_seller(store: Store, seller: Seller, subscription_ids: Sequence[str]) -> None:
    await store.sellers.give_seller(seller)
    for subscription_id in subscription_ids:
        await store.subscriptions.put(
            subscription_id, seller_id=seller.id, application_id=seller.application_id
        )
