"""No question of list, filter, trace or replay selection reads a large table from end to end.

What the store really sends is explained, with its own parameters, over a history that has rare
sellers, types and states. `test_soak_lists.py` measures the same questions at five million.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path

import asyncpg
import pytest

from gateway.errors import NotFoundError
from gateway.store import Store, open_store, upgrade
from gateway.store.listing import SCANNED_AT_ONCE
from gateway.store.postgres import SETTINGS
from tests.conformance.store.world import FakeClock, RecordedSignals
from tests.support.history import History, fill_postgres, fill_sqlite
from tests.support.postgres import PostgresServer
from tests.support.questions import OpenSealer, questions
from tests.support.recorded_plans import (
    RecordingDriver,
    postgres_faults,
    sqlite_faults,
)

HISTORY = History(24_000)
# One look through what no index knows, and not half of the history.
MOST = SCANNED_AT_ONCE + 1


def _quiet(_: str) -> None:
    return None


async def _recorded(url: str) -> Mapping[str, RecordingDriver]:
    """Ask every question, and return what was sent for each."""
    found = {}
    store = await open_store(url, sealer=OpenSealer(), clock=FakeClock(), signals=RecordedSignals())
    async with store:
        for name, ask in questions(HISTORY).items():
            driver = RecordingDriver(store._driver)
            asked = Store(driver, sealer=OpenSealer(), clock=FakeClock())
            try:
                await ask(asked)
            except NotFoundError:
                pytest.fail(f"{name}: the history has nothing of it")
            assert driver.steps, name
            found[name] = driver
    return found


async def test_sqlite_plans(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    await upgrade(f"sqlite:///{path}")
    fill_sqlite(path, HISTORY, _quiet)
    recorded = await _recorded(f"sqlite:///{path}")
    connection = sqlite3.connect(path)
    try:
        faults = {
            f"{name}: {line}"
            for name, driver in recorded.items()
            for step in driver.steps
            for line in sqlite_faults(connection, step)
        }
    finally:
        connection.close()
    assert "\n".join(sorted(faults)) == ""


@pytest.mark.postgres
async def test_postgres_plans(postgres_server: PostgresServer) -> None:
    url = await postgres_server.create_database()
    await fill_postgres(url, HISTORY, _quiet)
    recorded = await _recorded(url)
    connection = await asyncpg.connect(url, server_settings=SETTINGS)
    try:
        faults = set()
        for name, driver in recorded.items():
            for step in driver.steps:
                faults |= {
                    f"{name}: {line}" for line in await postgres_faults(connection, step, most=MOST)
                }
        assert "\n".join(sorted(faults)) == ""
    finally:
        await connection.close()
        await postgres_server.drop_database(url)
