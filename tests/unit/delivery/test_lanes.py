"""How many of an endpoint's deliveries are claimed, and who waits how long."""

import asyncio

import pytest

from gateway.delivery import lanes as lanes_module
from gateway.delivery.lanes import Lanes, Room, Speed
from gateway.delivery.sender import Route
from gateway.endpoints import Endpoint
from tests.unit.delivery.world import until

ROUTE = Route(target=None, headers={}, signer=None, timeout_s=15.0)


def lane_of(lanes, endpoint_id="ep_1", *, concurrency=2):
    return lanes.put(Endpoint(id=endpoint_id, url="", concurrency=concurrency), ROUTE)


@pytest.fixture
def lanes():
    return Lanes(concurrency=100)


def take(lanes, lane, count):
    for _ in range(count):
        lanes.take(lane)


def test_a_new_endpoint_gets_one_place_a_quick_one_many_a_slow_one_its_concurrency(lanes):
    lane = lane_of(lanes)
    assert lane.places(0) == 1
    lane.note(10)
    assert lane.places(0) == 16
    take(lanes, lane, 3)
    assert lane.places(0) == 13
    for _ in range(10):
        lane.note(5_000)
    assert lane.places(0) == 0
    for _ in range(3):
        lanes.drop(lane)
    assert lane.places(0) == 2
    lane.note(15_000, answered=False)
    assert lane.places(0) == 1
    lane.note(15_000)
    assert lane.places(0) == 2


def test_a_resting_or_forgotten_endpoint_gets_none(lanes):
    lane = lane_of(lanes)
    lane.rest(1_000)
    assert (lane.places(999), lane.places(1_000)) == (0, 1)
    lane.rest(500)
    assert lane.places(999) == 0
    lane_of(lanes)
    assert lane.places(0) == 1
    lanes.forget("ep_1")
    assert lane.places(5_000) == 0
    assert lanes.get("ep_1") is None


def test_slow_and_new_ones_hold_a_share_only(lanes):
    assert lanes.left() == {Speed.SLOW: 50, Speed.NEW: 25}
    slow, new, quick = (lane_of(lanes, name) for name in ("slow", "new", "quick"))
    slow.note(1_000)
    quick.note(1)
    for lane in (slow, new, quick):
        take(lanes, lane, 20)
    assert lanes.left() == {Speed.SLOW: 30, Speed.NEW: 5}
    new.note(1_000)
    assert lanes.left() == {Speed.SLOW: 10, Speed.NEW: 25}
    for _ in range(10):
        quick.note(1_000)
    assert lanes.left() == {Speed.SLOW: 0, Speed.NEW: 15}
    take(lanes, slow, 40)
    assert lanes.left() == {Speed.SLOW: 0, Speed.NEW: 0}
    for lane, count in ((slow, 60), (new, 20), (quick, 20)):
        for _ in range(count):
            lanes.drop(lane)
    assert lanes.left() == {Speed.SLOW: 50, Speed.NEW: 25}


def test_a_claims_answers_hand_the_shares_out_once(lanes):
    for number in range(40):
        lane_of(lanes, f"slow_{number}").note(1_000)
    lane_of(lanes, "quick").note(1)
    room = Room(lanes, is_known=lambda endpoint_id: endpoint_id != "strange", now_ms=0)
    assert room("strange") == 0
    assert [room(f"slow_{number}") for number in range(40)] == [2] * 25 + [0] * 15
    assert [room(f"new_{number}") for number in range(40)] == [1] * 25 + [0] * 15
    assert room("slow_0") == 2
    assert room("quick") == 16


async def test_requests_in_flight_are_bounded_and_the_longest_waiting_is_next(lanes):
    lane = lane_of(lanes, concurrency=2)
    lane.note(1)
    order, inside, most = [], 0, 0

    async def go(number):
        nonlocal inside, most
        assert await lane.enter()
        inside += 1
        most = max(most, inside)
        order.append(number)
        await asyncio.sleep(0)
        inside -= 1
        lane.leave()

    await asyncio.gather(*(go(number) for number in range(20)))
    assert order == list(range(20))
    assert most == 2


async def test_waiting_that_is_cut_off_leaks_no_place(lanes):
    lane = lane_of(lanes, concurrency=1)
    lane.note(1)
    assert await lane.enter()
    waiting = [asyncio.create_task(lane.enter()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    lane.leave()  # hands the place to the second
    waiting[1].cancel()  # which is cut off before it could take it
    assert await waiting[2]
    results = await asyncio.gather(*waiting[:2], return_exceptions=True)
    assert [type(result) for result in results] == [asyncio.CancelledError] * 2
    lane.leave()
    assert await lane.enter()


async def test_those_that_wait_are_dismissed_when_the_endpoint_turns_slow(lanes):
    lane = lane_of(lanes, concurrency=1)
    lane.note(1)
    assert await lane.enter()
    waiting = [asyncio.create_task(lane.enter()) for _ in range(3)]
    await asyncio.sleep(0)
    lane.note(60_000)
    assert await asyncio.gather(*waiting) == [False] * 3


async def test_patience_ends_where_no_request_does(lanes, monkeypatch):
    monkeypatch.setattr(lanes_module, "_PATIENCE_S", 0.02)
    lane = lane_of(lanes, concurrency=1)
    lane.note(1)
    take(lanes, lane, 4)
    assert await lane.enter()
    waiting = [asyncio.create_task(lane.enter()) for _ in range(3)]
    async with asyncio.timeout(5):
        assert await asyncio.gather(*waiting) == [False] * 3


async def test_patience_lasts_while_requests_end(lanes, monkeypatch):
    monkeypatch.setattr(lanes_module, "_PATIENCE_S", 0.05)
    lane = lane_of(lanes, concurrency=1)
    lane.note(1)
    assert await lane.enter()
    waiting = asyncio.create_task(lane.enter())
    await asyncio.sleep(0)
    behind = asyncio.create_task(lane.enter())
    await asyncio.sleep(0)
    lane.leave()
    assert await waiting
    first_timer = lane._timer
    await until(lambda: lane._timer is not first_timer)
    assert not behind.done()
    lane.leave()
    assert await behind
    assert lane.speed is Speed.QUICK


async def test_a_new_endpoint_that_does_not_answer_is_slow_before_its_deadline(lanes, monkeypatch):
    monkeypatch.setattr(lanes_module, "_PATIENCE_S", 0.02)
    lane = lane_of(lanes)
    lanes.take(lane)
    assert await lane.enter()
    await until(lambda: lane.speed is Speed.SLOW)
    assert lanes.left() == {Speed.SLOW: 49, Speed.NEW: 25}
    assert lane.places(0) == 0


async def test_a_raised_concurrency_lets_more_in_at_once(lanes):
    lane = lane_of(lanes, concurrency=1)
    lane.note(1)
    assert await lane.enter()
    waiting = [asyncio.create_task(lane.enter()) for _ in range(3)]
    await asyncio.sleep(0)
    lane_of(lanes, concurrency=3)
    lane.leave()
    await until(lambda: all(task.done() for task in waiting))
