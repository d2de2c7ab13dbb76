"""The demo's world in one process: local SQS and SP-API, a receiver, and a gateway on SQLite."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.aws.credentials import Credentials, FixedCredentials
from gateway.aws.factory import open_queue
from gateway.delivery.signing import encode_secret, new_secret
from gateway.endpoints import Endpoint
from gateway.model import IdPrefix, new_id
from gateway.service.process import ALL_ROLES, serve
from gateway.settings import load
from gateway.simulator.receiver import Tally, WebhookReceiver
from gateway.simulator.server import Simulator
from gateway.worker.stop import Stop

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.service.compose import Gateway
    from gateway.settings import Settings
    from gateway.store import Store

QUEUE = "notifications"
HOOK = "/webhooks"
_CREDENTIALS = FixedCredentials(
    Credentials(access_key="local", secret_key="local")  # noqa: S106 opens nothing
)
_DRAIN_S = 5


@dataclass(frozen=True, kw_only=True)
class World:
    """Everything that runs, for the story to use.

    Attributes:
        config: The settings that the gateway runs with; other commands work with them too.
    """

    simulator: Simulator
    receiver: WebhookReceiver
    store: Store
    config: Path
    admin_url: str
    clock: Clock

    @property
    def tally(self) -> Tally:
        """What came to the endpoint."""
        return self.receiver.tally(HOOK)

    def follow_up_calls(self) -> int:
        """How many SP-API calls the local SP-API counted."""
        return sum(calls.count for calls in self.simulator.calls.values())

    def throttled(self) -> int:
        """How many calls it refused because a usage plan was exceeded."""
        return sum(calls.throttled for calls in self.simulator.calls.values())

    async def send(self, bodies: Sequence[str], sent: Callable[[int], None]) -> None:
        """Put messages into the queue over HTTP, telling `sent` how many each time."""
        queue = open_queue(
            self.simulator.queue_url(QUEUE),
            region="us-east-1",
            endpoint_url=self.simulator.sqs_url,
            credentials=_CREDENTIALS,
            clock=self.clock,
        )
        try:
            for start in range(0, len(bodies), 10):
                batch = bodies[start : start + 10]
                await queue.send(batch)
                sent(len(batch))
        finally:
            await queue.aclose()


@asynccontextmanager
async def open_world(folder: Path, *, clock: Clock) -> AsyncIterator[World]:
    """Start everything; a gateway that stops by itself ends the body with its error."""
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(Simulator(queues=[QUEUE], clock=clock))
        receiver = await stack.enter_async_context(WebhookReceiver(clock=clock))
        config = folder / "gateway.toml"
        config.write_text(_settings_text(folder, simulator), encoding="utf-8")
        settings = load(config, {}).settings
        gateway, port = await stack.enter_async_context(_running(settings, clock))
        await _add_endpoint(gateway.store, receiver, clock)
        yield World(
            simulator=simulator,
            receiver=receiver,
            store=gateway.store,
            config=config,
            admin_url=f"http://{settings.admin.host}:{port}",
            clock=clock,
        )


@asynccontextmanager
async def _running(settings: Settings, clock: Clock) -> AsyncIterator[tuple[Gateway, int]]:
    """Run the gateway beside the body, and drain it afterwards."""
    stop = Stop()
    ready: asyncio.Future[tuple[Gateway, int]] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        group.create_task(
            serve(
                settings,
                ALL_ROLES,
                stop,
                clock=clock,
                credentials=_CREDENTIALS,
                ready=lambda gateway, port: ready.set_result((gateway, port)),
            ),
            name="gateway",
        )
        try:
            yield await ready
        finally:
            stop.request(drain_s=_DRAIN_S)


async def _add_endpoint(store: Store, receiver: WebhookReceiver, clock: Clock) -> None:
    now_ms = clock.now_ms()
    secret = new_secret(now_ms)
    receiver.trust(HOOK, encode_secret(secret))
    await store.endpoints.add(
        Endpoint(
            id=new_id(IdPrefix.ENDPOINT, now_ms),
            url=receiver.url(HOOK),
            description="the demo's receiver",
            concurrency=16,
            created_at_ms=now_ms,
            updated_at_ms=now_ms,
            secrets=(secret,),
        )
    )


def _settings_text(folder: Path, simulator: Simulator) -> str:
    """Return the demo's gateway.toml."""
    queue = {
        "url": simulator.queue_url(QUEUE),
        "region": "us-east-1",
        "endpoint_url": simulator.sqs_url,
        "wait_s": 2,
    }
    delivery = {
        "allow_http": True,
        "allow_private_cidrs": ["127.0.0.0/8"],
        "allowed_ports": ["1-65535"],
    }
    spapi = {"endpoint": simulator.spapi_url, "lwa_endpoint": simulator.lwa_url}
    tables: list[tuple[str, Mapping[str, Any]]] = [
        ("[store]", {"url": f"sqlite:///{folder / 'gateway.db'}"}),
        ("[[queues]]", queue),
        ("[spapi]", spapi),
        ("[delivery]", delivery),
        ("[admin]", {"port": 0}),
        ("[service]", {"drain_s": _DRAIN_S}),
        ("[logging]", {"level": "warning", "format": "console"}),
        *_who_is_who(simulator),
    ]
    return "\n".join(
        "\n".join([header, *(f"{key} = {json.dumps(value)}" for key, value in values.items()), ""])
        for header, values in tables
    )


def _who_is_who(simulator: Simulator) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the tables of the simulator's application and sellers."""
    [application] = simulator.applications
    yield (
        "[[applications]]",
        {
            "id": "demo",
            "client_id": application.client_id,
            "client_secret": application.client_secret,
        },
    )
    for seller in simulator.sellers:
        yield (
            "[[sellers]]",
            {
                "id": seller.id,
                "application": "demo",
                "region": seller.region,
                "refresh_token": seller.refresh_token,
                "marketplaces": list(seller.marketplaces),
            },
        )
