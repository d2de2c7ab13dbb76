"""The agenda: what is due when, in which order, and what becomes of a fault."""

import asyncio

from gateway.simulator.agenda import Agenda
from tests.support.clock import FakeClock


def test_what_is_due_is_done_in_the_order_of_its_times():
    clock, done = FakeClock(0), []
    agenda = Agenda(clock)
    for at_ms in (3_000, 1_000, 2_000, 1_000):
        agenda.at(at_ms, lambda at_ms=at_ms: done.append(at_ms))
    agenda.run_due()
    assert done == []
    clock.advance(2)
    agenda.run_due()
    assert done == [1_000, 1_000, 2_000]
    assert len(agenda) == 1


def test_an_action_may_note_the_next_one():
    clock, done = FakeClock(0), []
    agenda = Agenda(clock)

    def again() -> None:
        done.append(clock.now_ms())
        if len(done) < 3:
            agenda.at(clock.now_ms(), again)

    agenda.at(0, again)
    agenda.run_due()
    assert done == [0, 0, 0]


async def test_a_fault_in_an_action_does_not_stop_the_others():
    agenda, done = Agenda(FakeClock(0)), asyncio.Event()
    running = asyncio.create_task(agenda.run())
    agenda.at(0, lambda: 1 / 0)
    agenda.at(0, done.set)
    await done.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
