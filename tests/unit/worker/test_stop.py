from __future__ import annotations

import asyncio

from gateway.worker.stop import Stop, Wake


async def returns(wake: Wake, timeout_s: float = 60.0) -> bool:
    """Return whether waiting ended well before its own time-out."""
    async with asyncio.timeout(5):
        await wake.wait(timeout_s)
    return True


async def test_ring_before_the_wait_counts_once() -> None:
    wake = Wake()
    wake.ring()
    wake.ring()

    assert await returns(wake)
    loop = asyncio.get_running_loop()
    started_s = loop.time()
    await wake.wait(0.02)
    assert loop.time() - started_s >= 0.015


async def test_ring_wakes_everybody_who_waits() -> None:
    wake = Wake()
    waiting = [asyncio.create_task(returns(wake)) for _ in range(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    wake.ring()

    assert await asyncio.gather(*waiting) == [True] * 3


async def test_no_time_out_means_no_wait() -> None:
    assert await returns(Wake(), 0.0)


async def test_stop_rings_every_doorbell_once_requested() -> None:
    stop = Stop()
    before, after = Wake(), Wake()
    stop.ring_on_stop(before)
    assert not stop.requested
    assert stop.left_s() == float("inf")

    stop.request(drain_s=5.0)
    stop.ring_on_stop(after)

    assert stop.requested
    assert await returns(before)
    assert await returns(after)
    await stop.wait()


async def test_only_the_first_request_sets_the_deadline() -> None:
    stop = Stop()
    stop.request(drain_s=5.0)
    deadline_s = stop.deadline_s
    stop.request(drain_s=500.0)

    assert stop.deadline_s == deadline_s
    assert 4.0 < stop.left_s() <= 5.0


async def test_time_left_is_never_negative() -> None:
    stop = Stop()
    stop.request(drain_s=-1.0)

    assert stop.left_s() == 0.0
