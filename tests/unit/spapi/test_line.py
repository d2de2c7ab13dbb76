import asyncio

import pytest

from gateway.model import Grant
from gateway.spapi.line import Answer, Line, answers


class Store:
    """Grants `tokens`, then slots at 1, 2, …; each request is held until let through."""

    def __init__(self, tokens):
        self.tokens = tokens
        self.wants = []
        self._gate = asyncio.Semaphore(0)
        self.fault = None

    def let_through(self, requests=100):
        for _ in range(requests):
            self._gate.release()

    async def take(self, want):
        self.wants.append(want)
        await self._gate.acquire()
        if self.fault:
            raise self.fault
        granted = min(want, self.tokens)
        self.tokens -= granted
        return Grant(granted=granted, slots_ms=range(1, want - granted + 1), token_at_ms=1)


async def settle():
    for _ in range(10):
        await asyncio.sleep(0)


async def callers(line, store, count):
    tasks = [asyncio.create_task(line.ask(store.take)) for _ in range(count)]
    await settle()
    return tasks


def test_tokens_go_to_the_first_and_slots_in_order_to_the_others():
    got = answers(Grant(granted=2, slots_ms=(10, 20), token_at_ms=9), 4)

    assert [answer.granted for answer in got] == [True, True, False, False]
    assert [answer.slot_ms for answer in got[2:]] == [10, 20]


@pytest.mark.parametrize(
    "grant",
    [Grant(granted=9), Grant(granted=0, token_at_ms=7), Grant(granted=1, slots_ms=(5, 6, 7, 8))],
)
def test_every_caller_gets_one_answer_whatever_the_store_says(grant):
    got = answers(grant, 3)

    assert len(got) == 3
    assert all(answer.granted or answer.slot_ms > 0 for answer in got)


async def test_a_hundred_callers_cost_two_requests():
    line, store = Line(), Store(tokens=60)
    tasks = await callers(line, store, 100)
    store.let_through()
    got = await asyncio.gather(*tasks)

    assert store.wants == [1, 99]
    assert [answer.granted for answer in got] == [True] * 60 + [False] * 40
    assert [answer.slot_ms for answer in got[60:]] == list(range(1, 41))
    assert line.idle


async def test_a_fault_hits_those_of_its_request_only():
    line, store = Line(), Store(tokens=5)
    tasks = await callers(line, store, 3)
    store.fault = OSError("away")
    store.let_through()
    first = await asyncio.gather(*tasks, return_exceptions=True)
    store.fault = None

    assert {type(result) for result in first} == {OSError}
    assert await line.ask(store.take) == Answer(granted=True)
    assert line.idle


async def test_a_cancelled_asker_is_replaced_and_nobody_is_forgotten():
    line, store = Line(), Store(tokens=9)
    tasks = await callers(line, store, 4)
    tasks[0].cancel()
    await asyncio.sleep(0)
    tasks[1].cancel()  # its turn came, but it never saw it
    await settle()
    store.let_through()

    assert [answer.granted for answer in await asyncio.wait_for(asyncio.gather(*tasks[2:]), 5)] == [
        True,
        True,
    ]
    assert store.wants == [1, 2]
    assert line.idle


async def test_those_in_a_cancelled_request_stay_ahead_of_newcomers():
    line, store = Line(), Store(tokens=1)
    first = await callers(line, store, 3)
    store.let_through(1)
    await first[0]
    await settle()  # the second request, for callers 1 and 2, hangs now
    newcomers = await callers(line, store, 1)
    store.tokens = 1
    first[1].cancel()
    store.let_through()
    old, new = await asyncio.gather(first[2], newcomers[0])

    assert old.granted
    assert not new.granted
