"""An open store on each database, with a clock that tests set and makers of records."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.store import Store, open_store
from tests.conformance.store.world import FakeClock, FakeSealer, RecordedSignals, World
from tests.support.postgres import PostgresServer, postgres_server

__all__ = ["postgres_server"]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def signals() -> RecordedSignals:
    return RecordedSignals()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'gateway.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    made = await server.create_database()
    yield made
    await server.drop_database(made)


@pytest.fixture
async def store(url: str, clock: FakeClock, signals: RecordedSignals) -> AsyncIterator[Store]:
    async with await open_store(
        url, sealer=FakeSealer(), clock=clock, signals=signals, migrate=True
    ) as opened:
        yield opened


@pytest.fixture
def world(store: Store, clock: FakeClock) -> World:
    return World(store, clock)
