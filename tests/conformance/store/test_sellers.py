from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from gateway.endpoints import Endpoint
from gateway.errors import ConflictError, NotFoundError
from gateway.model import Application, PausedBy, Seller, SellerState
from gateway.store import Store
from gateway.store.sellers import SellerFilter
from tests.conformance.store.world import RecordedSignals, World

SELLER = Seller(
    id="A1",
    application_id="app",
    region="na",
    refresh_token="Atzr|secret",
    marketplace_ids=("ATVPDKIKX0DER",),
)
APPLICATION = Application(id="app", client_id="amzn1.client", client_secret="amzn1.secret")


async def test_what_is_put_comes_back(store: Store) -> None:
    europe = replace(SELLER, region="eu", refresh_token="Atzr|other")
    for seller in (SELLER, europe):
        await store.sellers.put_seller(seller)
    assert await store.sellers.of("A1") == [europe, SELLER]
    assert await store.sellers.seller("A1", "na") == SELLER
    assert await store.sellers.seller("A1") == europe
    assert await store.sellers.seller("A1", "fe") is None
    assert await store.sellers.sellers() == [europe, SELLER]
    await store.sellers.put_application(APPLICATION)
    assert await store.sellers.applications() == [APPLICATION]
    assert await store.sellers.application("app") == APPLICATION
    assert await store.sellers.application("none") is None
    changed = replace(APPLICATION, client_secret="new")
    await store.sellers.put_application(changed)
    assert await store.sellers.application("app") == changed


async def test_nothing_of_them_stands_in_the_clear(world: World, store: Store) -> None:
    await store.sellers.put_seller(SELLER)
    await store.sellers.put_application(APPLICATION)
    ((token,),) = await world.rows("SELECT sealed_refresh_token FROM sellers")
    ((secret,),) = await world.rows("SELECT sealed_client_secret FROM applications")
    assert b"Atzr" not in bytes(token)  # type: ignore[call-overload]
    assert b"amzn1.secret" not in bytes(secret)  # type: ignore[call-overload]


async def test_a_pause_holds_until_a_new_authorisation(store: Store) -> None:
    await store.sellers.put_seller(SELLER)
    await store.sellers.pause("A1", "revoked")
    await store.sellers.put_seller(SELLER)
    (paused,) = await store.sellers.of("A1")
    assert (paused.state, paused.paused_reason) == (SellerState.PAUSED, "revoked")
    await store.sellers.put_seller(replace(SELLER, refresh_token="Atzr|new"))
    (active,) = await store.sellers.of("A1")
    assert (active.state, active.paused_reason) == (SellerState.ACTIVE, None)
    await store.sellers.pause("A1", "again")
    await store.sellers.resume("A1")
    assert (await store.sellers.of("A1"))[0].state is SellerState.ACTIVE
    with pytest.raises(NotFoundError):
        await store.sellers.pause("A9", "who?")


async def test_an_operators_pause_holds_until_it_is_resumed(store: Store) -> None:
    async def paused() -> tuple[str | None, PausedBy | None]:
        (seller,) = await store.sellers.of("A1")
        (view,) = await store.sellers.list()
        assert (view.state, view.paused_reason, view.paused_by) == (
            seller.state,
            seller.paused_reason,
            seller.paused_by,
        )
        return seller.paused_reason, seller.paused_by

    await store.sellers.give_seller(SELLER)
    await store.sellers.pause("A1", "invalid_grant: revoked")
    assert await paused() == ("invalid_grant: revoked", PausedBy.GATEWAY)
    held = ("invalid_grant: they owe us", PausedBy.OPERATOR)
    await store.sellers.pause("A1", held[0], by=PausedBy.OPERATOR)
    assert await paused() == held
    await store.sellers.pause("A1", "invalid_grant: revoked", region="na")
    assert await paused() == held  # which would end by a new token
    await store.sellers.give_seller(replace(SELLER, refresh_token="Atzr|typed-in"))
    assert await paused() == held
    await store.sellers.put_seller(replace(SELLER, refresh_token="Atzr|by-command"))
    assert await paused() == held
    await store.sellers.change("A1", tag=["gold"])
    assert await paused() == held
    await store.sellers.resume("A1")
    assert await paused() == (None, None)
    (seller,) = await store.sellers.of("A1")
    assert (seller.state, seller.refresh_token) == (SellerState.ACTIVE, "Atzr|by-command")


async def test_a_pause_of_a_release_that_does_not_know_who_made_it_ends_by_a_new_token(
    world: World, store: Store
) -> None:
    await store.sellers.put_seller(SELLER)
    await world.change("UPDATE sellers SET state = 'paused', paused_reason = 'x'")
    assert [one.paused_by for one in await store.sellers.list()] == ["gateway"]
    await store.sellers.put_seller(replace(SELLER, refresh_token="Atzr|new"))
    assert [one.state for one in await store.sellers.list()] == ["active"]


async def test_a_token_of_the_settings_never_brings_back_one_that_was_replaced(
    store: Store,
) -> None:
    await store.sellers.give_seller(SELLER)
    await store.authorisations.authorise(replace(SELLER, refresh_token="Atzr|by-consent"))
    await store.sellers.give_seller(SELLER)  # a restart
    (kept,) = await store.sellers.of("A1")
    assert kept.refresh_token == "Atzr|by-consent"
    assert kept.authorised_at_ms is not None
    await store.sellers.give_seller(replace(SELLER, refresh_token="Atzr|typed-in"))
    (changed,) = await store.sellers.of("A1")
    assert changed.refresh_token == "Atzr|typed-in"
    assert changed.authorised_at_ms is None


async def test_settings_that_change_nothing_wake_nobody(
    store: Store, signals: RecordedSignals
) -> None:
    await store.sellers.give_seller(replace(SELLER, tags=("gold",)))
    assert "sellers" in signals.topics
    signals.topics.clear()
    await store.sellers.give_seller(replace(SELLER, marketplace_ids=()))
    assert signals.topics == []
    (kept,) = await store.sellers.of("A1")
    assert (kept.tags, kept.marketplace_ids) == (("gold",), ("ATVPDKIKX0DER",))


async def test_tags_are_changed_and_found_by(store: Store) -> None:
    for name in ("A1", "A2", "A3"):
        await store.sellers.put_seller(replace(SELLER, id=name))
    await store.sellers.put_seller(replace(SELLER, region="eu"))
    await store.sellers.change("A1", tag=["gold", "a_b"], untag=["other"])
    await store.sellers.change("A2", tag=["golden", "axb"])
    await store.sellers.change("A1", region="eu", untag=["gold"], marketplace_ids=["M1"])

    async def found(**wanted: str) -> list[str]:
        listed = await store.sellers.list(SellerFilter(**wanted))
        return [one.cursor for one in listed]

    assert await found(tag="gold") == ["A1:na"]
    assert await found(tag="a_b") == ["A1:eu", "A1:na"]
    assert await found(region="eu") == ["A1:eu"]
    assert await found(seller_id="A2") == ["A2:na"]
    assert await found(application_id="other") == []
    assert await store.sellers.list(after="A1:eu", limit=2) == [
        one for one in await store.sellers.list() if one.cursor in {"A1:na", "A2:na"}
    ]
    (europe,) = await store.sellers.list(SellerFilter(region="eu"))
    assert (europe.tags, europe.marketplace_ids) == (("a_b",), ("M1",))
    with pytest.raises(NotFoundError):
        await store.sellers.change("A9", tag=["gold"])


async def test_thousands_are_listed_page_by_page(store: Store) -> None:
    names = [f"A{number:04d}" for number in range(2_000)]
    for start in range(0, 2_000, 200):
        await asyncio.gather(
            *(
                store.sellers.put_seller(replace(SELLER, id=name))
                for name in names[start : start + 200]
            )
        )
    seen: list[str] = []
    after = None
    while page := await store.sellers.list(after=after, limit=300):
        seen += [one.id for one in page]
        after = page[-1].cursor
    assert seen == names


async def test_a_pause_of_one_region_leaves_the_others(store: Store) -> None:
    await store.sellers.put_seller(SELLER)
    await store.sellers.put_seller(replace(SELLER, region="eu"))
    await store.sellers.pause("A1", "revoked", region="eu")
    states = {one.region: one.state for one in await store.sellers.of("A1")}
    assert states == {"eu": SellerState.PAUSED, "na": SellerState.ACTIVE}
    with pytest.raises(NotFoundError):
        await store.sellers.pause("A1", "revoked", region="fe")


async def test_a_seller_goes_with_what_is_known_of_it(world: World, store: Store) -> None:
    for seller in (SELLER, replace(SELLER, region="eu"), replace(SELLER, id="A2")):
        await store.sellers.put_seller(seller)
    await store.subscriptions.put("sub-1", seller_id="A1", application_id="app")
    await store.subscriptions.put("sub-2", seller_id="A2", application_id="app")
    with pytest.raises(ConflictError, match="sub-1"):
        await store.sellers.remove("A1")
    assert len(await store.sellers.of("A1")) == 2

    await store.sellers.remove("A1", region="eu", leave_subscriptions=True)
    assert [one.region for one in await store.sellers.of("A1")] == ["na"]
    assert await world.rows("SELECT id FROM subscriptions ORDER BY id") == [("sub-1",), ("sub-2",)]
    await store.sellers.remove("A1", leave_subscriptions=True)
    assert [one.id for one in await store.sellers.sellers()] == ["A2"]
    assert await world.rows("SELECT id FROM subscriptions") == [("sub-2",)]
    with pytest.raises(NotFoundError):
        await store.sellers.remove("A1")


async def test_operators_are_told_of_each_pause_once(world: World, store: Store) -> None:
    await store.endpoints.add(
        Endpoint(
            id="ep_1", url="https://example.com/hook", operator=True, event_types=("seller.*",)
        )
    )
    await store.sellers.put_seller(SELLER)
    await store.sellers.put_seller(replace(SELLER, region="eu"))
    await store.sellers.pause("A1", "invalid_grant", region="eu")
    world.clock.at_ms += 1
    await store.sellers.pause("A1", "by the operator")
    await store.sellers.pause("A1", "again")
    bodies = await world.rows("SELECT body FROM events ORDER BY id")
    told = [json.loads(bytes(body)) for (body,) in bodies]  # type: ignore[call-overload]
    assert [one["type"] for one in told] == ["seller.paused", "seller.paused"]
    assert [one["data"] for one in told] == [
        {"seller": "A1", "region": "eu", "application": "app", "reason": "invalid_grant"},
        {"seller": "A1", "region": "na", "application": "app", "reason": "by the operator"},
    ]


async def test_rotation_seals_all_again_and_can_be_repeated(world: World, store: Store) -> None:
    await store.sellers.put_seller(SELLER)
    await store.sellers.give_seller(replace(SELLER, region="eu"))
    await store.sellers.put_application(APPLICATION)
    await world.accept(world.arrival(secret=True, body=b"s"), world.arrival(), world.unreadable())
    store.rotation._sealer.generation = 2  # type: ignore[attr-defined]
    heard: list[int] = []
    assert await store.rotation.reseal(heard.append) == 7
    assert heard[-1] == 7
    assert await store.rotation.reseal() == 0
    assert len(await store.sellers.sellers()) == 2
    assert await store.sellers.application("app") == APPLICATION
    bodies = {c.notification.body for c in (await world.claim()).items}
    assert bodies == {b"s", b'{"n":1}'}
    for table, column in (("sellers", "sealed_refresh_token"), ("quarantine", "body")):
        rows = await world.rows(f"SELECT {column} FROM {table}")
        assert all(bytes(row[0]).startswith(b"sealed2") for row in rows)  # type: ignore[call-overload]
