"""Who waits for something new is told, in bounded number."""

from __future__ import annotations

import asyncio

from gateway.admin.waiting import WaitingRoom


class Shelf:
    """Something that is empty until it is not."""

    def __init__(self) -> None:
        self.items: list[int] = []
        self.looks = 0

    async def look(self) -> list[int]:
        self.looks += 1
        return list(self.items)


async def _settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_is_there_is_returned_at_once() -> None:
    shelf = Shelf()
    shelf.items = [1]
    assert await WaitingRoom().until(shelf.look, bool, wait_s=1_000) == [1]
    assert shelf.looks == 1


async def test_a_ring_lets_everybody_look() -> None:
    room, shelf = WaitingRoom(look_every_s=1_000), Shelf()
    waiting = [
        asyncio.create_task(room.until(shelf.look, bool, wait_s=1_000), name=f"{n}")
        for n in range(3)
    ]
    await _settled()
    room.ring()
    await _settled()
    assert shelf.looks == 6
    shelf.items = [7]
    room.ring()
    assert await asyncio.gather(*waiting) == [[7]] * 3


async def test_nobody_waits_for_nothing() -> None:
    shelf = Shelf()
    assert await WaitingRoom().until(shelf.look, bool, wait_s=0) == []


async def test_beyond_the_bound_nobody_waits() -> None:
    room, shelf = WaitingRoom(most=1, look_every_s=1_000), Shelf()
    first = asyncio.create_task(room.until(shelf.look, bool, wait_s=1_000), name="first")
    await _settled()
    assert await room.until(shelf.look, bool, wait_s=1_000) == []
    shelf.items = [1]
    room.ring()
    assert await first == [1]


async def test_who_gives_up_leaves_the_room() -> None:
    room, shelf = WaitingRoom(most=1, look_every_s=1_000), Shelf()
    first = asyncio.create_task(room.until(shelf.look, bool, wait_s=1_000), name="first")
    await _settled()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    second = asyncio.create_task(room.until(shelf.look, bool, wait_s=1_000), name="second")
    await _settled()
    assert not second.done()
    room.close()
    assert await second == []
    assert await room.until(shelf.look, bool, wait_s=1_000) == []
