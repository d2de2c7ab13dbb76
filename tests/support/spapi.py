"""Stand-ins for everything round the SP-API client: directory, transport, metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs

import orjson
from multidict import CIMultiDict

from gateway.clock import Clock
from gateway.errors import NotFoundError
from gateway.model import Application, Seller, SellerState, UsagePlan
from gateway.spapi.auth import LwaTokens
from gateway.spapi.catalog import Catalog
from gateway.spapi.client import SpApiClient
from gateway.spapi.documents.calls import DocumentAccess
from gateway.spapi.documents.limits import DocumentLimits
from gateway.spapi.plans import UsagePlans
from gateway.spapi.regions import Endpoints
from gateway.spapi.restricted import CREATE, RestrictedTokens
from gateway.spapi.runner import CallRunner, RunnerParts
from gateway.spapi.throttle import Throttle
from gateway.spapi.transport import Request, Response
from tests.support.buckets import MemoryBuckets
from tests.support.documents import FakeHost

LWA = "https://lwa.example/auth/o2/token"
CLIENT_SECRET = "client-secret-value"
REFRESH_TOKEN = "refresh-token-value"


def seller(seller_id: str = "S1", **changes: Any) -> Seller:
    facts = {"application_id": "app", "region": "eu", "refresh_token": REFRESH_TOKEN, **changes}
    return Seller(id=seller_id, **facts)


@dataclass
class FakeDirectory:
    """A `SellerDirectory`; `looks` counts the questions for sellers."""

    sellers: dict[str, Seller] = field(default_factory=lambda: {"S1": seller()})
    applications: dict[str, Application] = field(
        default_factory=lambda: {
            "app": Application(id="app", client_id="client", client_secret=CLIENT_SECRET)
        }
    )
    paused: list[tuple[str, str]] = field(default_factory=list)
    looks: int = 0

    async def seller(self, seller_id: str, region: str | None = None) -> Seller:
        self.looks += 1
        await asyncio.sleep(0)
        found = self.sellers.get(seller_id)
        if found is None or region not in {None, found.region}:
            raise NotFoundError(f"no seller {seller_id}")
        return found

    async def application(self, application_id: str) -> Application:
        await asyncio.sleep(0)
        return self.applications[application_id]

    async def pause(self, seller_id: str, region: str, reason: str) -> None:
        self.paused.append((seller_id, reason))
        self.sellers[seller_id] = replace(
            self.sellers[seller_id], state=SellerState.PAUSED, paused_reason=reason
        )


def answer(status: int = 200, body: Any = None, **headers: str) -> Response:
    """Return a response; `body` is bytes, or a JSON value, and `_` in header names reads `-`."""
    content = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
    named = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    return Response(status=status, headers=named, body=content)


def errors(code: str, message: str = "", **more: str) -> dict[str, Any]:
    return {"errors": [{"code": code, "message": message, **more}]}


Reply = Response | Exception


@dataclass
class FakeAmazon:
    """A `Transport`: LWA gives numbered tokens, SP-API replies from a script, the last for ever."""

    script: list[Reply] = field(default_factory=lambda: [answer(200, {"order": {"orderId": "1"}})])
    lwa: list[Reply] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    logins: list[Mapping[str, str]] = field(default_factory=list)
    life_s: float = 3600
    on_login: Callable[[], None] | None = None

    async def send(self, request: Request) -> Response:
        if request.url == LWA:
            form = {
                key: values[0] for key, values in parse_qs((request.body or b"").decode()).items()
            }
            self.logins.append(form)
            number = len(self.logins)
            for _ in range(3):
                await asyncio.sleep(0)
            reply: Reply = answer(
                200, {"access_token": f"token-{number}", "expires_in": self.life_s}
            )
            if self.lwa:
                reply = self.lwa.pop(0) if len(self.lwa) > 1 else self.lwa[0]
        else:
            self.requests.append(request)
            await asyncio.sleep(0)
            reply = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(reply, Exception):
            raise reply
        return reply

    @property
    def tokens(self) -> Sequence[str]:
        """The tokens that the calls carried."""
        return [request.headers["x-amz-access-token"] for request in self.requests]


@dataclass
class CountedCalls:
    """A `CallMetrics`."""

    outcomes: list[tuple[str, str]] = field(default_factory=list)
    waited_s: float = 0.0
    deferrals: int = 0
    skew_s: float | None = None

    def called(self, operation: str, outcome: str, duration_s: float) -> None:
        self.outcomes.append((operation, outcome))

    def waited(self, operation: str, wait_s: float) -> None:
        self.waited_s += wait_s

    def deferred(self, operation: str) -> None:
        self.deferrals += 1

    def skewed(self, ahead_s: float) -> None:
        self.skew_s = ahead_s


@dataclass
class CountedUsage:
    """A `CallUsage`."""

    counted: list[tuple[Any, ...]] = field(default_factory=list)

    def count(self, **called: Any) -> None:
        names = ("application_id", "region", "seller_id", "operation", "method", "outcome")
        self.counted.append(tuple(called[name] for name in names))


@dataclass
class Rig:
    """A client over stand-ins."""

    clock: Clock
    amazon: FakeAmazon = field(default_factory=FakeAmazon)
    directory: FakeDirectory = field(default_factory=FakeDirectory)
    metrics: CountedCalls = field(default_factory=CountedCalls)
    usage: CountedUsage = field(default_factory=CountedUsage)
    plans: Mapping[str, UsagePlan] = field(default_factory=dict)
    host: FakeHost = field(default_factory=FakeHost)
    limits: DocumentLimits = field(default_factory=DocumentLimits)

    def __post_init__(self) -> None:
        self.catalog = Catalog.load()
        self.buckets = MemoryBuckets(self.clock)
        self.throttle = Throttle(
            buckets=self.buckets,
            plans=UsagePlans(self.catalog, self.plans),
            clock=self.clock,
            jitter=lambda: 0.5,
        )
        self.tokens = LwaTokens(
            transport=self.amazon,
            directory=self.directory,
            clock=self.clock,
            endpoint=LWA,
            on_skew=self.metrics.skewed,
        )
        self.client = SpApiClient(
            catalog=self.catalog,
            directory=self.directory,
            runner=CallRunner(
                RunnerParts(
                    tokens=self.tokens,
                    restricted=RestrictedTokens(self.tokens.cache, self.catalog.find(CREATE)),
                    throttle=self.throttle,
                    transport=self.amazon,
                    endpoints=Endpoints(),
                    clock=self.clock,
                    metrics=self.metrics,
                    usage=self.usage,
                    jitter=lambda: 0.5,
                )
            ),
            documents=DocumentAccess(
                host=self.host, clock=self.clock, limits=self.limits, jitter=lambda: 0.5
            ),
        )
