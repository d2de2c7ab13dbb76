from __future__ import annotations

import asyncio

from gateway.dispatch.turns import CLAIM_AHEAD, Turns


def test_a_new_handler_is_not_claimed_ahead() -> None:
    turns = Turns(3)
    assert turns.room() == 3
    turns.in_hand = 2
    assert turns.room() == 1


def test_a_quick_handler_is_claimed_ahead_and_a_slow_one_is_not() -> None:
    turns = Turns(3)
    turns.note(0.001)
    assert turns.room() == 3 * CLAIM_AHEAD
    for _ in range(10):
        turns.note(5.0)
    assert turns.room() == 3


def test_what_was_claimed_ahead_of_a_handler_that_grew_slow_is_no_negative_room() -> None:
    turns = Turns(1)
    turns.note(0.001)
    turns.in_hand = CLAIM_AHEAD
    for _ in range(10):
        turns.note(5.0)
    assert turns.room() == 0


async def test_who_waits_for_a_turn_and_gives_up_leaves_it_to_the_next() -> None:
    turns = Turns(1)
    async with turns:
        first = asyncio.create_task(turns.__aenter__())
        second = asyncio.create_task(turns.__aenter__())
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
    await second
    await turns.__aexit__(None, None, None)
