"""`gateway listen`: events come to the developer's machine with the signature of a webhook."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
from pathlib import Path

from standardwebhooks import Webhook

from gateway.access import Scope
from gateway.clock import SystemClock
from gateway.endpoints import Transport
from gateway.model import IdPrefix, NewEvent, new_id
from gateway.service.signals import Signals
from gateway.store import Store, open_store
from tests.conformance.store.world import FakeSealer
from tests.integration.admin.objects import make_endpoint, publish
from tests.integration.admin.world import open_world
from tests.integration.cli.conftest import Gateway
from tests.integration.cli.test_endpoints import Receiver, receiver
from tests.support.emulators import free_port
from tests.support.receivers import answer
from tests.support.receivers import receiver as wire_receiver

__all__ = ["receiver"]

ROOT = Path(__file__).parents[3]


async def _publish_when_listened(database: Path, kinds: list[str]) -> None:
    """Publish events as another process would, once an endpoint is there to pull them."""
    clock = SystemClock()
    async with await open_store(
        f"sqlite:///{database}", sealer=FakeSealer(), clock=clock, signals=Signals(), migrate=True
    ) as store:
        while not await _pulling(store):
            await asyncio.sleep(0.02)
        for kind in kinds:
            event = NewEvent(
                id=new_id(IdPrefix.EVENT, clock.now_ms()),
                type=kind,
                occurred_at_ms=clock.now_ms(),
                seller_id=None,
                marketplace_id=None,
                body=json.dumps({"type": kind}).encode(),
            )
            await store.outbox.publish(event)


async def _pulling(store: Store) -> bool:
    return any(one.transport is Transport.PULL for one in await store.endpoints.list())


def test_events_of_ones_own_gateway(gateway: Gateway, receiver: str, tmp_path: Path) -> None:
    kinds = ["order.packed", "report.ready", "order.sent"]
    publisher = threading.Thread(
        target=lambda: asyncio.run(_publish_when_listened(tmp_path / "gateway.db", kinds))
    )
    gateway("endpoints", "list")  # makes the database
    publisher.start()
    told = gateway("listen", "--forward", f"{receiver}/ok", "--events", "order.*", "--count", "2")
    publisher.join()
    assert (told["accepted"], told["failed"]) == (2, 0)
    bodies = [json.loads(body)["type"] for _, body in Receiver.got]
    assert bodies == ["order.packed", "order.sent"]
    assert gateway("endpoints", "list")["items"] == []
    removed, made = gateway("audit", "list", "--object", told["id"])["items"]
    assert (made["action"], removed["action"]) == ("endpoint.create", "endpoint.delete")


def test_what_cant_be_listened_to(gateway: Gateway, tmp_path: Path) -> None:
    added = gateway("endpoints", "add", "http://127.0.0.1:9/hook")
    forward = ("--forward", "http://127.0.0.1:9")
    assert gateway.fails(2, "listen", "--forward", "localhost:3000")
    assert gateway.fails(3, "listen", *forward, "--endpoint", added["id"])
    assert gateway.fails(1, "listen", *forward, "--endpoint", "ep_0")
    assert gateway.fails(2, "listen", *forward, "--gateway", "http://127.0.0.1:9")
    missing = str(tmp_path / "none")
    assert gateway.fails(
        2, "listen", *forward, "--gateway", "http://127.0.0.1:9", "--key-file", missing
    )


async def _started(
    arguments: list[str], folder: Path, key: str
) -> tuple[asyncio.subprocess.Process, str]:
    """Start listening to another gateway; return once it does, with the secret it told."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "listen", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "GATEWAY_API_KEY": key},
    )  # fmt: skip
    assert process.stderr is not None
    secret = ""
    while True:
        line = (await process.stderr.readline()).decode()
        assert line, "it ended before it listened"
        if "whsec_" in line:
            secret = line.rpartition(" ")[2].strip()
        if line.startswith("Listening"):
            return process, secret


async def test_another_gateway_until_a_signal(tmp_path: Path) -> None:
    async with (
        open_world(tmp_path, clock=SystemClock()) as world,
        wire_receiver(answer(204), answer(500, body=b"broken")) as got,
    ):
        caller = await world.caller(Scope.WRITE)
        key = caller.headers["Authorization"].removeprefix("Bearer ")
        process, secret = await _started(
            ["--forward", got.url(), "--gateway", world.base], tmp_path, key
        )
        events = [await publish(world, "a.b", b'{"n": 1}') for _ in range(2)]
        assert process.stdout is not None
        lines = [(await process.stdout.readline()).decode() for _ in events]
        assert [line.split()[1] for line in lines] == ["204", "500"]
        assert "broken" in lines[1]
        for event, request in zip(events, got.requests, strict=True):
            told = Webhook(secret).verify(request.body.decode(), request.headers)
            assert told == {"n": 1}
            assert request.headers["webhook-id"] == event.id
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
        assert process.returncode == 0, err
        assert "1 accepted, 1 failed." in out.decode()
        assert list(await world.store.endpoints.list()) == []
        assert key.encode() not in err + out + "".join(lines).encode()


async def test_it_waits_for_the_server_and_loses_nothing_meanwhile(tmp_path: Path) -> None:
    port = free_port()
    async with open_world(tmp_path, clock=SystemClock()) as world:
        endpoint = await make_endpoint(
            world, None, transport=Transport.PULL, url="", event_types=()
        )
        caller = await world.caller(Scope.WRITE)
        key = caller.headers["Authorization"].removeprefix("Bearer ")
        forward = f"http://127.0.0.1:{port}/hook"
        process, _ = await _started(
            ["--forward", forward, "--gateway", world.base, "--endpoint", endpoint.id,
             "--count", "1", "--json"],
            tmp_path, key,
        )  # fmt: skip
        event = await publish(world, "a.b")
        assert process.stderr is not None
        assert b"trying again" in await process.stderr.readline()
        got: list[str] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            got.append((await reader.readuntil(b"\r\n\r\n")).decode().lower())
            writer.write(answer(200, headers={"Connection": "close"}))
            await writer.drain()
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", port):
            out, err = await process.communicate()
        assert process.returncode == 0, err
        assert json.loads(out) == {"id": endpoint.id, "accepted": 1, "failed": 0}
        assert f"webhook-id: {event.id}" in got[0]
        (consumer,) = await world.store.feeds.consumers(endpoint.id)
        assert (consumer.name, consumer.behind) == ("listen", 0)
        assert (await world.store.endpoints.get(endpoint.id)).id == endpoint.id
