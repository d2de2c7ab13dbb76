from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from gateway.dispatch.memory_reader import MemoryReader, Name
from gateway.errors import StoreUnavailableError


class Store:
    def __init__(self) -> None:
        self.asked: list[Sequence[Name]] = []
        self.values: dict[Name, bytes] = {("h", "A1", "o1"): b'{"status":"SHIPPED"}'}
        self.away = False

    async def recall(self, names: Sequence[Name]) -> Mapping[Name, bytes]:
        self.asked.append(list(names))
        await asyncio.sleep(0)
        if self.away:
            raise StoreUnavailableError("away")
        return {name: self.values[name] for name in names if name in self.values}


async def test_runs_of_one_turn_ask_together() -> None:
    store = Store()
    reader = MemoryReader(store)
    found = await asyncio.gather(
        reader.read("h", "A1", "o1"), reader.read("h", None, "o1"), reader.read("g", "A1", "o1")
    )
    assert found == [{"status": "SHIPPED"}, None, None]
    assert store.asked == [[("h", "A1", "o1"), ("h", "", "o1"), ("g", "A1", "o1")]]


async def test_a_question_under_way_is_not_joined() -> None:
    store = Store()
    reader = MemoryReader(store)
    first = asyncio.create_task(reader.read("h", "A1", "o1"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(store.asked) == 1
    await asyncio.gather(first, reader.read("h", "A1", "o1"))
    assert len(store.asked) == 2


async def test_a_failure_is_each_ones_own() -> None:
    store = Store()
    store.away = True
    reader = MemoryReader(store)
    outcomes = await asyncio.gather(
        reader.read("h", "A1", "o1"), reader.read("h", "A1", "o2"), return_exceptions=True
    )
    assert [type(one) for one in outcomes] == [StoreUnavailableError] * 2


async def test_the_first_being_cut_off_leaves_nobody_waiting() -> None:
    store = Store()
    reader = MemoryReader(store)
    first = asyncio.create_task(reader.read("h", "A1", "o1"))
    second = asyncio.create_task(reader.read("h", "A1", "o1"))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == {"status": "SHIPPED"}
    with pytest.raises(asyncio.CancelledError):
        await first
