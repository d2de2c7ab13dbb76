"""Five million notifications: each question of list, filter, trace and replay selection is quick.

`test_list_plans.py` asks the same questions of a short history and judges their plans.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from gateway.store import open_store, upgrade
from tests.conformance.store.world import FakeClock, RecordedSignals
from tests.support.history import History, fill_postgres, fill_sqlite
from tests.support.postgres import PostgresServer
from tests.support.questions import OpenSealer, questions

HISTORY = History(5_000_000)
LIMIT_MS = 200.0
RUNS = 7

Times = Mapping[str, Sequence[float]]


async def measured(url: str, history: History) -> Times:
    """Return how many milliseconds each question took, some times each, after a first time."""
    taken: dict[str, list[float]] = {}
    store = await open_store(url, sealer=OpenSealer(), clock=FakeClock(), signals=RecordedSignals())
    async with store:
        for name, ask in questions(history).items():
            await ask(store)
            taken[name] = []
            for _ in range(RUNS):
                started_s = time.perf_counter()
                await ask(store)
                taken[name].append((time.perf_counter() - started_s) * 1000)
    return taken


def table(taken: Times) -> str:
    """Return the figures as a table, the slowest first."""
    rows = [
        f"| {name} | {statistics.median(times):.1f} | {max(times):.1f} |"
        for name, times in sorted(taken.items(), key=lambda one: -statistics.median(one[1]))
    ]
    return "\n".join(("| question | median ms | longest ms |", "| --- | --- | --- |", *rows))


def judge(taken: Times) -> None:
    """Say the figures; refuse what is too slow. Others use the machine too: medians are judged."""
    print(f"\n{table(taken)}")
    slow = [name for name, times in taken.items() if statistics.median(times) >= LIMIT_MS]
    assert slow == []


@pytest.mark.soak
async def test_sqlite_answers_quickly(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    await upgrade(f"sqlite:///{path}")
    fill_sqlite(path, HISTORY)
    judge(await measured(f"sqlite:///{path}", HISTORY))
    path.unlink()


@pytest.mark.soak
@pytest.mark.postgres
async def test_postgres_answers_quickly(postgres_server: PostgresServer) -> None:
    url = await postgres_server.create_database()
    await fill_postgres(url, HISTORY)
    judge(await measured(url, HISTORY))
    await postgres_server.drop_database(url)
