"""What the doctor looks through, made of settings: the store, who is known, and calls to Amazon.

Everything is opened for one examination, and when it is first asked for: a store that can't be
opened must not keep the doctor from looking at a queue.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Collection, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry

from gateway.delivery.egress import vet
from gateway.delivery.reach import reach, usable
from gateway.delivery.resolver import SystemResolver
from gateway.delivery.routes import make_route
from gateway.delivery.trust import trust_context
from gateway.errors import GatewayError, NotFoundError, SpApiRetryableError
from gateway.sealing import open_sealer
from gateway.service import parts
from gateway.service.calls import open_client, write_sellers
from gateway.service.opening import egress_policy
from gateway.service.signals import Signals
from gateway.service.subscriptions import reconciliation
from gateway.spapi.regions import Region
from gateway.spapi.throttle import CallDeferred
from gateway.store import open_store, schema_state
from gateway.subscriptions.amazon import AmazonSide
from gateway.subscriptions.reconciling import Mode
from gateway.telemetry.metrics import SpApiMetrics

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.doctor.trial import SandboxTest
    from gateway.endpoints import Endpoint
    from gateway.model import Application, Seller
    from gateway.settings import Settings
    from gateway.spapi.apis.notifications import Destination
    from gateway.spapi.client import SpApiClient
    from gateway.store import SchemaState, Store
    from gateway.subscriptions.desired import Declared
    from gateway.subscriptions.reconciling import Report, Scope

_PATIENCE_S = 5.0
# In the name of Amazon's hosts, and in the path of the local SP-API.
_SANDBOX = "sandbox"


class Door:
    """See `StoreDoor`: nothing is migrated, and no key ring is made.

    Args:
        settings: Which store.
        stack: Closes what is opened.
        store: One that is open already.
    """

    def __init__(
        self, settings: Settings, stack: AsyncExitStack, *, clock: Clock, store: Store | None
    ) -> None:
        self._settings = settings
        self._stack = stack
        self._clock = clock
        self._store = store
        self._once = asyncio.Lock()
        self.keys_file = str(settings.keys_file())

    async def state(self) -> SchemaState:
        """See `StoreDoor`."""
        return await schema_state(self._settings.store.url)

    async def open(self) -> Store:
        """See `StoreDoor`; it holds the sellers of the settings then, as for any command."""
        async with self._once:
            if self._store is None:
                self._store = await self._opened()
        return self._store

    async def _opened(self) -> Store:
        sealer = open_sealer(self._settings.keys_file(), clock=self._clock, create=False)
        opened = await open_store(
            self._settings.store.url,
            sealer=sealer,
            clock=self._clock,
            signals=Signals(),
            pool_size=2,
        )
        store = await self._stack.enter_async_context(opened)
        await write_sellers(self._settings, store)
        return store


class Known:
    """See `People`, and `SellerDirectory`; nobody is paused by being looked at."""

    def __init__(self, settings: Settings, door: Door) -> None:
        self._settings = settings
        self._door = door
        self._once = asyncio.Lock()
        self._read: tuple[Sequence[Application], Sequence[Seller]] | None = None

    async def applications(self) -> Sequence[Application]:
        """See `People`."""
        return (await self._all())[0]

    async def sellers(self) -> Sequence[Seller]:
        """See `People`."""
        return (await self._all())[1]

    async def application(self, application_id: str) -> Application:
        """See `SellerDirectory`."""
        for one in await self.applications():
            if one.id == application_id:
                return one
        raise NotFoundError(f"no application {application_id!r}; add it to [[applications]]")

    async def seller(self, seller_id: str, region: str | None = None) -> Seller:
        """See `SellerDirectory`; one that is known elsewhere only is asked about here all the same.

        Raises:
            NotFoundError: Nobody has this id.
        """
        rows = [one for one in await self.sellers() if one.id == seller_id]
        if not rows:
            raise NotFoundError(f"no seller {seller_id!r}")
        here = next((one for one in rows if region in {None, one.region}), None)
        return here or replace(rows[0], region=region or rows[0].region)

    async def pause(self, seller_id: str, region: str, reason: str) -> None:
        """See `SellerDirectory`."""

    async def _all(self) -> tuple[Sequence[Application], Sequence[Seller]]:
        async with self._once:
            if self._read is None:
                self._read = await self._stored() or (
                    parts.applications(self._settings),
                    [seller for seller, _ in parts.sellers(self._settings)],
                )
        return self._read

    async def _stored(self) -> tuple[Sequence[Application], Sequence[Seller]] | None:
        try:
            store = await self._door.open()
            return await store.sellers.applications(), await store.sellers.sellers()
        except GatewayError:  # check `store` tells why
            return None


class Amazon:
    """Calls to Amazon inside the usage plans, for the checks that make some."""

    def __init__(
        self,
        settings: Settings,
        stack: AsyncExitStack,
        door: Door,
        known: Known,
        *,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._stack = stack
        self._door = door
        self._known = known
        self._clock = clock
        self._once = asyncio.Lock()
        self._client: SpApiClient | None = None

    async def destinations(self, application_id: str, region: str) -> Sequence[Destination]:
        """See `DestinationsAtAmazon`."""
        return await AmazonSide(await self.client()).destinations(application_id, region)

    async def marketplaces(self, seller: Seller, region: str) -> Collection[str]:
        """See `Shops`."""
        client = await self.client()
        calls = client.for_seller(seller.id, region, patience_s=_PATIENCE_S)
        try:
            found = await calls.sellers.get_marketplace_participations()
        except CallDeferred as exc:
            operation = "sellers.v1.getMarketplaceParticipations"
            raise SpApiRetryableError(
                "the usage plan of getMarketplaceParticipations is used up for some minutes",
                operation=operation,
                seller_id=seller.id,
            ) from exc
        return {
            one.marketplace.id for one in found if one.participation.is_participating is not False
        }

    async def plan(self, declared: Declared, sellers: Sequence[Seller], scope: Scope) -> Report:
        """See `Planner`."""
        store = await self._door.open()
        goes = reconciliation(self._settings, store, await self.client(), self._clock)
        return await goes.run(declared, sellers, mode=Mode.PLAN, scope=scope)

    @property
    def there(self) -> bool:
        """See `Sandbox`."""
        urls = (self._settings.spapi.endpoint, *self._settings.spapi.endpoints.values())
        return any(_SANDBOX in urlsplit(url).netloc + urlsplit(url).path for url in urls if url)

    async def send_test(self, test: SandboxTest) -> None:
        """See `Sandbox`; any application will do, in a region of one of its sellers."""
        sellers, applications = await self._known.sellers(), await self._known.applications()
        if not applications:
            raise NotFoundError("no application is known; add it as [[applications]]")
        places = [(one.application_id, one.region) for one in sellers]
        application_id, region = min(places, default=(applications[0].id, Region.NA.value))
        client = await self.client()
        calls = client.for_application(application_id, region, patience_s=math.inf)
        await calls.notifications.send_test_notification(
            test.type, test.destination_id, test_scenario=test.scenario
        )

    async def client(self) -> SpApiClient:
        """Return the client, opened once."""
        async with self._once:
            if self._client is None:
                self._client = await self._stack.enter_async_context(
                    open_client(
                        self._settings,
                        await self._door.open(),
                        self._known,
                        clock=self._clock,
                        metrics=SpApiMetrics(CollectorRegistry()),
                    )
                )
        return self._client


class Guarded:
    """See `Reacher`: by the same guard, trust and certificates as attempts."""

    def __init__(self, settings: Settings, stack: AsyncExitStack, *, clock: Clock) -> None:
        delivery = settings.delivery
        self._policy = egress_policy(settings)
        self._timeout_s = min(delivery.timeout_s, 10.0)
        self._ca_file = delivery.ca_file
        self._resolver = SystemResolver(clock)
        stack.callback(self._resolver.close)
        self.proxied = delivery.proxy_url is not None

    async def reach(self, endpoint: Endpoint) -> str:
        """See `Reacher`."""
        route = make_route(endpoint, self._policy, timeout_s=self._timeout_s, ca_file=self._ca_file)
        if not self.proxied:
            trust = None if self._ca_file is None else trust_context(self._ca_file)
            return await reach(route, self._policy, self._resolver, trust=trust)
        return str((await vet(usable(route), self._policy, self._resolver))[0])
