"""Several processes on one PostgreSQL, as several stores: claims, keys, signals, lost connections."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import asyncpg
import pytest

from gateway.errors import StoreUnavailableError
from gateway.model import Verdict
from gateway.store import open_store
from tests.conformance.store.world import FakeClock, FakeSealer, RecordedSignals, World
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.postgres

DEADLINE_S = 20.0


class HeardSignals(RecordedSignals):
    def __init__(self) -> None:
        super().__init__()
        self.heard = asyncio.Event()

    def notify(self, topic: str) -> None:
        super().notify(topic)
        self.heard.set()


@pytest.fixture
async def replicas(postgres_server: PostgresServer) -> AsyncIterator[list[World]]:
    url = await postgres_server.emptied_database()
    async with AsyncExitStack() as stack:
        worlds = []
        for _ in range(3):
            clock = FakeClock()
            store = await stack.enter_async_context(
                await open_store(url, sealer=FakeSealer(), clock=clock, signals=HeardSignals())
            )
            worlds.append(World(store, clock))
        yield worlds


async def test_no_row_is_claimed_twice(replicas: list[World]) -> None:
    first = replicas[0]
    await first.endpoint()
    await first.accept(*[first.arrival(seller=f"s{n % 7}") for n in range(200)])
    claimed: list[str] = []

    async def work(world: World) -> None:
        while claims := (await world.claim(9)).items:
            claimed.extend(c.id for c in claims)
            await world.settle(*[world.result(c, events=[world.event()]) for c in claims])

    await asyncio.gather(*[work(w) for w in replicas for _ in range(2)])
    # A claim may come back empty while others hold the rows it saw; what is left is still there.
    await work(first)
    assert len(claimed) == len(set(claimed)) == 200
    delivered: list[str] = []

    async def deliver(world: World) -> None:
        while claims := (await world.claim_deliveries(9)).items:
            delivered.extend(c.id for c in claims)
            await world.store.deliveries.settle([world.attempt(c) for c in claims])

    await asyncio.gather(*[deliver(w) for w in replicas for _ in range(2)])
    await deliver(first)
    assert len(delivered) == len(set(delivered)) == 200


async def test_duplicates_that_come_to_all_at_once_are_kept_once(replicas: list[World]) -> None:
    names = [f"n{number}" for number in range(40)]
    batches = [
        world.accept(*[world.arrival(name) for name in names[:: 1 if turn % 2 else -1]])
        for turn, world in enumerate(replicas * 4)
    ]
    verdicts = Counter(v for batch in await asyncio.gather(*batches) for v in batch)
    assert verdicts == {Verdict.ACCEPTED: 40, Verdict.DUPLICATE: 40 * 11}


@pytest.mark.parametrize("coalesce", [False, True])
async def test_keys_keep_one_head_while_all_race(replicas: list[World], coalesce: bool) -> None:
    """Accepts, claims and ends of few keys at once: nothing may be left parked for ever."""
    running: Counter[str] = Counter()
    ended = 0

    async def feed(world: World) -> None:
        for number in range(30):
            await world.keyed(f"k{number % 3}", coalesce=coalesce, at=number)

    async def work(world: World, fed: asyncio.Task[None]) -> None:
        nonlocal ended
        while True:
            last = fed.done()
            claims = (await world.claim(5)).items
            for claimed in claims:
                running[claimed.key or ""] += 1
                assert running[claimed.key or ""] == 1
            await asyncio.sleep(0)
            for claimed in claims:
                running[claimed.key or ""] -= 1
            await world.settle(*[world.result(c) for c in claims])
            ended += len(claims)
            if last and not claims:
                return

    feeders = [asyncio.create_task(feed(w)) for w in replicas]
    fed = asyncio.create_task(_all(feeders))
    await asyncio.gather(*[work(w, fed) for w in replicas for _ in range(2)], fed)
    world = replicas[0]
    while claims := (await world.claim()).items:
        await world.settle(*[world.result(c) for c in claims])
        ended += len(claims)
    states = Counter(str(r[0]) for r in await world.rows("SELECT state FROM handlings"))
    assert sum(states.values()) == 90
    assert states["handled"] == ended
    assert set(states) <= {"handled", "coalesced"}
    assert coalesce or ended == 90


async def _all(tasks: list[asyncio.Task[None]]) -> None:
    await asyncio.gather(*tasks)


async def test_work_is_signalled_to_the_other_processes_once(replicas: list[World]) -> None:
    first, second, _ = replicas
    await _listening(second)
    signals = _signals(second)
    signals.topics.clear()
    signals.heard.clear()
    _signals(first).topics.clear()
    await first.accept(first.arrival())
    await asyncio.wait_for(signals.heard.wait(), DEADLINE_S)
    assert signals.topics == ["handlings"]
    assert _signals(first).topics == ["handlings"]


async def test_lost_connections_come_back(replicas: list[World]) -> None:
    second = replicas[1]
    await _listening(second)
    killer = await asyncpg.connect(second.store._driver._pool._connect_args[0])
    await killer.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await killer.close()

    async def accepted() -> bool:
        try:
            return await second.accept(second.arrival("after")) != []
        except StoreUnavailableError:
            return False

    async with asyncio.timeout(DEADLINE_S):
        while not await accepted():
            await asyncio.sleep(0.05)
    await _listening(second)


async def _listening(world: World) -> None:
    """Return once `world` hears what another connection notifies."""
    signals = _signals(world)
    other = await asyncpg.connect(world.store._driver._pool._connect_args[0])
    try:
        async with asyncio.timeout(DEADLINE_S):
            signals.heard.clear()
            while not signals.heard.is_set():
                await other.execute("SELECT pg_notify('gateway_store', 'else:handlings')")
                await asyncio.sleep(0.02)
    finally:
        await other.close()


def _signals(world: World) -> HeardSignals:
    signals: HeardSignals = world.store._driver._signals
    return signals
