from __future__ import annotations

import asyncio

import pytest

from gateway.worker.deadlines import Deadlines


async def forever() -> None:
    await asyncio.Event().wait()


async def test_what_ends_in_time_is_left_alone() -> None:
    deadlines = Deadlines()
    with deadlines.limit(10.0):
        await asyncio.sleep(0)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_what_lasts_longer_times_out_and_the_task_goes_on() -> None:
    deadlines = Deadlines()
    with pytest.raises(TimeoutError), deadlines.limit(0.001):
        await forever()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)


async def test_each_task_has_its_own_limit() -> None:
    deadlines = Deadlines()
    ended: list[str] = []

    async def limited(name: str, delay_s: float) -> None:
        try:
            with deadlines.limit(delay_s):
                await forever()
        except TimeoutError:
            ended.append(name)

    tasks = [
        asyncio.create_task(limited(name, delay_s))
        for name, delay_s in (("late", 0.03), ("early", 0.001), ("later", 0.06))
    ]
    await asyncio.gather(*tasks)
    assert ended == ["early", "late", "later"]


async def test_a_cancelled_task_is_cancelled_and_not_timed_out() -> None:
    deadlines = Deadlines()

    async def limited() -> None:
        with deadlines.limit(60.0):
            await forever()

    task = asyncio.create_task(limited())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_a_task_that_is_cancelled_as_its_time_ends_is_cancelled() -> None:
    deadlines = Deadlines()
    limits = []

    async def limited() -> None:
        with deadlines.limit(60.0) as limit:
            limits.append(limit)
            await forever()

    task = asyncio.create_task(limited())
    await asyncio.sleep(0)
    task.cancel()
    limits[0].expire()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_own_error_goes_before_the_limit() -> None:
    deadlines = Deadlines()

    async def limited() -> None:
        with deadlines.limit(0.001):
            try:
                await forever()
            except asyncio.CancelledError:
                raise KeyError("mine") from None

    with pytest.raises(KeyError):
        await limited()


async def test_a_limit_that_has_ended_is_forgotten_by_the_timer() -> None:
    deadlines = Deadlines()
    with deadlines.limit(0.002):
        pass
    await asyncio.sleep(0.01)
    with deadlines.limit(60.0):
        await asyncio.sleep(0)
