import asyncio

import pytest

from gateway.spapi.singleflight import SingleFlight


class Work:
    """Work that ends when told; counts its starts."""

    def __init__(self):
        self.starts = 0
        self.gate = asyncio.Event()
        self.fault = None

    async def __call__(self):
        self.starts += 1
        await self.gate.wait()
        if self.fault:
            raise self.fault
        return f"result {self.starts}"


async def settle():
    for _ in range(10):
        await asyncio.sleep(0)


async def test_concurrent_callers_share_one_flight():
    flights, work = SingleFlight(), Work()
    tasks = [asyncio.create_task(flights.run("k", work)) for _ in range(50)]
    await settle()
    work.gate.set()

    assert set(await asyncio.gather(*tasks)) == {"result 1"}
    assert not flights.flying("k")


async def test_other_keys_and_later_callers_fly_themselves():
    flights, work = SingleFlight(), Work()
    work.gate.set()

    assert await flights.run("a", work) == "result 1"
    assert await flights.run("a", work) == "result 2"


async def test_a_fault_reaches_every_caller_and_ends_the_flight():
    flights, work = SingleFlight(), Work()
    work.fault = LookupError("gone")
    tasks = [asyncio.create_task(flights.run("k", work)) for _ in range(3)]
    await settle()
    work.gate.set()

    assert {type(result) for result in await asyncio.gather(*tasks, return_exceptions=True)} == {
        LookupError
    }
    assert work.starts == 1
    assert not flights.flying("k")


async def test_a_cancelled_leader_is_followed_by_the_next_caller():
    flights, work = SingleFlight(), Work()
    leader, *others = [asyncio.create_task(flights.run("k", work)) for _ in range(4)]
    await settle()
    leader.cancel()
    await settle()
    work.gate.set()

    assert await asyncio.gather(*others) == ["result 2"] * 3
    with pytest.raises(asyncio.CancelledError):
        await leader


async def test_a_leader_cancelled_before_it_could_start_is_followed_too():
    flights, work = SingleFlight(), Work()
    tasks = [asyncio.create_task(flights.run("k", work)) for _ in range(4)]
    await settle()
    tasks[0].cancel()
    await asyncio.sleep(0)
    tasks[1].cancel()  # named by the first one's end, not yet resumed
    await settle()
    work.gate.set()

    assert await asyncio.wait_for(asyncio.gather(*tasks[2:]), 5) == ["result 2"] * 2
    assert not flights.flying("k")


async def test_when_all_are_cancelled_nothing_is_left():
    flights, work = SingleFlight(), Work()
    tasks = [asyncio.create_task(flights.run("k", work)) for _ in range(3)]
    await settle()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    assert not flights.flying("k")
