"""A bad day, and the three commands after it: every customer ends with what Amazon's side holds.

What is real: the gateway's processes and their SIGKILLs, the command line, SQS and SP-API over
HTTP, signed webhooks over HTTP, and each notification, which goes all the way. What stands for a
day: an hour is a twenty-fourth of the day's notifications, sent in order and as fast as the machine
takes them, with event times that are spread over 24 hours. Six hours outlast the schedules, which
are cut to fit: a handling has three tries within a second, a delivery one. The breaker's first
probe after 30 s is no setting, so it is as long as ever. The local usage plan of getOrder is far
above Amazon's.

From 8 to 14 o'clock two customers are in trouble. Of one, nothing answers: the first deliveries
die, then the breaker opens, and the others wait and come by themselves once it is back. Of the
other, one of four servers is broken: no breaker opens, and every fourth delivery dies. From 10 to
12 a handler with a bug is deployed: it fails on some orders, and tells something wrong of others.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from gateway.clock import SystemClock, rfc3339
from gateway.model import DeliveryState
from gateway.operations import OperationState
from gateway.sealing import open_sealer
from gateway.store import Store, open_store, upgrade
from tests.support.processes import GatewayProcess
from tests.support.shop import HANDLER, HOURS, SELLERS, SHOP, SHOP_WITH_A_BUG, Customer, Day
from tests.support.world import World, open_world, pause

pytestmark = [pytest.mark.acceptance]

CLOCK = SystemClock()
SILENT, LAME = SELLERS[1], SELLERS[2]
SETTINGS: dict[str, Any] = {
    "modules": ["shop", "handlers.passthrough"],
    "dispatch": {"timeout_s": 20.0, "lease_s": 25.0, "schedule": [0, 0.1, 0.2], "concurrency": 64},
    "delivery": {"timeout_s": 20.0, "lease_s": 25.0, "schedule": [0]},
}


class Unsignalled:
    def notify(self, topic: str) -> None: ...


@dataclass
class Run:
    """One day under way: its world, the gateway's process, and a look into the store."""

    world: World
    day: Day
    store: Store
    patience_s: float
    process: GatewayProcess | None = None
    at: dict[str, float] = field(default_factory=dict)

    async def deploy(self, shop: str) -> None:
        """Install a version of the handler and restart."""
        if self.process is not None:
            assert await self.process.terminate(60) == 0, self.process.tail()
        (self.world.folder.folder / "shop.py").write_text(shop)
        await self.start()

    async def start(self) -> None:
        self.process = self.world.folder.start()
        await self.process.ready(self.patience_s)

    async def until(self, hour: int) -> None:
        """Let the day pass until that hour, and all that came in be handled, well or not."""
        for bodies in self.day.until(hour):
            await self.world.send(bodies)
        await self.wait(self._is_handled, f"the handlings until {hour} o'clock")
        self.at[f"{hour} o'clock"] = time.monotonic()

    async def wait(self, done: Any, what: str) -> None:
        deadline = time.monotonic() + self.patience_s
        while not await done():
            assert self.process is not None
            if self.process.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"still waiting for {what}:\n{self.process.tail()}")
            await pause(0.1)

    async def is_delivered(self) -> bool:
        work = (await self.store.queries.counts()).deliveries
        return work.ready + work.waiting + work.parked + work.leased == 0

    async def _is_handled(self) -> bool:
        queue = await self.world.sqs.get_queue_attributes(
            QueueUrl=self.world.queue_url,
            AttributeNames=[
                "ApproximateNumberOfMessages",
                "ApproximateNumberOfMessagesNotVisible",
            ],
        )
        if any(int(count) for count in queue["Attributes"].values()):
            return False
        work = (await self.store.queries.counts()).handlings
        return work.ready + work.waiting + work.parked + work.leased == 0


@pytest.mark.timeout(900)
async def test_three_commands_mend_a_bad_day(tmp_path: Path) -> None:
    await a_bad_day(tmp_path, count=2_400, store_url=None, patience_s=300)


@pytest.mark.soak
@pytest.mark.timeout(7200)
async def test_three_commands_mend_a_bad_day_of_two_hundred_thousand(
    tmp_path: Path, store_url: str | None
) -> None:
    await a_bad_day(tmp_path, count=200_000, store_url=store_url, patience_s=1800)


async def a_bad_day(
    tmp_path: Path, *, count: int, store_url: str | None, patience_s: float
) -> None:
    async with running(tmp_path, count, store_url, patience_s) as run:
        customers = add_customers(run.world)
        await run.deploy(SHOP)
        await run.until(8)
        trouble_at = rfc3339(CLOCK.now_ms())
        run.world.receiver.status[f"/{SILENT}"] = 503
        run.world.receiver.refuses[f"/{LAME}"] = lambda body: crc32(body) % 4 == 0
        await run.until(10)
        bug_at = rfc3339(CLOCK.now_ms())
        await run.deploy(SHOP_WITH_A_BUG)
        await run.until(12)
        await run.deploy(SHOP)
        mended_at = rfc3339(CLOCK.now_ms())
        await run.until(14)
        run.world.receiver.status.clear()
        run.world.receiver.refuses.clear()
        await run.until(HOURS)
        assert wrong(run.day, customers)[SELLERS[0]], "the day did no harm: nothing is shown"
        await recover(run, trouble_at, bug_at, mended_at)
        assert not any(wrong(run.day, customers).values())
        await all_arrived(run, customers)
        report(run)


@asynccontextmanager
async def running(
    tmp_path: Path, count: int, store_url: str | None, patience_s: float
) -> AsyncIterator[Run]:
    async with open_world(tmp_path, store_url=store_url, **SETTINGS) as world:
        (tmp_path / "shop.py").write_text(SHOP)
        await upgrade(world.folder.store_url)
        sealer = open_sealer(tmp_path / "sealing.keys", clock=CLOCK, create=True)
        async with await open_store(
            world.folder.store_url, sealer=sealer, clock=CLOCK, signals=Unsignalled()
        ) as store:
            run = Run(world, Day(count, world.simulator), store, patience_s)
            run.at["midnight"] = time.monotonic()
            try:
                yield run
            finally:
                if run.process is not None:
                    run.process.stop()


def add_customers(world: World) -> dict[str, Customer]:
    """Give each seller's customer an endpoint that gets that seller's events."""
    customers = {seller: Customer() for seller in SELLERS}
    for seller, customer in customers.items():
        world.receiver.received[f"/{seller}"] = customer
        world.add_endpoint(f"/{seller}", "--seller", seller, "--concurrency", "16")
    return customers


async def recover(run: Run, trouble_at: str, bug_at: str, mended_at: str) -> None:
    """The three commands, with three kills while the gateway is at it."""
    replay = ("replay", "start", "--from", bug_at, "--to", mended_at, "--handler", HANDLER)
    commands = (
        (*replay, "--state", "dead"),
        (*replay, "--state", "handled"),
        ("redeliver", "--since", trouble_at, "--state", "failed"),
    )
    started: list[str] = []
    selected = 0
    for command in commands:
        found = await cli(run, *command, "--dry-run")
        assert found["count"] > 0, command
        selected += found["count"]
        # Slow enough that the kills come in the middle.
        rate = max(1.0, found["count"] / 12)
        started.append((await cli(run, *command, "--rate", f"{rate:.2f}"))["id"])
    run.at["commands"] = time.monotonic()
    for part in (1, 2, 3):
        await run.wait(
            lambda part=part: come_to(run, started, selected * part // 5), "the recovery"
        )
        assert await are_running(run, started)
        assert run.process is not None
        run.process.kill()
        await run.start()
        run.at[f"kill {part}"] = time.monotonic()

    async def ended() -> bool:
        return not await are_running(run, started) and await run.is_delivered()

    await run.wait(ended, "the end of the recovery")
    run.at["recovered"] = time.monotonic()
    for one in started:
        operation = await run.store.operations.get(one)
        assert operation.state is OperationState.FINISHED
        assert operation.skipped == 0


async def come_to(run: Run, operations: list[str], count: int) -> bool:
    return sum([(await run.store.operations.get(one)).done for one in operations]) >= count


async def are_running(run: Run, operations: list[str]) -> bool:
    found = [await run.store.operations.get(one) for one in operations]
    return any(one.state is OperationState.RUNNING for one in found)


async def cli(run: Run, *command: str) -> Any:
    # In a thread: the local SP-API and the customers answer in this one.
    return await asyncio.to_thread(run.world.folder.cli, *command)


def wrong(day: Day, customers: dict[str, Customer]) -> dict[str, dict[str, tuple[Any, str]]]:
    """Return by seller which orders the customer knows otherwise than Amazon's side holds them."""
    return {
        seller: {
            order: (customer.orders.get(order), status)
            for order, status in day.truth(seller).items()
            if customer.orders.get(order, ("", "", ""))[2] != status
        }
        for seller, customer in customers.items()
    }


async def all_arrived(run: Run, customers: dict[str, Customer]) -> None:
    """Each customer got every event that was published for it, and none of another's."""
    owed: dict[str, set[str]] = {one["id"]: set() for one in run.world.endpoints.values()}
    after = None
    while page := await run.store.lists.deliveries(after=after, limit=500):
        after = page[-1].id
        for one in page:
            assert one.state is DeliveryState.DELIVERED, one
            owed[one.endpoint_id].add(one.event_id)
    for seller, customer in customers.items():
        assert set(customer.ids) == owed[run.world.endpoints[f"/{seller}"]["id"]]
        assert not customer.unverified
        offers = {one for one in run.day.sent[seller] if int(one[4:]) % 5}
        assert offers <= customer.notifications
    assert run.world.throttled() == 0


def report(run: Run) -> None:
    moments = list(run.at.items())
    spent = [
        f"{name} after {at - before:.0f} s"
        for (_, before), (name, at) in itertools.pairwise(moments)
    ]
    print(f"{run.day.count} notifications: {', '.join(spent)}")
