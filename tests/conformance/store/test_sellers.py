from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.errors import NotFoundError
from gateway.model import Application, Seller, SellerState
from gateway.store import Store
from tests.conformance.store.world import World

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


async def test_rotation_seals_all_again_and_can_be_repeated(world: World, store: Store) -> None:
    await store.sellers.put_seller(SELLER)
    await store.sellers.put_seller(replace(SELLER, region="eu"))
    await store.sellers.put_application(APPLICATION)
    await world.accept(world.arrival(secret=True, body=b"s"), world.arrival(), world.unreadable())
    store.rotation._sealer.generation = 2  # type: ignore[attr-defined]
    heard: list[int] = []
    assert await store.rotation.reseal(heard.append) == 5
    assert heard[-1] == 5
    assert await store.rotation.reseal() == 0
    assert len(await store.sellers.sellers()) == 2
    assert await store.sellers.application("app") == APPLICATION
    bodies = {c.notification.body for c in (await world.claim()).items}
    assert bodies == {b"s", b'{"n":1}'}
    for table, column in (("sellers", "sealed_refresh_token"), ("quarantine", "body")):
        rows = await world.rows(f"SELECT {column} FROM {table}")
        assert all(bytes(row[0]).startswith(b"sealed2") for row in rows)  # type: ignore[call-overload]
