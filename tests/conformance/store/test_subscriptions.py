"""What is known of Amazon's side, and who goes through it."""

from __future__ import annotations

from dataclasses import replace

from gateway.model import Seller
from gateway.store import Store
from gateway.store.destinations import SeenDestination
from gateway.store.subscription_runs import LEASE_MS
from gateway.store.subscriptions import Look, SeenSubscription
from tests.conformance.store.world import START_MS, FakeClock, World


def look(*ids: str, managed: bool = True, fault: str | None = None, digest: str = "d1") -> Look:
    return Look(
        application_id="app",
        region="eu",
        seller_id="A1",
        type="ORDER_CHANGE",
        digest=digest,
        seen=[
            SeenSubscription(
                id=one,
                payload_version="1.0",
                destination_id="dest-1",
                directive="{}",
                managed=managed,
            )
            for one in ids
        ],
        fault=fault,
    )


async def test_what_was_seen_is_known(store: Store) -> None:
    await store.subscriptions.looked(look("s1", "s2"))
    known = await store.subscriptions.known()
    unit = ("app", "eu", "A1", "ORDER_CHANGE")
    assert known.managed == {"s1": unit, "s2": unit}
    state = known.units["A1", "eu", "ORDER_CHANGE"]
    assert (state.digest, state.settled_at_ms, state.fault) == ("d1", START_MS, None)
    first, second = await store.subscriptions.list()
    assert (first.id, first.destination_id, first.seen_at_ms) == ("s1", "dest-1", START_MS)
    assert await store.subscriptions.list(after="s1") == [second]
    assert await store.subscriptions.list(seller_id="A2") == []
    assert await store.subscriptions.list(notification_type="ORDER_CHANGE", limit=1) == [first]


async def test_what_is_not_seen_any_more_still_says_whose_it_was(
    store: Store, world: World
) -> None:
    await store.subscriptions.looked(look("s1"))
    await store.subscriptions.looked(look("s2"))
    assert [one.id for one in await store.subscriptions.list()] == ["s2"]
    assert set((await store.subscriptions.known()).managed) == {"s2"}
    await world.accept(world.arrival(seller=None, subscription="s1"))
    assert await world.rows("SELECT seller_id FROM notifications") == [("A1",)]
    await store.subscriptions.gone("s2")
    assert await store.subscriptions.list() == []
    found = await store.subscriptions.find("s2")
    assert found is not None
    assert found.seller_id == "A1"


async def test_what_is_managed_once_stays_so(store: Store, clock: FakeClock) -> None:
    await store.subscriptions.looked(look("s1", managed=False))
    assert (await store.subscriptions.known()).managed == {}
    await store.subscriptions.looked(look("s1"))
    clock.at_ms += 1_000
    await store.subscriptions.looked(look("s1", managed=False))
    (found,) = await store.subscriptions.list()
    assert (found.managed_since_ms, found.seen_at_ms) == (START_MS, START_MS + 1_000)


async def test_a_start_of_the_gateway_forgets_nothing_of_it(store: Store) -> None:
    await store.subscriptions.looked(look("s1"))
    await store.subscriptions.put("s1", seller_id="A1", application_id="app")
    (found,) = await store.subscriptions.list()
    assert (found.type, found.region) == ("ORDER_CHANGE", "eu")


async def test_a_fault_keeps_what_was_settled_and_a_gap_ends_with_success(
    store: Store, clock: FakeClock
) -> None:
    await store.subscriptions.looked(look("s1"))
    await store.subscriptions.gap_begins("A1", "eu", "ORDER_CHANGE")
    clock.at_ms += 5_000
    await store.subscriptions.gap_begins("A1", "eu", "ORDER_CHANGE")
    await store.subscriptions.looked(look(fault="refused", digest="d2"))
    (state,) = (await store.subscriptions.known()).units.values()
    assert (state.digest, state.settled_at_ms, state.fault) == ("d1", START_MS, "refused")
    assert state.gap_since_ms == START_MS
    await store.subscriptions.looked(look("s2", digest="d2"))
    (state,) = (await store.subscriptions.known()).units.values()
    assert (state.digest, state.gap_since_ms, state.fault) == ("d2", None, None)


async def test_sellers_of_whom_nothing_is_in_order_are_told(store: Store) -> None:
    for seller_id, region in (("A1", "eu"), ("A2", "eu"), ("A3", "eu"), ("A4", "na")):
        await store.sellers.put_seller(
            Seller(id=seller_id, application_id="app", region=region, refresh_token="Atzr|1")
        )
    await store.sellers.pause("A3", "revoked")
    assert sorted(await store.subscriptions.unsettled_sellers()) == ["A1", "A2", "A4"]
    await store.subscriptions.looked(look("s1"))
    await store.subscriptions.looked(replace(look("s2", fault="refused"), seller_id="A2"))
    assert sorted(await store.subscriptions.unsettled_sellers()) == ["A2", "A4"]
    before = await store.subscriptions.unsettled_sellers()
    await store.sellers.change("A4", tag=["gold"])
    after = await store.subscriptions.unsettled_sellers()
    assert {name for name in after if after[name] != before[name]} == {"A4"}


async def test_one_at_a_time_goes_through_all_sellers(store: Store, clock: FakeClock) -> None:
    runs = store.subscription_runs
    assert await runs.last() is None
    assert await runs.begin("one", "d") is not None
    assert await runs.begin("two", "d") is None
    clock.at_ms += LEASE_MS - 1
    assert await runs.renew("one")
    assert not await runs.renew("two")
    clock.at_ms += LEASE_MS - 1
    assert await runs.begin("two", "d") is None
    clock.at_ms += 1
    taken = await runs.begin("two", "d")
    assert taken is not None
    assert taken.started_at_ms == START_MS  # the first was cut off, so this one goes on
    assert not await runs.renew("one")
    await runs.release("one", through=True)  # too late: it is somebody else's
    assert (await runs.last()) == taken


async def test_a_run_that_was_cut_off_is_gone_on_with(store: Store, clock: FakeClock) -> None:
    runs = store.subscription_runs
    await runs.begin("one", "d")
    await runs.release("one", through=False)
    clock.at_ms += 10
    again = await runs.begin("two", "d")
    assert again is not None
    assert again.started_at_ms == START_MS
    await runs.release("two", through=False)
    other = await runs.begin("three", "another declaration")
    assert other is not None
    assert other.started_at_ms == START_MS + 10
    await runs.release("three", through=True)
    anew = await runs.begin("four", "another declaration")
    assert anew is not None
    clock.at_ms += 1
    assert anew.started_at_ms == START_MS + 10
    last = await runs.last()
    assert last is not None
    assert last.ended_at_ms is None


async def test_a_run_of_some_sellers_holds_the_lease_and_no_more(
    store: Store, clock: FakeClock
) -> None:
    runs = store.subscription_runs
    assert await runs.begin("one", "some", whole=False) is not None
    assert await runs.begin("two", "d") is None
    await runs.release("one", through=False)
    clock.at_ms += 5
    first = await runs.begin("two", "d")
    assert first is not None
    assert first.started_at_ms == START_MS + 5
    assert await runs.begin("three", "some", whole=False) is None
    await runs.release("two", through=True)
    clock.at_ms += 5
    part = await runs.begin("three", "some", whole=False)
    assert part is not None
    assert part.started_at_ms == START_MS + 10
    await runs.release("three", through=False)
    last = await runs.last()
    assert last is not None
    assert (last.digest, last.ended_at_ms) == ("d", START_MS + 5)


async def test_a_run_that_is_asked_for_stays_asked_for_until_it_begins(
    store: Store, clock: FakeClock
) -> None:
    runs = store.subscription_runs
    await runs.ask()  # before the first one, which is due anyway
    assert await runs.last() is None
    await runs.begin("one", "d")
    clock.at_ms += 1
    assert await runs.ask() == clock.at_ms
    await runs.release("one", through=False)
    last = await runs.last()
    assert last is not None
    assert last.asked
    clock.at_ms += 1
    await runs.begin("two", "d")  # goes on with what was cut off, part of which is older
    await runs.release("two", through=True)
    last = await runs.last()
    assert last is not None
    assert last.asked
    clock.at_ms += 1
    await runs.begin("three", "d")
    last = await runs.last()
    assert last is not None
    assert (last.asked, last.asked_at_ms) == (False, None)


def seen(destination_id: str, fault: str | None = None) -> SeenDestination:
    return SeenDestination(
        id=destination_id, name="n", kind="sqs", place="arn", declared=None, fault=fault
    )


async def test_destinations_are_known_as_they_were_seen_last(
    store: Store, clock: FakeClock
) -> None:
    await store.destinations.looked("app", "eu", [seen("d2"), seen("d1")])
    await store.destinations.looked("app", "na", [seen("d1")])
    first, second, third = await store.destinations.list()
    assert [(one.id, one.region) for one in (first, second, third)] == [
        ("d1", "eu"),
        ("d1", "na"),
        ("d2", "eu"),
    ]
    assert await store.destinations.list(after=second.cursor) == [third]
    assert await store.destinations.list(limit=1) == [first]
    clock.at_ms += 1
    await store.destinations.looked("app", "eu", [seen("d2", "refused")])
    kept, again = await store.destinations.list()
    assert (kept, again.fault, again.seen_at_ms) == (second, "refused", clock.at_ms)
