"""A gateway's side and Amazon's side, joined by real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.clock import Clock, SystemClock
from gateway.service.calls import open_client, write_sellers
from gateway.service.opening import open_store_for
from gateway.service.sellers import SellerBook
from gateway.service.signals import Signals
from gateway.service.subscriptions import declared, reconciliation
from gateway.settings import Settings
from gateway.simulator.apis.subscriptions import Subscription
from gateway.simulator.server import Simulator
from gateway.spapi.client import SpApiClient
from gateway.store import Store
from gateway.subscriptions.reconciling import Mode, Report, Scope
from tests.support.spapi import CountedCalls

QUEUE = "arn:aws:sqs:us-east-1:123456789012:notifications"
FAST = {"rate": 1000.0, "burst": 10_000}
NOTIFICATIONS = (
    "getSubscriptions",
    "createSubscription",
    "deleteSubscriptionById",
    "getDestinations",
    "createDestination",
    "deleteDestination",
)
MAIN = {"name": "main", "arn": QUEUE}
BUS = {"name": "bus", "aws_region": "us-east-1", "aws_account": "123456789012"}
ORDERS = {
    "type": "ORDER_CHANGE",
    "filter": {"order_change_types": ["OrderStatusChange"]},
    "destination": "main",
}
HEALTH = {"type": "PRICING_HEALTH", "destination": "main"}


@dataclass
class World:
    """One gateway's settings, store and client beside a simulator."""

    simulator: Simulator
    settings: Settings
    store: Store
    client: SpApiClient
    clock: Clock

    async def run(
        self,
        *subscriptions: Mapping[str, Any],
        mode: Mode = Mode.APPLY,
        destinations: Sequence[Mapping[str, Any]] = (MAIN, BUS),
        concurrency: int = 8,
        scope: Scope | None = None,
        **more: Any,
    ) -> Report:
        """Go through all sellers with other declarations."""
        wanted = Settings.model_validate(
            {
                "subscriptions": subscriptions,
                "destinations": destinations,
                "reconcile": {"concurrency": concurrency},
            }
        )
        names = ("subscriptions", "destinations", "reconcile")
        settings = self.settings.model_copy(update={name: getattr(wanted, name) for name in names})
        goes = reconciliation(settings, self.store, self.client, self.clock)
        return await goes.run(
            declared(settings), await self.store.sellers.sellers(), mode=mode, scope=scope, **more
        )

    def there(self, kind: str | None = None) -> Sequence[Subscription]:
        """What Amazon has."""
        every = self.simulator.apis.subscriptions.all()
        return [one for one in every if kind in {None, one.type}]

    def forget(self, subscription_id: str) -> None:
        """Delete a subscription behind the gateway's back."""
        del self.simulator.apis.subscriptions._by_id[subscription_id]

    def calls(self, operation: str) -> int:
        """How many calls of an operation came in."""
        return sum(
            calls.count
            for caller, calls in self.simulator.calls.items()
            if caller.operation.endswith(operation)
        )

    def throttled(self) -> int:
        """How many calls were one too many."""
        return sum(calls.throttled for calls in self.simulator.calls.values())


@asynccontextmanager
async def open_world(
    folder: Path, simulator: Simulator, *, fast: bool = True, **tables: Any
) -> AsyncIterator[World]:
    """Open a gateway's store and client beside a running simulator."""
    told = simulator.describe()
    plans = dict.fromkeys(NOTIFICATIONS, FAST) if fast else {}
    settings = Settings.model_validate(
        {
            "store": {"url": f"sqlite:///{folder / 'gateway.db'}"},
            "spapi": {
                "endpoint": told["spapi"],
                "lwa_endpoint": told["lwa"],
                "usage_plans": plans,
            },
            "applications": [
                {"id": "main", **{key: one[key] for key in ("client_id", "client_secret")}}
                for one in told["applications"][:1]
            ],
            "sellers": [{**one, "application": "main"} for one in told["sellers"]],
            **tables,
        }
    )
    clock = SystemClock()
    async with await open_store_for(settings, clock=clock, signals=Signals()) as store:
        await write_sellers(settings, store)
        async with open_client(
            settings,
            store,
            SellerBook(store.sellers, clock=clock),
            clock=clock,
            metrics=CountedCalls(),
        ) as client:
            yield World(simulator, settings, store, client, clock)
