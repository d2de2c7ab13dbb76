"""Authorisations over their lives: states used once, sellers checked, ends warned of."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

from gateway.authorisations import DAY_MS, Ending, Verdict
from gateway.endpoints import Endpoint
from gateway.model import HandlingState, PausedBy, Seller, SellerState
from gateway.results import HandlingResult
from gateway.store import Store, open_store
from tests.conformance.store.world import FakeClock, FakeSealer, RecordedSignals, World

SELLER = Seller(
    id="A1",
    application_id="app",
    region="eu",
    refresh_token="Atzr|old",
    marketplace_ids=("A1PA6795UKMFR9",),
)
RENEWED = replace(SELLER, refresh_token="Atzr|new", marketplace_ids=())


async def listen(store: Store) -> None:
    await store.endpoints.add(
        Endpoint(
            id="ep_1", url="https://example.com/hook", operator=True, event_types=("seller.*",)
        )
    )


async def told(world: World) -> list[dict[str, object]]:
    bodies = await world.rows("SELECT body FROM events ORDER BY id")
    return [json.loads(bytes(body)) for (body,) in bodies]  # type: ignore[call-overload]


async def test_a_state_is_used_once_and_forgotten_after_its_time(
    world: World, store: Store
) -> None:
    until_ms = world.clock.now_ms() + 60_000
    used = await asyncio.gather(
        *(store.authorisations.use_state("n1", expires_at_ms=until_ms) for _ in range(8))
    )
    assert sorted(used) == [False] * 7 + [True]
    assert await store.authorisations.use_state("n2", expires_at_ms=until_ms + 1)
    world.clock.at_ms = until_ms
    assert await store.authorisations.use_state("n3", expires_at_ms=until_ms + 60_000)
    assert await world.rows("SELECT id FROM used_states ORDER BY id") == [("n2",), ("n3",)]


async def test_an_authorisation_lifts_a_pause_and_makes_due_what_waited(
    world: World, store: Store, signals: RecordedSignals
) -> None:
    await listen(store)
    await store.sellers.put_seller(replace(SELLER, tags=("gold",)))
    await store.sellers.pause("A1", "invalid_grant")
    await world.accept(world.arrival("waits"), world.arrival("later"))
    later_ms = world.clock.now_ms() + 400_000
    errors = {0: "SellerPausedError: the seller is paused", 1: None}
    for number, claimed in enumerate((await world.claim()).items):
        await store.handlings.settle(
            [
                HandlingResult(
                    id=claimed.id,
                    token=claimed.token,
                    state=HandlingState.PENDING,
                    tries=0,
                    due_at_ms=later_ms,
                    error=errors[number],
                )
            ]
        )
    assert not (await world.claim()).items
    signals.topics.clear()
    world.clock.at_ms += 1_000
    done = await store.authorisations.authorise(RENEWED, tags=["silver"])
    assert (done.new, done.was_paused) == (False, True)
    assert {"sellers", "handlings"} <= set(signals.topics)
    (seller,) = await store.sellers.of("A1")
    assert seller == replace(
        RENEWED,
        marketplace_ids=SELLER.marketplace_ids,
        tags=("gold", "silver"),
        authorised_at_ms=world.clock.now_ms(),
    )
    assert len((await world.claim()).items) == 1  # what waits for another reason still does
    last = (await told(world))[-1]
    assert (last["type"], last["data"]) == (
        "seller.authorised",
        {
            "seller": "A1",
            "region": "eu",
            "application": "app",
            "marketplaces": ["A1PA6795UKMFR9"],
            "new": False,
            "paused": False,
        },
    )
    stored = str(await world.rows("SELECT * FROM sellers"))
    assert "Atzr" not in stored


async def test_an_operators_pause_outlives_a_new_authorisation(
    world: World, store: Store, signals: RecordedSignals
) -> None:
    await listen(store)
    await store.sellers.put_seller(SELLER)
    await store.sellers.pause("A1", "holiday", by=PausedBy.OPERATOR)
    signals.topics.clear()
    world.clock.at_ms += 1_000
    done = await store.authorisations.authorise(RENEWED)
    assert (done.new, done.was_paused) == (False, True)
    assert "handlings" not in signals.topics  # what waits goes on waiting
    (seller,) = await store.sellers.of("A1")
    assert done.seller == seller
    assert (seller.refresh_token, seller.authorised_at_ms) == ("Atzr|new", world.clock.now_ms())
    assert (seller.state, seller.paused_reason, seller.paused_by) == (
        SellerState.PAUSED,
        "holiday",
        PausedBy.OPERATOR,
    )
    assert not await store.authorisations.claim_checks(limit=9, lease_ms=1)
    last = (await told(world))[-1]
    assert (last["type"], last["data"]["paused"]) == ("seller.authorised", True)  # type: ignore[index]
    await store.sellers.resume("A1")
    (seller,) = await store.sellers.of("A1")
    assert (seller.state, seller.paused_by) == (SellerState.ACTIVE, None)
    assert len(await store.authorisations.claim_checks(limit=9, lease_ms=1)) == 1


async def test_a_check_is_one_replicas_at_a_time(world: World, store: Store, url: str) -> None:
    for number in range(10):
        await store.sellers.put_seller(replace(SELLER, id=f"A{number}"))
    await store.sellers.pause("A9", "revoked")
    async with await open_store(
        url, sealer=FakeSealer(), clock=world.clock, signals=RecordedSignals()
    ) as other:
        claims = await asyncio.gather(
            *(
                each.authorisations.claim_checks(limit=2, lease_ms=60_000)
                for each in (store, other, store, other, store, other)
            )
        )
    claimed = [seller.id for claim in claims for seller in claim]
    assert len(claimed) == len(set(claimed))
    assert "A9" not in claimed
    world.clock.at_ms += 60_000
    assert len(await store.authorisations.claim_checks(limit=100, lease_ms=60_000)) == 9


async def test_what_amazon_says_is_kept_and_a_wrong_region_pauses(
    world: World, store: Store
) -> None:
    await listen(store)
    await store.sellers.put_seller(replace(SELLER, marketplace_ids=()))
    at_ms = world.clock.now_ms() + DAY_MS
    good = Verdict(region="eu", marketplace_ids=("M1", "M2"))
    assert await store.authorisations.checked(
        replace(SELLER, marketplace_ids=()), good, again_at_ms=at_ms
    )
    (seller,) = await store.sellers.of("A1")
    assert (seller.marketplace_ids, seller.check_fault) == (("M1", "M2"), None)
    assert seller.checked_at_ms == world.clock.now_ms()
    assert not await store.authorisations.claim_checks(limit=9, lease_ms=1)
    wrong = Verdict(region="na", fault="wrong region", elsewhere=True)
    assert not await store.authorisations.checked(RENEWED, wrong, again_at_ms=at_ms)
    assert (await store.sellers.of("A1"))[0].state is SellerState.ACTIVE  # said of another token
    assert not await store.authorisations.checked(seller, wrong, again_at_ms=at_ms)
    assert not await store.authorisations.checked(seller, wrong, again_at_ms=at_ms)
    (seller,) = await store.sellers.of("A1")
    assert (seller.state, seller.paused_reason) == (SellerState.PAUSED, "wrong region")
    assert seller.paused_by is PausedBy.GATEWAY
    assert seller.check_fault == "wrong region"
    assert [one["type"] for one in await told(world)] == ["seller.paused"]
    await store.authorisations.authorise(RENEWED)
    assert len(await store.authorisations.claim_checks(limit=9, lease_ms=1)) == 1


def link_of(ending: Ending) -> str:
    return f"https://gateway.test/{ending.seller_id}/{ending.days_left}"


async def test_the_end_is_told_of_three_times_whoever_looks(
    world: World, store: Store, clock: FakeClock, url: str
) -> None:
    await listen(store)
    await store.sellers.put_seller(replace(SELLER, id="A0"))  # nobody knows since when
    await store.authorisations.authorise(SELLER)
    await store.authorisations.authorise(replace(SELLER, region="na"))
    began_ms = clock.now_ms()
    async with await open_store(
        url, sealer=FakeSealer(), clock=clock, signals=RecordedSignals()
    ) as other:
        for hour in range(24 * 370):
            if hour % 24 and hour < 24 * 330:
                continue  # nothing happens between, and each look costs
            if hour % 6:
                continue
            clock.at_ms = began_ms + hour * 3_600_000
            await asyncio.gather(
                store.authorisations.warn(link_of), other.authorisations.warn(link_of)
            )
    warnings = [one for one in await told(world) if one["type"] == "seller.authorisation_ending"]
    data = [one["data"] for one in warnings if one["data"]["region"] == "eu"]  # type: ignore[index]
    assert [one["days_left"] for one in data] == [30, 14, 3]  # type: ignore[index]
    assert [one["link"] for one in data] == [  # type: ignore[index]
        f"https://gateway.test/A1/{days}" for days in (30, 14, 3)
    ]
    assert len(warnings) == 6
    clock.at_ms = began_ms + 364 * DAY_MS
    await store.authorisations.authorise(RENEWED)
    assert await store.authorisations.warn(link_of) == 0
    clock.at_ms += 336 * DAY_MS
    assert await store.authorisations.warn(link_of) == 1


async def test_of_warnings_that_were_missed_the_last_is_told(world: World, store: Store) -> None:
    await listen(store)
    await store.authorisations.authorise(SELLER)
    world.clock.at_ms += 356 * DAY_MS
    assert await store.authorisations.warn(link_of) == 1
    assert await store.authorisations.warn(link_of) == 0
    last = (await told(world))[-1]["data"]
    assert last["days_left"] == 9  # type: ignore[index]
