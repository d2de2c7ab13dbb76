"""What an acceptance test sent and what the receivers got, held against each other."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

import orjson
from aiohttp import web
from standardwebhooks import Webhook

import handlers
from gateway.event_types import event_type_of
from gateway.gateway_events import GATEWAY_EVENTS
from tests.support.events import assert_as_declared

DECLARED = (*handlers.router.event_types, *GATEWAY_EVENTS)


@dataclass
class Received:
    """Everything a receiver was sent, verified by an independent library as it came.

    Attributes:
        ids: Requests by `webhook-id`.
        events_of: `webhook-id`s by Amazon's notification id.
        unverified: Reasons why signatures were refused.
    """

    secret: str | None = None
    ids: Counter[str] = field(default_factory=Counter)
    events_of: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    types: Counter[str] = field(default_factory=Counter)
    at_s: dict[str, float] = field(default_factory=dict)
    unverified: list[str] = field(default_factory=list)
    bodies: dict[str, bytes] = field(default_factory=dict)

    def take(self, headers: dict[str, str], body: bytes) -> None:
        if self.secret is not None:
            try:
                Webhook(self.secret).verify(body.decode(), headers)
            except Exception as exc:
                self.unverified.append(repr(exc))
        webhook_id = headers["webhook-id"]
        event = orjson.loads(body)
        self.ids[webhook_id] += 1
        self.at_s.setdefault(webhook_id, time.monotonic())
        notification = event["data"].get("notification")
        if notification is not None:
            self.events_of[notification["id"]].add(webhook_id)
        self.types[event["type"]] += 1
        known = self.bodies.setdefault(webhook_id, body)
        if known != body:
            self.unverified.append(f"{webhook_id}: another body on a repeat")

    async def wait_for(
        self, wanted: Callable[[Received], bool], *, timeout_s: float, what: str
    ) -> None:
        deadline = time.monotonic() + timeout_s
        while not wanted(self):
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {timeout_s} s: {what}; {len(self.ids)} events")
            await asyncio.sleep(0.02)


class Receiver:
    """An HTTP server with one `Received` a path, and an answer each that the test chooses.

    Attributes:
        refuses: By path, which bodies are answered with 500 whatever its status is.
    """

    def __init__(self) -> None:
        self.received: defaultdict[str, Received] = defaultdict(Received)
        self.status: defaultdict[str, int] = defaultdict(lambda: 200)
        self.delay_s: defaultdict[str, float] = defaultdict(float)
        self.refuses: dict[str, Callable[[bytes], bool]] = {}
        self._runner = web.ServerRunner(
            web.Server(self._answer, access_log=None),  # type: ignore[arg-type]
            shutdown_timeout=0.1,
        )
        self.url = ""

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        path = request.path
        if self.delay_s[path]:
            await asyncio.sleep(self.delay_s[path])
        status = self.status[path]
        if path in self.refuses and self.refuses[path](body):
            status = 500
        if 200 <= status < 300:
            headers = {key.lower(): value for key, value in request.headers.items()}
            self.received[path].take(headers, body)
        return web.Response(status=status)


def assert_complete(received: Received, notification_ids: Sequence[str]) -> None:
    """Each notification reached the receiver, always under one event id, all signatures good."""
    missing = [one for one in notification_ids if one not in received.events_of]
    several = {one: ids for one, ids in received.events_of.items() if len(ids) > 1}
    assert not received.unverified, received.unverified[:3]
    assert not missing, f"{len(missing)} of {len(notification_ids)} lost: {missing[:5]}"
    assert not several, f"one notification, several events: {list(several.items())[:3]}"
    assert_declared(received)


def assert_declared(received: Received, of_each: int = 10) -> None:
    """Some events of each type are held against the schema that its handler declares."""
    seen: Counter[str] = Counter()
    for raw in received.bodies.values():
        body = orjson.loads(raw)
        seen[body["type"]] += 1
        if seen[body["type"]] <= of_each and event_type_of(body["type"], DECLARED) is not None:
            assert_as_declared(body, DECLARED)
