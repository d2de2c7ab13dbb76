from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.endpoints import Endpoint, EndpointSecret, EndpointState
from gateway.errors import ConflictError, NotFoundError
from gateway.store import Store
from tests.conformance.store.world import World


def _secret(name: str = "sec_1") -> EndpointSecret:
    return EndpointSecret(id=name, kind="v1", key_bytes=b"k" * 32, created_at_ms=1)


async def test_all_of_an_endpoint_is_kept(store: Store) -> None:
    endpoint = Endpoint(
        id="ep_1",
        url="https://example.com/a?b=c",
        description="Orders",
        event_types=("order.*", "report.ready"),
        seller_ids=("A1",),
        state=EndpointState.DISABLED,
        disabled_reason="by hand",
        concurrency=7,
        timeout_s=2.5,
        schedule_s=(0.0, 5.0),
        headers={"X-Team": "ops"},
        created_at_ms=3,
        updated_at_ms=4,
        secrets=(_secret(),),
    )
    await store.endpoints.add(endpoint)
    assert await store.endpoints.get("ep_1") == endpoint
    with pytest.raises(ConflictError):
        await store.endpoints.add(endpoint)


async def test_secrets_are_sealed(world: World) -> None:
    await world.endpoint(secrets=[_secret()])
    ((sealed,),) = await world.rows("SELECT sealed_key FROM endpoint_secrets")
    assert b"kkk" not in bytes(sealed)  # type: ignore[call-overload]


async def test_own_headers_are_sealed_and_those_of_older_rows_are_read(
    world: World, store: Store
) -> None:
    endpoint = Endpoint(id="ep_1", url="https://a.example", headers={"X-Api-Key": "hush-hush"})
    await store.endpoints.add(endpoint)
    ((plain, sealed),) = await world.rows("SELECT headers, sealed_credentials FROM endpoints")
    assert plain == "{}"
    assert b"hush" not in bytes(sealed)  # type: ignore[call-overload]
    assert (await store.endpoints.get(endpoint.id)).headers == {"X-Api-Key": "hush-hush"}

    older = """UPDATE endpoints SET headers = '{"X-Route": "blue"}', sealed_credentials = NULL"""
    await world.change(older)
    assert (await store.endpoints.get(endpoint.id)).headers == {"X-Route": "blue"}
    await store.endpoints.update(await store.endpoints.get(endpoint.id))
    ((plain,),) = await world.rows("SELECT headers FROM endpoints")
    assert plain == "{}"
    assert (await store.endpoints.get(endpoint.id)).headers == {"X-Route": "blue"}


async def test_secrets_come_and_expire(world: World, store: Store) -> None:
    endpoint = await world.endpoint(secrets=[_secret("sec_1")])
    await store.endpoints.add_secret(endpoint.id, _secret("sec_2"))
    await store.endpoints.expire_secret(endpoint.id, "sec_1", 99)
    _, (stored,) = await store.endpoints.all_with_secrets()
    assert {s.id: s.expires_at_ms for s in stored.secrets} == {"sec_1": 99, "sec_2": None}
    with pytest.raises(NotFoundError):
        await store.endpoints.expire_secret(endpoint.id, "sec_9", 99)
    with pytest.raises(NotFoundError):
        await store.endpoints.add_secret("ep_none", _secret("sec_3"))


async def test_each_change_makes_another_version(world: World, store: Store) -> None:
    versions = [await store.endpoints.version()]
    endpoint = await world.endpoint()
    versions.append(await store.endpoints.version())
    await store.endpoints.update(replace(endpoint, description="x"))
    versions.append(await store.endpoints.version())
    await store.endpoints.add_secret(endpoint.id, _secret())
    versions.append(await store.endpoints.version())
    await store.endpoints.expire_secret(endpoint.id, "sec_1", 1)
    versions.append(await store.endpoints.version())
    await store.endpoints.delete(endpoint.id)
    versions.append(await store.endpoints.version())
    assert len(set(versions)) == 6
    assert (await store.endpoints.all_with_secrets()) == (versions[-1], [])


async def test_update_keeps_secrets_and_creation(world: World, store: Store) -> None:
    endpoint = await world.endpoint(secrets=[_secret()])
    world.clock.at_ms += 50
    await store.endpoints.update(replace(endpoint, url="https://b", created_at_ms=0, secrets=()))
    stored = await store.endpoints.get(endpoint.id)
    assert (stored.url, stored.created_at_ms) == ("https://b", endpoint.created_at_ms)
    assert stored.updated_at_ms == world.clock.at_ms
    assert stored.secrets == (_secret(),)


async def test_what_is_gone_is_named(store: Store) -> None:
    for work in (
        store.endpoints.get("ep_x"),
        store.endpoints.delete("ep_x"),
        store.endpoints.update(Endpoint(id="ep_x", url="https://a")),
    ):
        with pytest.raises(NotFoundError, match="ep_x"):
            await work


async def test_pages_join_without_gap(world: World, store: Store) -> None:
    ids = sorted([(await world.endpoint()).id for _ in range(5)])
    first = await store.endpoints.list(limit=3)
    rest = await store.endpoints.list(after=first[-1].id, limit=3)
    assert [e.id for e in (*first, *rest)] == ids


async def test_an_endpoint_enabled_again_starts_with_a_clean_record(
    world: World, store: Store
) -> None:
    endpoint = await world.endpoint()
    await world.change(
        "UPDATE endpoint_health SET consecutive_failures = 9, first_failure_at_ms = 1,"
        " paused_until_ms = 99"
    )
    await store.endpoints.update(replace(endpoint, description="still enabled"))
    assert (await store.queries.endpoint_health())[0].consecutive_failures == 9
    await store.endpoints.update(replace(endpoint, state=EndpointState.DISABLED))
    await store.endpoints.update(endpoint)
    (health,) = await store.queries.endpoint_health()
    assert (health.consecutive_failures, health.first_failure_at_ms) == (0, None)
    assert health.paused_until_ms is None
