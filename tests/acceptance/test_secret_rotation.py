"""The client secret is rotated under load, by two processes on one database: no call fails for it,
and the new secret lies nowhere in the clear."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import asyncpg
import orjson
import pytest

from gateway.clock import SystemClock, rfc3339
from gateway.store.schema import metadata
from tests.support.postgres import PostgresServer
from tests.support.world import World, numbered, open_world, order_change, pause

pytestmark = [pytest.mark.acceptance, pytest.mark.postgres]

ORDERS = 240


def expiry(client_id: str) -> str:
    now_ms = SystemClock().now_ms()
    return orjson.dumps(
        {
            "notificationVersion": "1.0",
            "notificationType": "APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY",
            "payloadVersion": "2023-11-30",
            "eventTime": rfc3339(now_ms),
            "payload": {
                "applicationOAuthClientSecretExpiry": {
                    "clientId": client_id,
                    "clientSecretExpiryTime": rfc3339(now_ms + 86_400_000),
                    "clientSecretExpiryReason": "PERIODIC_ROTATION",
                }
            },
            "notificationMetadata": {"notificationId": "expiry-1"},
        }
    ).decode()


async def test_a_rotation_under_load_fails_no_call_and_leaks_nothing(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    with postgres_server.database() as url:
        async with _opened(tmp_path, url) as world:
            world.folder.cli("db", "upgrade")
            secret, logs = await _run(world, replicas=2)
            _assert_nowhere(world, secret, [*logs, await _everything(url)])


async def test_a_rotation_on_sqlite_leaks_nothing_into_the_file(tmp_path: Path) -> None:
    async with _opened(tmp_path, None) as world:
        secret, logs = await _run(world, replicas=1)
        _assert_nowhere(world, secret, logs)
        assert (tmp_path / "gateway.db").exists()


def _opened(tmp_path: Path, url: str | None) -> AbstractAsyncContextManager[World]:
    # Tokens live for two seconds, so the secret is needed again and again.
    options = {"strict": True, "token_life_s": 2}
    return open_world(tmp_path, store_url=url, simulator_options=options)


async def _run(world: World, *, replicas: int) -> tuple[str, list[str]]:
    """Rotate with so many processes; return the new secret and their logs."""
    world.add_endpoint("/hook")
    running = [world.folder.start() for _ in range(replicas)]
    try:
        for replica in running:
            await replica.ready()
        secret = await _rotate_under_load(world)
        for replica in running:
            assert await replica.terminate() == 0, replica.tail()
    finally:
        for replica in running:
            replica.stop()
    logs = [replica.log.read_text() for replica in running]
    assert not any("invalid_client" in log or "gives no token" in log for log in logs)
    return secret, logs


async def _rotate_under_load(world: World) -> str:
    application = world.simulator.applications[0]
    received = world.receiver.received["/hook"]
    ids = list(numbered("n", ORDERS))
    bodies = [
        order_change(one, f"902-{number:07d}-0000001", "A1SIMULATORNA1")
        for number, one in enumerate(ids)
    ]
    await world.send(bodies[: ORDERS // 3])
    await world.send([expiry(application.client_id)])
    for start in range(ORDERS // 3, ORDERS, 20):
        await world.send(bodies[start : start + 20])
        await pause(0.4)
    await received.wait_for(
        lambda got: (
            got.types["order.created"] == ORDERS and got.types["client_secret.rotated"] == 1
        ),
        timeout_s=90,
        what="all orders and the rotation",
    )
    # The old one dies; who still used it would fail from now on.
    world.simulator.accounts.expire_secrets(application.client_id)
    await pause(2.5)
    await world.send([order_change("last", "902-9999999-0000001", "A1SIMULATORNA1")])
    await received.wait_for(
        lambda got: got.types["order.created"] == ORDERS + 1, timeout_s=30, what="the last order"
    )
    (now,) = [one for one in world.simulator.applications if one.id == application.id]
    assert now.client_secret != application.client_secret
    return now.client_secret


async def _everything(url: str) -> str:
    """The whole database as text; the key ring is not in it."""
    connection = await asyncpg.connect(url)
    try:
        rows = [
            row
            for table in metadata.sorted_tables
            for row in await connection.fetch(f"SELECT * FROM {table.name}")
        ]
    finally:
        await connection.close()
    return "\n".join(repr(tuple(row)) for row in rows)


def _assert_nowhere(world: World, secret: str, texts: Sequence[str]) -> None:
    bodies = [one.decode() for one in world.receiver.received["/hook"].bodies.values()]
    files = [
        one.read_bytes().decode(errors="replace")
        for one in world.folder.folder.rglob("*")
        if one.is_file()
    ]
    looked_at = (*texts, *bodies, *files)
    client_id = world.simulator.applications[0].client_id
    assert any(client_id in text for text in looked_at), "the search looks where it should"
    assert secret
    assert not [text[:80] for text in looked_at if secret in text]
