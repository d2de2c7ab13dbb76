"""One bound call, request after request, until there is an answer or a reason to stop.

It decides what is repeated, and how often within one budget: throttling, Amazon's faults and broken
connections are, with full jitter; a refused token is renewed once; a call that may have had its
effect and isn't safe to repeat is not. Which token, when, and what an answer means are decided by
`auth`, `throttle` and `answers`. It never decides when a handling runs again.

Each call writes one line at debug level. Tokens are in none of them.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol

import structlog

from gateway.calls_made import CallLog, CallMade
from gateway.clock import Clock
from gateway.errors import SpApiAuthorizationError, SpApiError, SpApiRetryableError
from gateway.model import Seller
from gateway.spapi.answers import error_from, read_object, says_expired
from gateway.spapi.auth import LwaTokens
from gateway.spapi.directory import Caller
from gateway.spapi.regions import Endpoints
from gateway.spapi.requests import Prepared
from gateway.spapi.restricted import Resource, RestrictedTokens
from gateway.spapi.throttle import CallDeferred, Throttle
from gateway.spapi.tokens import AccessToken
from gateway.spapi.transport import Request, Response, Transport, TransportFault

_BACK_OFF_S = 0.5
_BACK_OFF_CAP_S = 8.0
_TOKEN_STANDS_S = 1.0

# Amazon names the rate on these only ("Usage plans and rate limits in the SP-API").
_NAMES_RATE = frozenset({200, 201, 202, 204, 400, 404})

_log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway.spapi")


class CallMetrics(Protocol):
    """Who counts calls."""

    def called(self, operation: str, outcome: str, duration_s: float) -> None:
        """Count one request; `outcome` is one of a few short words."""
        ...

    def waited(self, operation: str, wait_s: float) -> None:
        """Add time that a call waited for its usage plan."""
        ...

    def deferred(self, operation: str) -> None:
        """Count one call that was put off by its usage plan."""
        ...

    def skewed(self, ahead_s: float) -> None:
        """Note how far this machine's clock is ahead of Amazon's."""
        ...


class CallUsage(Protocol):
    """Who keeps account of calls, seller by seller; `gateway.usage.UsageCounter` does."""

    def count(
        self,
        *,
        application_id: str,
        region: str,
        seller_id: str | None,
        operation: str,
        method: str,
        outcome: str,
    ) -> None:
        """Count one request that was sent."""
        ...


@dataclass(slots=True)
class _Progress:
    """Where one call stands between its requests.

    Attributes:
        sent: Whether the last request may have reached Amazon.
        refusal: The refused token and whether Amazon blamed its age, where the last answer was.
        status, request_id: Of the last answer.
        until_ms: Until when its usage plan puts it off, where it does.
    """

    started_s: float
    started_ms: int
    requests: int = 0
    waited_s: float = 0.0
    sent: bool = False
    renewed: bool = False
    refusal: tuple[AccessToken, bool] | None = None
    status: int | None = None
    request_id: str | None = None
    until_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundCall:
    """A call with everything it needs.

    Attributes:
        seller: Whose token it carries; None for a grantless call.
        resource: What it needs a restricted data token for, or None.
        fallback: In whose name a grantless call is made again where Amazon refuses it, or None.
        log: Where it is noted, or None.
    """

    prepared: Prepared
    caller: Caller
    seller: Seller | None
    slot: str | None
    patience_s: float | None
    resource: Resource | None = None
    fallback: Seller | None = None
    log: CallLog | None = None

    @property
    def name(self) -> str:
        return self.prepared.operation.name


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerParts:
    """What a runner is made of.

    Attributes:
        budget_s: After this long no further request of one call starts; waits for the usage plan
            don't count.
        jitter: Random numbers in [0, 1).
    """

    tokens: LwaTokens
    restricted: RestrictedTokens
    throttle: Throttle
    transport: Transport
    endpoints: Endpoints
    clock: Clock
    metrics: CallMetrics
    usage: CallUsage | None = None
    budget_s: float = 20.0
    jitter: Callable[[], float] = field(default=random.random)


class CallRunner:
    """Runs calls; safe for any number of tasks."""

    def __init__(self, parts: RunnerParts) -> None:
        self._parts = parts

    async def run(self, bound: BoundCall) -> dict[str, Any]:
        """Return what Amazon answers.

        Raises:
            SpApiError: The call failed; the subclass says what to do.
            CallDeferred: The usage plan's next token is too far away.
        """
        try:
            return await self._run(bound)
        except SpApiAuthorizationError as exc:
            refused = exc.status == 403 and exc.operation == bound.name
            if bound.fallback is None or not refused:
                raise
        return await self._run(_in_name_of(bound, bound.fallback))

    async def _run(self, bound: BoundCall) -> dict[str, Any]:
        clock = self._parts.clock
        progress = _Progress(started_s=clock.monotonic_s(), started_ms=clock.now_ms())
        outcome = "stopped"
        try:
            answer = await self._persist(bound, progress)
        except CallDeferred as exc:
            outcome = "deferred"
            progress.until_ms = exc.until_ms
            self._parts.metrics.deferred(bound.name)
            raise
        except SpApiError as exc:
            outcome = _outcome(exc)
            raise
        else:
            outcome = "ok"
            return answer
        finally:
            self._say(bound, progress, outcome)

    async def _persist(self, bound: BoundCall, progress: _Progress) -> dict[str, Any]:
        while True:
            try:
                return await self._once(bound, progress)
            except SpApiError as exc:
                delay_s = await self._delay_s(bound, progress, exc)
                if delay_s is None:
                    raise
            if delay_s > 0:
                await self._parts.clock.sleep(delay_s)

    async def _once(self, bound: BoundCall, progress: _Progress) -> dict[str, Any]:
        parts = self._parts
        operation = bound.prepared.operation
        progress.sent, progress.refusal = False, None
        token = await self._token(bound)
        slot = bound.slot if progress.requests == 0 else None
        waited_s = await parts.throttle.take(
            operation, bound.caller, slot=slot, patience_s=bound.patience_s
        )
        if waited_s > 0:
            progress.waited_s += waited_s
            parts.metrics.waited(operation.name, waited_s)
        if waited_s > _TOKEN_STANDS_S:
            token = await self._token(bound)  # the first may have ended meanwhile
        progress.requests += 1
        response = await self._send(bound, token, progress)
        progress.status, progress.request_id = response.status, response.request_id
        if response.status in {401, 403}:
            progress.refusal = (token, response.status == 401 or says_expired(response))
        if response.status in _NAMES_RATE:
            limit = response.headers.get("x-amzn-RateLimit-Limit")
            await parts.throttle.learn(operation, bound.caller, limit)
        return _value(bound, response)

    async def _token(self, bound: BoundCall) -> AccessToken:
        if bound.seller is not None and bound.resource is not None:

            async def create(prepared: Prepared) -> dict[str, Any]:
                return await self._run(replace(bound, prepared=prepared, resource=None))

            return await self._parts.restricted.of(bound.seller, bound.resource, create)
        if bound.seller is not None:
            return await self._parts.tokens.for_seller(bound.seller)
        scope = bound.prepared.operation.scope
        assert scope is not None
        return await self._parts.tokens.for_application(bound.caller.application_id, scope)

    async def _send(self, bound: BoundCall, token: AccessToken, progress: _Progress) -> Response:
        parts = self._parts
        now = datetime.fromtimestamp(parts.clock.now_ms() // 1000, UTC)
        request = Request(
            operation=bound.name,
            seller_id=bound.caller.seller_id,
            method=bound.prepared.operation.method,
            url=parts.endpoints.url(bound.caller.region, bound.name) + bound.prepared.target,
            headers={
                "accept": "application/json",
                **bound.prepared.headers,
                "x-amz-access-token": token.value,
                "x-amz-date": f"{now:%Y%m%dT%H%M%SZ}",
            },
            body=bound.prepared.body,
        )
        progress.sent = True
        started_s = parts.clock.monotonic_s()
        outcome = "stopped"
        try:
            response = await parts.transport.send(request)
            outcome = _status_word(response.status)
        except TransportFault as exc:
            progress.sent = exc.sent
            outcome = _outcome(exc)
            raise
        except SpApiError as exc:
            outcome = _outcome(exc)
            raise
        finally:
            self._count(bound, outcome, parts.clock.monotonic_s() - started_s)
        return response

    def _count(self, bound: BoundCall, outcome: str, duration_s: float) -> None:
        self._parts.metrics.called(bound.name, outcome, duration_s)
        if self._parts.usage is not None:
            self._parts.usage.count(
                application_id=bound.caller.application_id,
                region=bound.caller.region,
                seller_id=bound.caller.seller_id,
                operation=bound.name,
                method=bound.prepared.operation.method,
                outcome=outcome,
            )

    async def _delay_s(
        self, bound: BoundCall, progress: _Progress, exc: SpApiError
    ) -> float | None:
        """Return the pause before the next request, or None where `exc` is the end."""
        operation = bound.prepared.operation
        if progress.refusal is not None:
            token, expired = progress.refusal
            again = self._parts.tokens.cache.refuse(token, expired=expired) and not progress.renewed
            progress.renewed = True
            return 0.0 if again else None
        if not isinstance(exc, SpApiRetryableError):
            return None
        delay_s = self._back_off_s(progress.requests)
        throttled = progress.sent and exc.status == 429
        if throttled:
            await self._parts.throttle.block(operation, bound.caller, at_least_s=exc.retry_after_s)
            delay_s = 0.0  # the bucket makes it wait
        elif progress.sent and not operation.idempotent:
            return None
        delay_s = max(delay_s, 0.0 if throttled else exc.retry_after_s or 0.0)
        spent_s = self._parts.clock.monotonic_s() - progress.started_s - progress.waited_s
        if spent_s + delay_s > self._parts.budget_s:
            exc.retry_after_s = max(delay_s, exc.retry_after_s or 0.0) or _BACK_OFF_CAP_S
            return None
        return delay_s

    def _back_off_s(self, requests: int) -> float:
        ceiling_s = min(_BACK_OFF_CAP_S, _BACK_OFF_S * 2.0 ** max(0, requests - 1))
        return ceiling_s * self._parts.jitter()

    def _say(self, bound: BoundCall, progress: _Progress, outcome: str) -> None:
        waited_ms = round(progress.waited_s * 1000)
        duration_ms = round((self._parts.clock.monotonic_s() - progress.started_s) * 1000)
        if bound.log is not None:
            made = CallMade(
                at_ms=progress.started_ms,
                operation=bound.name,
                method=bound.prepared.operation.method,
                outcome=outcome,
                status=progress.status,
                requests=progress.requests,
                duration_ms=duration_ms,
                waited_ms=waited_ms,
                until_ms=progress.until_ms,
                request_id=progress.request_id,
            )
            bound.log.note(made)
        _log.debug(
            "spapi.call",
            operation=bound.name,
            method=bound.prepared.operation.method,
            seller_id=bound.caller.seller_id,
            application_id=bound.caller.application_id,
            region=str(bound.caller.region),
            outcome=outcome,
            status=progress.status,
            requests=progress.requests,
            waited_ms=waited_ms,
            duration_ms=duration_ms,
        )


def _in_name_of(bound: BoundCall, seller: Seller) -> BoundCall:
    caller = replace(bound.caller, seller_id=seller.id)
    return replace(bound, caller=caller, seller=seller, fallback=None)


def _value(bound: BoundCall, response: Response) -> dict[str, Any]:
    if 200 <= response.status < 300:
        deletes = bound.prepared.operation.method == "DELETE"
        return read_object(
            response, operation=bound.name, caller=bound.caller, may_be_empty=deletes
        )
    raise error_from(response, operation=bound.name, caller=bound.caller)


def _status_word(status: int) -> str:
    if status < 300:
        return "ok"
    if status == 429:
        return "throttled"
    if status in {401, 403}:
        return "refused"
    return "failed" if status >= 500 else "rejected"


def _outcome(exc: SpApiError) -> str:
    if isinstance(exc, TransportFault):
        return "timeout" if exc.timed_out else "unreachable"
    if isinstance(exc, SpApiAuthorizationError):
        return "refused"
    if exc.status == 429:
        return "throttled"
    return "failed" if isinstance(exc, SpApiRetryableError) else "rejected"
