"""A backup taken while the gateway works, put back elsewhere: what was committed before is there."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.postgres import PostgresServer, client_programs
from tests.support.processes import GatewayFolder
from tests.support.world import World, numbered, open_world, pause, pricing_health

pytestmark = [pytest.mark.acceptance]

COUNT = 400


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store_urls(request: pytest.FixtureRequest) -> Iterator[tuple[str | None, str | None]]:
    """Where the gateway works, and where the backup is put back."""
    if request.param == "sqlite":
        yield None, None
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.database() as url, server.database() as restored:
        yield url, restored


async def test_a_backup_of_a_working_gateway_loses_nothing_that_was_committed(
    tmp_path: Path, store_urls: tuple[str | None, str | None]
) -> None:
    """One customer's endpoint is disabled until after the restore, and gets all of it then."""
    url, restored_url = store_urls
    async with open_world(tmp_path, store_url=url) as world:
        world.folder.extra_env["PATH"] = f"{client_programs()}:{world.folder.environ()['PATH']}"
        world.folder.cli("db", "upgrade")
        world.add_endpoint("/hook")
        later = world.add_endpoint("/later")["id"]
        world.folder.cli("endpoints", "update", later, "--disable")
        committed, manifest = await _backed_up_at_work(world)
        restored = await _restored(world, restored_url)
        restored.cli("endpoints", "update", later, "--enable")
        got = world.receiver.received["/later"]
        async with _running(restored):
            await got.wait_for(
                lambda now: committed.keys() <= now.events_of.keys(),
                timeout_s=60,
                what="the events that were committed",
            )
        # The very events that the other customer has got already, under the same ids.
        assert {one: got.events_of[one] for one in committed} == committed
        assert not got.unverified
        assert manifest["rows"]["notifications"] >= len(committed)


async def _backed_up_at_work(world: World) -> tuple[dict[str, set[str]], dict[str, Any]]:
    """Back up in the middle of the work; return what had been delivered before, and the manifest."""
    received = world.receiver.received["/hook"]
    async with _running(world.folder):
        sending = asyncio.create_task(_send_slowly(world))
        await received.wait_for(
            lambda got: len(got.events_of) >= COUNT // 4, timeout_s=60, what="the first events"
        )
        committed = {one: set(ids) for one, ids in received.events_of.items()}
        manifest = await asyncio.to_thread(world.folder.cli, "db", "backup", "taken.backup")
        # Somebody was at work all the while, and went on.
        assert len(received.events_of) > len(committed)
        await sending
    return committed, manifest


async def _send_slowly(world: World) -> None:
    for one in numbered("n", COUNT):
        await world.send([pricing_health(one)])
        await pause(0.01)


async def _restored(world: World, url: str | None) -> GatewayFolder:
    """Do what docs/upgrading.md says, in another folder, on another queue."""
    folder = world.folder.folder / "restored"
    folder.mkdir()
    taken = world.folder.folder / "taken.backup"
    shutil.copy(world.folder.folder / "sealing.keys", folder / "sealing.keys")
    if url is None:
        shutil.copy(taken, folder / "gateway.db")
    else:
        subprocess.run(
            [
                client_programs() / "pg_restore",
                "--no-owner",
                "--single-transaction",
                f"--dbname={url}",
                taken,
            ],
            check=True,
        )
    queue = await world.sqs.create_queue(QueueName="restored")
    restored = replace(
        world.folder,
        folder=folder,
        store_url=url or f"sqlite:///{folder / 'gateway.db'}",
        queue_urls=[queue["QueueUrl"]],
    )
    restored.write()
    return restored


@asynccontextmanager
async def _running(folder: GatewayFolder) -> AsyncIterator[None]:
    gateway = folder.start()
    try:
        await gateway.ready()
        yield
        gateway.kill()
    finally:
        gateway.stop()
