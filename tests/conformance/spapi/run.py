"""Runs every static case of a checkout through our client, and says which don't hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from gateway.clock import SystemClock
from gateway.errors import GatewayError, InvalidInputError
from gateway.model import Grant, UsagePlan
from gateway.spapi.assembly import ClientNeeds, ClientOptions, make_client
from gateway.spapi.calls import SellerCalls
from tests.conformance.spapi.expected import (
    Expected,
    canned,
    expect,
    faults_of_request,
    faults_of_result,
)
from tests.conformance.spapi.recorder import RESTRICTED_TOKEN, Recorder, recording_server
from tests.support.models import Case, ModelOperation
from tests.support.spapi import CountedCalls, FakeDirectory


@dataclass
class Tally:
    """How it went: `left_out` and `failed` name the case and say why."""

    passed: int = 0
    left_out: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


class _OpenBuckets:
    """Usage plans that never hold anybody up: how fast calls go is tested elsewhere."""

    async def take(self, needed: Mapping[str, UsagePlan], *, want: int, promised: bool) -> Grant:
        return Grant(granted=want, slots_ms=(), token_at_ms=0)

    async def correct(
        self, key: str, *, plan: UsagePlan | None = None, blocked_until_ms: int | None = None
    ) -> None:
        pass


async def run(models: Iterable[ModelOperation]) -> Tally:
    """Run the cases, one after the other."""
    tally = Tally()
    async with recording_server() as server, aiohttp.ClientSession() as session:
        client = make_client(
            ClientNeeds(
                session=session,
                directory=FakeDirectory(),
                buckets=_OpenBuckets(),
                clock=SystemClock(),
                metrics=CountedCalls(),
            ),
            ClientOptions(
                endpoint=server.url,
                lwa_endpoint=f"{server.url}/auth/o2/token",
                budget_s=0.0,  # an error is to be seen, not waited out
            ),
        )
        calls = client.for_seller("S1")
        for operation in models:
            for case in operation.cases:
                await _one(calls, server, operation, case, tally)
    return tally


async def _one(
    calls: SellerCalls, server: Recorder, operation: ModelOperation, case: Case, tally: Tally
) -> None:
    name = f"{operation.file} {operation.id} {case.status} #{case.number}"
    expected = expect(operation, case)
    stray = [one for one in expected.leftover if case.parameters[one] not in ({}, None)]
    if stray:
        tally.left_out.append(
            f"{name}: its request names {', '.join(stray)}, which nothing declares"
        )
        return
    server.arrived.clear()
    server.status, server.body = case.status, canned(case)
    server.judges_tokens = operation.path == RESTRICTED_TOKEN
    result = await _result(calls, operation, expected)
    if isinstance(result, InvalidInputError) and "" in expected.path[1:]:
        tally.left_out.append(f"{name}: an empty path value, which the client refuses: {result}")
        return
    if not server.arrived:
        faults = [f"nothing arrived: {result!r}"]
    else:
        faults = [
            *faults_of_request(expected, server.arrived[-1]),
            *faults_of_result(case, result),
        ]
    if faults:
        tally.failed.append(f"{name}: {'; '.join(faults)}")
    else:
        tally.passed += 1


async def _result(calls: SellerCalls, operation: ModelOperation, expected: Expected) -> Any:
    arguments: Mapping[str, Any] = expected.arguments
    try:
        return await calls.call(
            f"{operation.method} {operation.path}", body=expected.body, **arguments
        )
    except GatewayError as exc:
        return exc
