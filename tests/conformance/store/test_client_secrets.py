from __future__ import annotations

from gateway.model import Application, HandlingState
from gateway.results import HandlingResult, RotatedSecret
from gateway.store import Store
from tests.conformance.store.world import FakeSealer, World

CLIENT = "amzn1.application-oa2-client.1"


def _given(secret: str) -> Application:
    return Application(id="main", client_id=CLIENT, client_secret=secret)


async def _rotate(world: World, secret: str, *, expires: int = 500, token: int = 0) -> None:
    await world.accept(world.arrival())
    (claimed,) = (await world.claim()).items
    rotated = RotatedSecret(
        client_id=CLIENT,
        client_secret=secret,
        expires_at_ms=expires,
        old_expires_at_ms=expires - 100,
    )
    await world.settle(
        HandlingResult(
            id=claimed.id,
            token=claimed.token + token,
            state=HandlingState.HANDLED,
            tries=0,
            secrets=[rotated],
        )
    )


async def _secrets(store: Store) -> tuple[str, str | None, int | None]:
    found = await store.sellers.application("main")
    assert found is not None
    return found.client_secret, found.old_client_secret, found.old_expires_at_ms


async def test_a_new_secret_is_in_use_and_the_old_one_kept(world: World, store: Store) -> None:
    await store.sellers.put_application(_given("one"))
    await _rotate(world, "two")
    assert await _secrets(store) == ("two", "one", 400)
    rows = await world.rows("SELECT sealed_client_secret, sealed_old_secret FROM applications")
    assert all(b"one" not in bytes(v) and b"two" not in bytes(v) for v in rows[0])  # type: ignore[arg-type]


async def test_a_restart_doesnt_bring_the_old_one_back(world: World, store: Store) -> None:
    await store.sellers.put_application(_given("one"))
    await _rotate(world, "two")
    await store.sellers.put_application(_given("one"))
    assert await _secrets(store) == ("two", "one", 400)
    await store.sellers.put_application(_given("two"))
    assert await _secrets(store) == ("two", "one", 400)
    await store.sellers.put_application(_given("three"))
    assert await _secrets(store) == ("three", None, None)


async def test_the_same_and_older_ones_change_nothing(world: World, store: Store) -> None:
    await store.sellers.put_application(_given("one"))
    await _rotate(world, "two")
    await _rotate(world, "two", expires=900)
    await _rotate(world, "older", expires=400)
    assert await _secrets(store) == ("two", "one", 400)
    await _rotate(world, "three", expires=1000)
    assert await _secrets(store) == ("three", "two", 900)


async def test_a_late_result_changes_nothing(world: World, store: Store) -> None:
    await store.sellers.put_application(_given("one"))
    await _rotate(world, "two", token=1)
    assert await _secrets(store) == ("one", None, None)


async def test_an_unknown_client_is_no_fault(world: World, store: Store) -> None:
    await _rotate(world, "two")
    assert await store.sellers.applications() == []


async def test_all_of_them_are_sealed_again(world: World, store: Store) -> None:
    await store.sellers.put_application(_given("one"))
    await _rotate(world, "two")
    newer = FakeSealer(2)
    store.rotation._sealer = newer  # type: ignore[assignment]
    assert await store.rotation.reseal() == 3
    store.sellers._sealer = newer  # type: ignore[assignment]
    assert await _secrets(store) == ("two", "one", 400)
