from __future__ import annotations

from dataclasses import replace

from gateway.model import Arrival
from gateway.store import Store
from gateway.store.memories import DAY_MS
from tests.conformance.store.world import START_MS, World

TYPE = "ORDER_CHANGE"


def _about(world: World, subject: str, at_ms: int, **more: object) -> Arrival:
    return replace(world.arrival(event_time_ms=at_ms, **more), subject=subject)  # type: ignore[arg-type]


async def test_what_came_in_is_noted_with_its_newest_change(world: World, store: Store) -> None:
    await world.accept(
        _about(world, "o1", START_MS), _about(world, "o1", START_MS + 9), _about(world, "o2", 1)
    )
    await world.accept(_about(world, "o1", START_MS - 9), world.arrival())
    seen = await store.sweeps.seen("A1", TYPE, ["o1", "o2", "o3"])
    assert seen == {"o1": START_MS + 9, "o2": 1}
    assert await store.sweeps.seen("A2", TYPE, ["o1"]) == {}
    assert await store.sweeps.seen("A1", TYPE, []) == {}


async def test_a_sweeps_end_and_its_finds_are_kept(world: World, store: Store) -> None:
    assert await store.sweeps.swept_to_ms("A1", TYPE) is None
    await store.sweeps.ended("A1", TYPE, swept_to_ms=100, checked=9, found=2)
    await store.sweeps.ended("A1", TYPE, swept_to_ms=50, checked=4, found=1)
    await store.sweeps.ended("A2", TYPE, swept_to_ms=70, checked=0, found=0)
    assert await store.sweeps.swept_to_ms("A1", TYPE) == 100
    first, second = await store.sweeps.list()
    assert (first.seller_id, first.checked, first.found, first.found_total) == ("A1", 4, 1, 3)
    assert first.ended_at_ms == world.clock.at_ms
    assert await store.sweeps.list(after=first.id) == [second]


async def test_old_sightings_are_forgotten(world: World, store: Store) -> None:
    await world.accept(_about(world, "o1", START_MS), _about(world, "o2", START_MS + DAY_MS))
    assert await store.sweeps.forget(START_MS + DAY_MS) == 1
    assert await store.sweeps.seen("A1", TYPE, ["o1", "o2"]) == {"o2": START_MS + DAY_MS}
