"""Lists of large tables: pages that go on, whatever little of much is wanted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from gateway.model import DeliveryState, HandlingState, NotificationState
from gateway.store.listing import Scan
from gateway.store.lists import Lists
from tests.conformance.store.world import World

LOOKED = 3


async def walked(fetch: Callable[..., Awaitable[Scan[Any]]], **how: Any) -> tuple[list[str], int]:
    """Walk through all pages; return what was found, and how many pages it took."""
    found: list[str] = []
    after, pages = None, 0
    while True:
        page = await fetch(after=after, limit=2, **how)
        found += [one.id for one in page]
        after, pages = page.after, pages + 1
        if after is None:
            return found, pages


async def test_what_an_index_knows_fills_its_pages(world: World) -> None:
    arrivals = [world.arrival(seller="A1" if n % 7 == 3 else "A2") for n in range(20)]
    await world.accept(*arrivals)
    narrow = Lists(world.store._driver, scanned=LOOKED)
    wanted = [one.id for one in arrivals if one.envelope.seller_id == "A1"][::-1]
    assert await walked(narrow.notifications, seller_id="A1") == (wanted, 2)
    assert await walked(narrow.notifications, seller_id="A9") == ([], 1)


async def test_what_no_index_knows_is_found_page_by_page(world: World) -> None:
    arrivals = [world.arrival(marketplace="M1" if n % 7 == 3 else "M2") for n in range(20)]
    await world.accept(*arrivals)
    narrow = Lists(world.store._driver, scanned=LOOKED)
    wanted = [one.id for one in arrivals if one.envelope.marketplace_id == "M1"][::-1]
    found, pages = await walked(narrow.notifications, marketplace_id="M1")
    assert found == wanted
    assert pages >= len(arrivals) // LOOKED
    both = await walked(narrow.notifications, marketplace_id="M1", seller_id="A1")
    assert both[0] == wanted


async def test_states_that_do_not_last_are_found_wherever_they_are(world: World) -> None:
    waits = world.arrival()
    await world.accept(waits, world.arrival(owed=()))
    (claimed,) = (await world.claim()).items
    await world.settle(world.result(claimed, HandlingState.PENDING, due_in_ms=9_000))
    for state in (HandlingState.HANDLED, HandlingState.DEAD):
        await world.accept(*(world.arrival() for _ in range(4)))
        for one in (await world.claim()).items:
            await world.settle(world.result(one, state))
    leased = world.arrival()
    await world.accept(leased)
    await world.claim()
    narrow = Lists(world.store._driver, scanned=LOOKED)
    assert await walked(narrow.handlings, state=HandlingState.PENDING) == ([claimed.id], 1)
    assert len((await walked(narrow.handlings, state=HandlingState.LEASED))[0]) == 1
    assert await walked(narrow.notifications, state=NotificationState.IGNORED) != ([], 1)
    dead, pages = await walked(narrow.handlings, state=HandlingState.DEAD)
    assert (len(dead), pages) == (4, 2)
    assert len((await walked(narrow.handlings, state=HandlingState.HANDLED))[0]) == 4


async def test_held_and_pending_deliveries_of_an_endpoint(world: World) -> None:
    endpoint, other = await world.endpoint(), await world.endpoint()
    await world.publish(*(world.event() for _ in range(5)))
    for delivery in (await world.claim_deliveries(limit=4)).items:
        await world.store.deliveries.settle([world.attempt(delivery, DeliveryState.HELD)])
    lists = world.store.lists
    held = [*await lists.deliveries(state=DeliveryState.HELD)]
    pending = [*await lists.deliveries(state=DeliveryState.PENDING)]
    assert (len(held), len(pending)) == (4, 6)
    for one in (endpoint, other):
        of = await lists.deliveries(endpoint_id=one.id, state=DeliveryState.PENDING)
        assert {view.id for view in of} == {v.id for v in pending if v.endpoint_id == one.id}
