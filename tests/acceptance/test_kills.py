"""SIGKILL in each state of a delivery: nothing is lost, and what comes twice has the same id."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.delivery.signing import new_secret
from gateway.endpoints import Endpoint
from gateway.model import DeliveryState, IdPrefix, NewEvent, new_id
from gateway.sealing import open_sealer
from gateway.store import Store, open_store, upgrade
from tests.support.delivering import IN_HAND_MOST
from tests.support.postgres import PostgresServer
from tests.support.receivers import Receiver, answer, receiver

pytestmark = [pytest.mark.acceptance]

CLOCK = SystemClock()
MOMENTS = ("claimed", "sent", "answered", "recording")
# More than one process has in hand, so that no delivery is among the victims again and again.
LEAST_BEFORE = IN_HAND_MOST + 4


class Silent:
    def notify(self, topic: str) -> None: ...


@dataclass
class Victims:
    """The processes that deliver, and the receiver that may kill one of them."""

    store: Store
    url: str
    keys: Path
    receiver: Receiver
    armed: int | None = None
    process: asyncio.subprocess.Process | None = None
    chance: random.Random = field(default_factory=lambda: random.Random(11))

    async def run(self, moment: str) -> int:
        """Let a process deliver until it dies, or is done; return its exit code."""
        count = LEAST_BEFORE + self.chance.randrange(8)
        inside = "never" if moment == "sent" else moment
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.support.delivering", self.url, str(self.keys), inside,
            str(count), stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        self.armed = len(self.receiver.requests) + count if moment == "sent" else None
        try:
            async with asyncio.timeout(120):
                return await self.process.wait()
        finally:
            if self.process.returncode is None:
                self.process.kill()
                await self.process.wait()

    async def publish(self, count: int) -> list[str]:
        ids = []
        for number in range(count):
            now_ms = CLOCK.now_ms()
            event = NewEvent(
                id=new_id(IdPrefix.EVENT, now_ms),
                type="order.changed",
                occurred_at_ms=now_ms,
                seller_id=None,
                marketplace_id=None,
                body=b'{"number":%d}' % number,
            )
            await self.store.outbox.publish(event)
            ids.append(event.id)
        return ids


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        path = f"sqlite:///{tmp_path / 'gateway.db'}"
        asyncio.run(upgrade(path))
        yield path
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    yield asyncio.run(server.emptied_database())


@pytest.fixture
async def victims(url: str, tmp_path: Path) -> AsyncIterator[Victims]:
    keys = tmp_path / "gateway.keys"
    sealer = open_sealer(keys, clock=CLOCK, create=True)
    made: list[Victims] = []

    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (one,) = made
        if one.armed is not None and len(one.receiver.requests) >= one.armed and one.process:
            one.armed = None
            one.process.kill()
            return
        writer.write(answer(200, headers={"Connection": "close"}))
        await writer.drain()

    async with (
        await open_store(url, sealer=sealer, clock=CLOCK, signals=Silent()) as store,
        receiver(answers) as got,
    ):
        await store.endpoints.add(
            Endpoint(id="ep_1", url=got.url(), concurrency=1, secrets=(new_secret(0),))
        )
        made.append(Victims(store, url, keys, got))
        yield made[0]


async def kill(victims: Victims, moment: str, *, kills: int) -> None:
    ids = await victims.publish((kills + 1) * (LEAST_BEFORE + 20))
    for _ in range(kills):
        assert await victims.run(moment) == -signal.SIGKILL
    assert await victims.run("never") == 0

    got = Counter(request.headers["webhook-id"] for request in victims.receiver.requests)
    assert set(got) == set(ids)
    # A kill repeats at most what one process had in hand.
    assert sum(got.values()) - len(ids) <= IN_HAND_MOST * kills
    after = ""
    seen = 0
    while views := await victims.store.lists.deliveries(after=after or None, limit=500):
        after = views[-1].id
        for view in views:
            seen += 1
            assert (view.state, view.attempts, view.claims) == (DeliveryState.DELIVERED, 1, 0)
    assert seen == len(ids)


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_kill_loses_nothing(victims: Victims, moment: str) -> None:
    await kill(victims, moment, kills=1)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("moment", MOMENTS)
async def test_fifty_kills_lose_nothing(victims: Victims, moment: str) -> None:
    await kill(victims, moment, kills=50)
