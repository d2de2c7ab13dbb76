"""A sender on loopback, and endpoints for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from gateway.clock import SystemClock
from gateway.delivery.egress import EgressPolicy, ResolutionError
from gateway.delivery.sender import Sender
from gateway.delivery.signing import new_secret
from gateway.delivery.verdict import Reply
from gateway.endpoints import Endpoint

LOOPBACK = EgressPolicy(
    allow_http=True, allow_private_cidrs=["127.0.0.0/8"], allowed_ports=["1-65535"]
)
BODY = b'{"type":"order.changed","timestamp":"2026-01-31T09:00:00Z","data":{"order":{}}}'


class FixedResolver:
    """Answers from a table; a name with several lists gives them in turn, the last one for ever."""

    def __init__(self, table: dict[str, list[list[str]]] | None = None) -> None:
        self._table = table or {}
        self.asked: list[str] = []

    async def lookup(self, host: str) -> list[str]:
        self.asked.append(host)
        answers = self._table.get(host)
        if not answers:
            raise ResolutionError(f"{host} does not exist", error_class="dns_name")
        return answers.pop(0) if len(answers) > 1 else answers[0]


def endpoint(url: str, **fields: Any) -> Endpoint:
    fields.setdefault("secrets", (new_secret(0),))
    return Endpoint(id="ep_1", url=url, **fields)


Opener = Callable[..., AbstractAsyncContextManager[Sender]]


@pytest.fixture(params=["lean", "aiohttp"])
def open_sender(request: pytest.FixtureRequest) -> Opener:
    """One suite for both transports."""

    @asynccontextmanager
    async def opener(
        resolver: FixedResolver | None = None, policy: EgressPolicy = LOOPBACK, **options: Any
    ) -> AsyncIterator[Sender]:
        options = {"timeout_s": 5.0, "transport": request.param, **options}
        async with Sender(policy, resolver or FixedResolver(), SystemClock(), **options) as sender:
            yield sender

    return opener


async def attempt(sender: Sender, to: Endpoint, *, body: bytes = BODY) -> Reply:
    return await sender.send(sender.prepare(to), event_id="evt_1", body=body)
