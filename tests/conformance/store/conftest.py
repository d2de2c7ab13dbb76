"""An open store on each database, with a clock that tests set and makers of records."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.store import Store, open_store, upgrade
from tests.conformance.store.world import FakeClock, FakeSealer, RecordedSignals, World
from tests.support.postgres import PostgresServer, postgres_server

__all__ = ["postgres_server"]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def signals() -> RecordedSignals:
    return RecordedSignals()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file: copying it is quicker than migrating."""
    path = tmp_path_factory.mktemp("template") / "gateway.db"
    asyncio.run(upgrade(f"sqlite:///{path}"))
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        copy = shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "gateway.db")
        return f"sqlite:///{copy}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return asyncio.run(server.emptied_database())


@pytest.fixture
async def store(url: str, clock: FakeClock, signals: RecordedSignals) -> AsyncIterator[Store]:
    async with await open_store(url, sealer=FakeSealer(), clock=clock, signals=signals) as opened:
        yield opened


@pytest.fixture
def world(store: Store, clock: FakeClock) -> World:
    return World(store, clock)
