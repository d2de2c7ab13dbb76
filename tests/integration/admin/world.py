"""The HTTP API on a real port and a real store, with keys of every kind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from pydantic import BaseModel

from gateway.access import Scope, new_api_key
from gateway.admin.api import AmazonDesk, Api
from gateway.admin.checking import GuardedEndpoints
from gateway.admin.gate import Gate
from gateway.admin.openapi import document
from gateway.admin.server import AdminServer
from gateway.admin.serving import middleware, served
from gateway.admin.table import ROUTES
from gateway.admin.waiting import WaitingRoom
from gateway.clock import Clock
from gateway.delivery.sender import Sender
from gateway.dispatch.registry import Registry
from gateway.handling import Context, Notification
from gateway.jobs.desk import JobDesk
from gateway.onboarding.tickets import Intent
from gateway.retention.counting import Counting, CountsInTurn
from gateway.retention.finding import Finding
from gateway.retention.looking import Looking
from gateway.retention.subject import Mentions
from gateway.routing import Router
from gateway.service.signals import FEEDS, Signals
from gateway.store import Store, open_store
from gateway.subscriptions.declaration import Declaration, DeclaredDestination
from gateway.subscriptions.desired import Declared
from gateway.telemetry.metrics import Metrics
from tests.conformance.store.world import FakeSealer
from tests.integration.delivery.conftest import LOOPBACK, FixedResolver
from tests.support.clock import FakeClock

RATE_PER_S = 100_000.0
DECLARED = Declared(
    destinations=[
        DeclaredDestination(name="main", arn="arn:aws:sqs:eu-west-1:123456789012:notifications")
    ],
    subscriptions=[
        Declaration(
            where="subscriptions[0]",
            types=("PRICING_HEALTH", "FEE_PROMOTION"),
            destination="main",
        )
    ],
)


class TidyOptions(BaseModel, extra="forbid"):
    day: str | None = None


def _jobs() -> Router:
    router = Router()

    @router.job(TidyOptions)
    async def tidy(notification: Notification[TidyOptions], ctx: Context) -> None: ...

    return router


class _Links:
    """Makes links that lead nowhere."""

    applications = ("main",)

    def make(self, intent: Intent, *, ttl_s: float | None = None) -> str | None:
        return f"https://gateway.test/oauth/start?link={intent.seller_id or 'new'}"


class _NoPapers:
    """No document has bytes."""

    async def text(self, document_id: str) -> AsyncIterator[bytes]:
        del document_id
        return
        yield b""


class _NoShelves:
    """There is no archive."""

    async def erase(self, mentions: Mentions, places: Sequence[str], *, dry_run: bool) -> int:
        del mentions, places
        assert dry_run
        return 0


class TickingClock(FakeClock):
    """Never the same millisecond twice, so that what is made is in order."""

    def now_ms(self) -> int:
        self.at_ms += 1
        return self.at_ms


@dataclass
class Told:
    """An answer of the API."""

    status: int
    headers: Mapping[str, str]
    body: Any
    raw: bytes


@dataclass
class Caller:
    """Somebody with a key, or without one."""

    session: aiohttp.ClientSession
    base: str
    headers: dict[str, str]

    async def __call__(self, method: str, path: str, json: Any = None, **options: Any) -> Told:
        headers = self.headers | options.pop("headers", {})
        if json is not None:
            options["json"] = json
        async with self.session.request(
            method, self.base + path, headers=headers, **options
        ) as answer:
            raw = await answer.read()
            body = await answer.json(content_type=None) if raw else None
            return Told(answer.status, answer.headers, body, raw)

    async def get(self, path: str, **options: Any) -> Any:
        """The body of an answer that is 200."""
        told = await self("GET", path, **options)
        assert told.status == 200, told.body
        return told.body

    async def post(self, path: str, json: Any = None, status: int = 200, **options: Any) -> Any:
        """The body of an answer with `status`."""
        told = await self("POST", path, json={} if json is None else json, **options)
        assert told.status == status, told.body
        return told.body


@dataclass
class AdminWorld:
    """An open API."""

    store: Store
    clock: Clock
    api: Api
    metrics: Metrics
    session: aiohttp.ClientSession
    base: str

    async def caller(self, *scopes: Scope, tenant: str | None = None) -> Caller:
        """Somebody with a key; without scopes, somebody without one."""
        if not scopes:
            return Caller(self.session, self.base, {})
        key, written = new_api_key(self.clock.now_ms(), name="", scopes=scopes, tenant=tenant)
        await self.store.api_keys.add(key)
        return Caller(self.session, self.base, {"Authorization": f"Bearer {written}"})


@asynccontextmanager
async def open_world(
    tmp_path: Path,
    *,
    clock: Clock | None = None,
    rate_per_s: float = RATE_PER_S,
    burst: int = 10_000,
    failures: int = 30,
) -> AsyncIterator[AdminWorld]:
    """Serve the API on a free port of 127.0.0.1."""
    clock = clock or TickingClock()
    signals = Signals()
    url = f"sqlite:///{tmp_path / 'gateway.db'}"
    async with (
        await open_store(
            url, sealer=FakeSealer(), clock=clock, signals=signals, migrate=True
        ) as store,
        Sender(LOOPBACK, FixedResolver(), clock, timeout_s=5.0) as sender,
        aiohttp.ClientSession() as session,
    ):
        metrics = Metrics(version="0")
        waiting = WaitingRoom()
        signals.on(FEEDS, waiting.ring)
        registry = Registry(_jobs().handlers)
        api = Api(
            store=store,
            clock=clock,
            checks=GuardedEndpoints(LOOPBACK, FixedResolver(), sender, clock),
            event_types=registry.event_types,
            jobs=JobDesk(registry, store.schedule_runs.active_sellers, clock),
            amazon=AmazonDesk(declared=DECLARED, reconciles=True),
            links=_Links(),
            erasures=CountsInTurn(
                Counting(
                    Looking(store.erasing, Finding(FakeSealer()), _NoPapers()), _NoShelves(), clock
                ),
                within_s=25.0,
            ),
            waiting=waiting,
            document=document(ROUTES, version="0"),
        )
        gate = Gate(
            store.api_keys, clock, rate_per_s=rate_per_s, burst=burst, failures_at_once=failures
        )
        server = AdminServer(
            served(ROUTES, api, gate),
            host="127.0.0.1",
            port=0,
            middlewares=[middleware(clock, metrics.api)],
        )
        await server.start()
        try:
            yield AdminWorld(store, clock, api, metrics, session, f"http://127.0.0.1:{server.port}")
        finally:
            await server.stop()
