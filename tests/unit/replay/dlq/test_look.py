"""A pass receives each message once, holds it to the end, and gives it back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from gateway.aws.letters import Letter
from gateway.replay.dlq.look import CHUNK, Look
from tests.unit.replay.dlq.queues import MemoryQueue, SetClock, letter


def queue_of(count: int) -> MemoryQueue:
    queue = MemoryQueue(SetClock())
    queue.put(*(letter(number) for number in range(count)))
    return queue


async def seen_in(look: Look) -> list[str]:
    found: list[str] = []
    while letters := await look.next():
        found += [each.id for each in letters]
    return found


async def test_each_message_is_seen_once_and_visible_again_afterwards() -> None:
    queue = queue_of(2 * CHUNK + 5)
    async with Look(queue, clock=queue.clock, hold_s=60) as look:
        found = await seen_in(look)
        assert queue.visible == []
    assert (len(found), len(set(found)), look.seen) == (205, 205, 205)
    assert len(queue.visible) == 205
    assert {each.receive_count for each in queue.letters.values()} == {1}


async def test_what_is_held_is_kept_hidden_however_long_the_pass_takes() -> None:
    queue = queue_of(3 * CHUNK)
    async with Look(queue, clock=queue.clock, hold_s=60) as look:
        found = []
        while letters := await look.next():
            found += [each.id for each in letters]
            queue.clock.at_s += 40
    assert len(found) == 3 * CHUNK
    assert {each.receive_count for each in queue.letters.values()} == {1}


async def test_messages_are_given_back_when_the_work_on_them_fails() -> None:
    queue = queue_of(5)

    async def failing() -> None:
        async with Look(queue, clock=queue.clock, hold_s=60) as look:
            await look.next()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await failing()
    assert len(queue.visible) == 5


class Slow(MemoryQueue):
    """Hands messages out at once, and takes its time to say so."""

    def __init__(self, clock: SetClock) -> None:
        super().__init__(clock)
        self.handed_out, self.may_answer = asyncio.Event(), asyncio.Event()

    async def receive(
        self, max_messages: int, *, wait_s: int, visibility_s: int
    ) -> Sequence[Letter]:
        got = await super().receive(max_messages, wait_s=wait_s, visibility_s=visibility_s)
        self.handed_out.set()
        await self.may_answer.wait()
        return got


async def test_what_a_receive_that_is_cut_off_brings_is_given_back_too() -> None:
    queue = Slow(SetClock())
    queue.put(*(letter(number) for number in range(5)))

    async def looked() -> None:
        async with Look(queue, clock=queue.clock, hold_s=60) as look:
            await look.next(5)

    task = asyncio.create_task(looked())
    await queue.handed_out.wait()
    assert queue.visible == []
    task.cancel()
    queue.may_answer.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(queue.visible) == 5


async def test_what_is_settled_is_not_given_back() -> None:
    queue = queue_of(2)
    async with Look(queue, clock=queue.clock, hold_s=60) as look:
        first, _ = await look.next()
        look.settled([first.id])
    assert queue.visible == ["m1"]


async def test_a_pass_that_saw_all_that_was_said_to_be_there_asks_no_further() -> None:
    queue = queue_of(3)
    async with Look(queue, clock=queue.clock, hold_s=60, expected=3) as look:
        assert len(await look.next()) == 3
        asked = queue.receives
        assert await look.next() == []
    assert queue.receives == asked


async def test_a_pass_that_missed_some_asks_again() -> None:
    queue = queue_of(3)
    async with Look(queue, clock=queue.clock, hold_s=60, expected=4) as look:
        await look.next()
        queue.put(letter(9))
        assert [each.id for each in await look.next()] == ["m9"]


async def test_no_more_are_received_than_are_wanted() -> None:
    queue = queue_of(50)
    async with Look(queue, clock=queue.clock, hold_s=60) as look:
        assert len(await look.next(13)) == 13
    assert sum(each.receive_count for each in queue.letters.values()) == 13


async def test_a_pass_that_holds_all_it_may_ends_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.replay.dlq.look.MAX_HELD", CHUNK)
    queue = queue_of(CHUNK + 1)
    async with Look(queue, clock=queue.clock, hold_s=60) as look:
        assert len(await seen_in(look)) == CHUNK
        assert look.stopped is not None
    assert len(queue.visible) == CHUNK + 1


async def test_what_was_received_beside_a_receive_that_failed_is_given_back() -> None:
    queue = queue_of(30)

    class FailingOnce:
        extend = staticmethod(queue.extend)

        async def receive(self, *arguments: int, **options: int) -> Sequence[Letter]:
            if queue.receives == 2:
                queue.receives += 1
                raise ConnectionError
            return await queue.receive(*arguments, **options)

    async def failing() -> None:
        async with Look(FailingOnce(), clock=queue.clock, hold_s=60) as look:
            await look.next()

    with pytest.raises(ConnectionError):
        await failing()
    assert {each.receive_count for each in queue.letters.values()} == {1}
    assert len(queue.visible) == 30


async def test_a_hold_that_is_too_short_ends_the_pass_instead_of_receiving_for_ever() -> None:
    queue = queue_of(5)

    class Slow:
        extend = staticmethod(queue.extend)

        async def receive(self, *arguments: int, **options: int) -> Sequence[Letter]:
            received = await queue.receive(*arguments, **options)
            queue.clock.at_s += 60
            return received

    async with Look(Slow(), clock=queue.clock, hold_s=10) as look:
        await seen_in(look)
        assert look.stopped is not None
        assert "--hold" in look.stopped
    assert look.seen == 5
