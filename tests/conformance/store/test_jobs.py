from __future__ import annotations

from gateway.model import Arrival, Envelope, HandlingState, IdPrefix, Origin, Owed, Seller, new_id
from gateway.store import Store
from tests.conformance.store.world import HANDLER, World


async def _request(world: World, seller: str, origin: Origin = Origin.REQUEST) -> str:
    world.clock.at_ms += 1
    now_ms = world.clock.at_ms
    arrival = Arrival(
        id=new_id(IdPrefix.NOTIFICATION, now_ms),
        envelope=Envelope(
            identity=f"{origin.value}:{seller}:{now_ms}",
            type="JOB_EXPORT",
            payload_version="1.0",
            body=b"{}",
            event_time_ms=now_ms,
            seller_id=seller,
        ),
        source="export",
        origin=origin,
        received_at_ms=now_ms,
        owed=[Owed(handler=HANDLER)],
    )
    await world.accept(arrival)
    return arrival.id


async def test_jobs_are_listed_with_their_state(world: World, store: Store) -> None:
    await world.accept(world.arrival())
    first = await _request(world, "A1")
    second = await _request(world, "A2", Origin.SCHEDULE)
    listed = await store.jobs.list()
    assert [one.id for one in listed] == [second, first]
    assert [one.job for one in listed] == ["export", "export"]
    assert [one.id for one in await store.jobs.list(after=second)] == [first]
    assert [one.id for one in await store.jobs.list(seller_id="A1", job="export")] == [first]
    for claimed in (await world.claim()).items:
        if claimed.notification.id == first:
            state = HandlingState.PENDING
            await world.settle(
                world.result(claimed, state, due_in_ms=900, saved_state=b'{"export_id":"e1"}')
            )
    waiting = await store.jobs.find(first)
    assert waiting is not None
    assert (waiting.state, waiting.progress) == (HandlingState.PENDING, b'{"export_id":"e1"}')
    assert [one.id for one in await store.jobs.list(state=HandlingState.LEASED)] == [second]
    assert await store.jobs.find("ntf_none") is None


async def test_an_older_slot_never_replaces_a_newer_one(store: Store) -> None:
    await store.schedule_runs.put("nightly", {"A1": 20, "A2": 10})
    await store.schedule_runs.put("nightly", {"A1": 10, "A3": 5})
    await store.schedule_runs.put("hourly", {"A1": 1})
    await store.schedule_runs.put("hourly", {})
    assert await store.schedule_runs.last("nightly") == {"A1": 20, "A2": 10, "A3": 5}


async def test_only_sellers_that_are_called_for(store: Store) -> None:
    for seller, region in (("A1", "na"), ("A1", "eu"), ("A2", "na")):
        await store.sellers.put_seller(
            Seller(id=seller, application_id="main", region=region, refresh_token="t")
        )
    assert await store.schedule_runs.active_sellers() == ["A1", "A2"]
    await store.sellers.pause("A2", "revoked")
    assert await store.schedule_runs.active_sellers() == ["A1"]
