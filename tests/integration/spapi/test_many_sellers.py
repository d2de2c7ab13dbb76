"""Two hundred tasks of twenty sellers, through 429 storms and tokens that end early."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

import aiohttp
import pytest

from gateway.errors import SpApiRetryableError
from gateway.model import Application, UsagePlan
from gateway.model import Seller as OurSeller
from gateway.simulator.server import Simulator
from gateway.simulator.spapi.accounts import Seller
from gateway.spapi.assembly import ClientNeeds, ClientOptions, make_client
from tests.support.buckets import MemoryBuckets
from tests.support.spapi import CountedCalls, FakeDirectory
from tests.support.ticking_clock import TickingClock

PLAN = UsagePlan(rate_per_s=2.0, burst=5)
SELLERS, TASKS_EACH = 20, 10
LASTS_S = 40.0
TOKEN_LIFE_S = 20
LATE_S = TOKEN_LIFE_S * 3 / 4  # from here on one call renews the token
TRAVEL_S = 2.0  # of a token request, by a clock that doesn't wait for it
ENDED_EARLY_S = (8.0, 30.0)
STORMS = ((4.0, 6.0, 1.0), (14.0, 22.0, 0.5))  # from, to, chance
ENOUGH = 1_000_000
GET_ORDER = "orders.2026-01-01.getOrder"


@dataclass
class World:
    clock: TickingClock
    simulator: Simulator
    client: object
    tokens: list[tuple[str, float]] = field(default_factory=list)
    answered: Counter[tuple[str, int]] = field(default_factory=Counter)
    storm_429s: int = 0
    given_up: int = 0

    async def task(self, seller_id, number):
        """Call again and again, as long as it lasts."""
        calls = self.client.for_seller(seller_id, patience_s=float("inf"))
        order_id = self.simulator.orders.an_id(seller_id, 1)
        while self.clock.monotonic_s() < LASTS_S:
            try:
                await calls.call(GET_ORDER, orderId=order_id)
            except SpApiRetryableError:
                self.given_up += 1
            else:
                self.answered[seller_id, number] += 1

    async def storm(self, from_s, to_s, chance):
        await self.clock.sleep(from_s)
        fault = self.simulator.faults.add("status=429", chance=chance, times=ENOUGH)
        await self.clock.sleep(to_s - from_s)
        self.simulator.faults.clear()
        self.storm_429s += ENOUGH - fault.times

    async def end_tokens(self, at_s):
        await self.clock.sleep(at_s)
        self.simulator.accounts.expire_tokens()


@pytest.fixture
async def world(monkeypatch):
    clock = TickingClock()
    names = [f"SELLER{number:02}" for number in range(SELLERS)]
    sellers = [Seller(id=name, region="eu", refresh_token=f"Atzr|{name}") for name in names]
    async with (
        Simulator(
            sellers=sellers,
            usage_plans={"getOrder": PLAN},
            strict=True,
            token_life_s=TOKEN_LIFE_S,
            clock=clock,
        ) as simulator,
        aiohttp.ClientSession() as session,
    ):
        (application,) = simulator.applications
        client = make_client(
            ClientNeeds(
                session=session,
                directory=FakeDirectory(
                    sellers={
                        one.id: OurSeller(
                            id=one.id,
                            application_id=application.id,
                            region=one.region,
                            refresh_token=one.refresh_token,
                        )
                        for one in sellers
                    },
                    applications={
                        application.id: Application(
                            id=application.id,
                            client_id=application.client_id,
                            client_secret=application.client_secret,
                        )
                    },
                ),
                buckets=MemoryBuckets(clock),
                clock=clock,
                metrics=CountedCalls(),
            ),
            ClientOptions(
                endpoint=simulator.spapi_url,
                lwa_endpoint=simulator.lwa_url,
                usage_plans={"getOrder": PLAN},
            ),
        )
        made = World(clock=clock, simulator=simulator, client=client)
        issue = simulator.accounts.issue

        def noted(application_id, **whose):
            made.tokens.append((whose["seller"].id, clock.monotonic_s()))
            return issue(application_id, **whose)

        monkeypatch.setattr(simulator.accounts, "issue", noted)
        yield made


async def test_plans_hold_tokens_are_asked_for_once_and_nobody_starves(world):
    sellers = [seller.id for seller in world.simulator.sellers]
    async with world.clock.ticking():
        await asyncio.gather(
            *(world.task(seller, n) for seller in sellers for n in range(TASKS_EACH)),
            *(world.storm(*storm) for storm in STORMS),
            *(world.end_tokens(at_s) for at_s in ENDED_EARLY_S),
        )

    calls = {caller.seller: found for caller, found in world.simulator.calls.items()}
    # Every 429 was one of the storms': the simulator's own buckets refused nobody.
    assert world.storm_429s > SELLERS
    assert sum(found.throttled for found in calls.values()) == world.storm_429s

    for seller in sellers:
        asked = [at_s for whose, at_s in world.tokens if whose == seller]
        for before_s, after_s in pairwise(asked):
            ended = any(before_s <= at_s <= after_s for at_s in ENDED_EARLY_S)
            assert ended or after_s - before_s >= LATE_S - TRAVEL_S, f"{seller} asked at {asked}"
        assert len(asked) <= 2 + len(ENDED_EARLY_S) + LASTS_S // (LATE_S - TRAVEL_S)

    per_seller = {
        seller: sum(world.answered[seller, n] for n in range(TASKS_EACH)) for seller in sellers
    }
    plenty = PLAN.burst + PLAN.rate_per_s * world.clock.monotonic_s()
    assert max(per_seller.values()) <= plenty
    assert min(per_seller.values()) >= 0.3 * plenty
    assert min(per_seller.values()) >= 0.5 * max(per_seller.values())
    assert min(world.answered[seller, n] for seller in sellers for n in range(TASKS_EACH)) >= 1
