"""Two plans at once: a seller's own, and the application's over all its sellers."""

import asyncio
from dataclasses import replace

import pytest

from gateway.model import UsagePlan
from gateway.spapi.catalog import Catalog
from gateway.spapi.directory import Caller
from gateway.spapi.plans import UsagePlans
from gateway.spapi.regions import Region
from gateway.spapi.throttle import CallDeferred, Throttle
from tests.support.buckets import AmazonsBucket, MemoryBuckets
from tests.support.virtual_time import VirtualClock

SELLERS = 6
CATALOG = Catalog.load()
SEARCH = replace(
    CATALOG.find("catalogItems.2022-04-01.searchCatalogItems"), application_rate_per_s=4.0
)
OWN = SEARCH.plan
SHARED = SEARCH.application_plan


class World:
    """Two replicas, Amazon's own count on both layers, and callers who never stop."""

    def __init__(self, lasts_s):
        self.clock = VirtualClock()
        self.lasts_s = lasts_s
        buckets = MemoryBuckets(self.clock)
        self.replicas = [
            Throttle(
                buckets=buckets,
                plans=UsagePlans(CATALOG),
                clock=self.clock,
                jitter=lambda: 0.5,
            )
            for _ in range(2)
        ]
        self.shared = AmazonsBucket(SHARED, self.clock)
        self.own = [AmazonsBucket(OWN, self.clock) for _ in range(SELLERS)]

    async def caller(self, seller, replica, patience_s):
        """Call again and again; where told to come back later, do, as a handling does."""
        caller = Caller(application_id="app", region=Region.EU, seller_id=f"S{seller}")
        slot = None
        while self.clock.monotonic_s() < self.lasts_s:
            try:
                await self.replicas[replica].take(SEARCH, caller, slot=slot, patience_s=patience_s)
            except CallDeferred as exc:
                slot = exc.slot
                await self.clock.sleep((exc.until_ms - self.clock.now_ms()) / 1000)
                continue
            slot = None
            assert self.own[seller].request(), "over the seller's plan"
            assert self.shared.request(), "over the application's plan"
            await asyncio.sleep(0)


@pytest.mark.parametrize("patience_s", [None, float("inf")], ids=["comes back", "waits"])
async def test_neither_plan_is_exceeded_and_no_seller_starves(patience_s):
    assert OWN is not None
    assert UsagePlan(rate_per_s=4.0, burst=4) == SHARED
    world = World(lasts_s=300)
    # One seller is ten times as busy as the others.
    busy = [0] * 20 + [seller for seller in range(SELLERS) for _ in range(2)]
    ended = await world.clock.run(
        *(world.caller(seller, n % 2, patience_s) for n, seller in enumerate(busy))
    )

    assert [exc for exc in ended if exc is not None] == []
    served = [bucket.served for bucket in world.own]
    assert sum(served) == world.shared.served
    assert world.shared.served >= 0.95 * SHARED.rate_per_s * 300
    assert min(served) >= 0.5 * sum(served) / SELLERS
