"""When a call may go out: Amazon's usage plans, kept over all replicas.

It decides whether a call goes now, waits a moment, or gives its worker back (`CallDeferred`). The
token buckets themselves stand in the store behind `BucketStore`; here is only who asks them, and
when. Nothing is taken ahead of need, so replicas together never overshoot.

Buckets: one per (application, region, operation, seller), and one per (application, region,
operation) where Amazon states a limit of the application, or where the operation is grantless.
Source: Amazon's page "Usage plans and rate limits in the SP-API".
"""

from __future__ import annotations

import math
import random
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import quote

from gateway.clock import Clock
from gateway.model import Grant, UsagePlan
from gateway.spapi.catalog import Operation
from gateway.spapi.directory import Caller
from gateway.spapi.line import Answer, Line, answers
from gateway.spapi.plans import UsagePlans, with_margin

_LONGEST_BLOCK_S = 120.0
_REMEMBERED = 10_000

# Timers fire up to a millisecond early; a token asked for too early costs another request.
_LATE_S = 0.001


class BucketStore(Protocol):
    """Token buckets that all replicas share.

    A bucket that is asked for first starts full. Refused callers are promised the tokens to come,
    one each, first come first served; who comes back for a promised token goes before newcomers,
    and if it is too early is told when the next token is there.
    """

    async def take(self, needed: Mapping[str, UsagePlan], *, want: int, promised: bool) -> Grant:
        """Take tokens for up to `want` calls; each that is refused gets a time in `slots_ms`.

        Args:
            needed: The buckets of which each call takes a token, of all or of none, with rate and
                size as settings or catalogue state them; another statement than the last replaces
                what `correct` set.
            want: How many calls.
            promised: Whether the caller comes back at its slot.
        """
        ...

    async def correct(
        self, key: str, *, plan: UsagePlan | None = None, blocked_until_ms: int | None = None
    ) -> None:
        """Set what Amazon said: another plan, or that the bucket is empty until a time."""
        ...


class CallDeferred(BaseException):
    """The call's token is too far away to wait for: run the handling again at `until_ms`.

    Attributes:
        until_ms: When the token is there.
        slot: Buckets that promised it; pass it back as `slot` on the next run.
        operation: Full name of what was called.
    """

    def __init__(self, *, until_ms: int, slot: str, operation: str) -> None:
        super().__init__(f"{operation} must wait for its usage plan until {until_ms}")
        self.until_ms = until_ms
        self.slot = slot
        self.operation = operation


class Throttle:
    """Passes calls one by one, as their buckets allow."""

    def __init__(
        self,
        *,
        buckets: BucketStore,
        plans: UsagePlans,
        clock: Clock,
        moment_s: float = 1.0,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Bind the buckets.

        Args:
            buckets: Shared by all replicas.
            plans: What each bucket holds.
            clock: For waits.
            moment_s: Longest wait that is slept through; a longer one defers the call.
            jitter: Random numbers in [0, 1).
        """
        self._buckets = buckets
        self._plans = plans
        self._clock = clock
        self._moment_s = moment_s
        self._jitter = jitter
        self._lines: dict[str, Line] = {}
        self._turns: OrderedDict[str, int] = OrderedDict()
        self._known: OrderedDict[tuple[Operation, Caller], dict[str, UsagePlan]] = OrderedDict()
        self._strikes: OrderedDict[str, tuple[int, int]] = OrderedDict()

    async def take(
        self,
        operation: Operation,
        caller: Caller,
        *,
        slot: str | None = None,
        patience_s: float | None = None,
    ) -> float:
        """Return when the call may go out, with the seconds that it waited.

        Args:
            operation: What is called.
            caller: For whom.
            slot: Buckets that promised a token on an earlier run, or None.
            patience_s: Longest wait in place of `moment_s`.

        Raises:
            CallDeferred: The wait is longer than that.
        """
        started_s = self._clock.monotonic_s()
        patience_s = self._moment_s if patience_s is None else patience_s
        needed = self._needed(operation, caller)
        name = " ".join(needed)
        promised = slot == name
        while True:
            answer = await self._ask(name, needed, promised=promised)
            if answer.granted:
                return self._clock.monotonic_s() - started_s
            until_ms = self._turn_ms(needed, answer.slot_ms) if promised else answer.slot_ms
            wait_s = max(until_ms - self._clock.now_ms(), 0) / 1000 + _LATE_S
            if self._clock.monotonic_s() - started_s + wait_s > patience_s:
                raise CallDeferred(until_ms=until_ms, slot=name, operation=operation.name)
            await self._clock.sleep(wait_s)
            promised = True

    async def learn(self, operation: Operation, caller: Caller, limit: str | None) -> None:
        """Take in an answer's `x-amzn-RateLimit-Limit`, or None where it is missing."""
        key = next(iter(self._needed(operation, caller)))
        self._strikes.pop(key, None)
        plan = self._plans.learn(operation, key, limit)
        if plan is not None:
            await self._buckets.correct(key, plan=with_margin(plan))

    async def block(
        self, operation: Operation, caller: Caller, *, at_least_s: float | None = None
    ) -> None:
        """Close the bucket for a while, because Amazon answered 429.

        Answers to calls that went out before it was closed don't lengthen the while; each new
        refusal in a row doubles it.
        """
        key = bucket_key(operation, caller)
        strikes, blocked_until_ms = self._strikes.get(key, (0, 0))
        now_ms = self._clock.now_ms()
        if now_ms < blocked_until_ms:
            return
        spacing_s = 1 / self._plans.known(operation, key).rate_per_s
        back_off_s = min(spacing_s * 2.0**strikes, max(spacing_s, _LONGEST_BLOCK_S))
        wait_s = max(at_least_s or 0.0, back_off_s * (0.5 + self._jitter()))
        until_ms = now_ms + round(wait_s * 1000)
        self._strikes[key] = (min(strikes + 1, 20), until_ms)
        _bound(self._strikes)
        await self._buckets.correct(key, blocked_until_ms=until_ms)

    def _needed(self, operation: Operation, caller: Caller) -> Mapping[str, UsagePlan]:
        """Return the buckets of a call, the caller's own first, with what may be used of them."""
        needed = self._known.get((operation, caller))
        if needed is None:
            needed = {bucket_key(operation, caller): with_margin(self._plans.stated(operation))}
            shared = operation.application_plan
            if shared is not None and caller.seller_id is not None:
                needed[_application_key(operation, caller)] = with_margin(shared)
            self._known[operation, caller] = needed
            _bound(self._known)
        return needed

    def _turn_ms(self, needed: Mapping[str, UsagePlan], token_at_ms: int) -> int:
        """Return when a caller whose promise could not be kept comes again.

        The buckets name the next token to each of them. After a block, or where the rate has
        fallen, they are many, and without turns all of them would come for each token.
        """
        at_ms = max(token_at_ms, *(self._turns.get(key, 0) for key in needed))
        for key, plan in needed.items():
            self._turns[key] = max(
                self._turns.get(key, 0), at_ms + math.ceil(1000 / plan.rate_per_s)
            )
            self._turns.move_to_end(key)
            _bound(self._turns)
        return at_ms

    async def _ask(self, name: str, needed: Mapping[str, UsagePlan], *, promised: bool) -> Answer:
        if promised:
            return answers(await self._buckets.take(needed, want=1, promised=True), 1)[0]
        line = self._lines.get(name)
        if line is None:
            line = self._lines[name] = Line()
        try:
            return await line.ask(
                lambda want: self._buckets.take(needed, want=want, promised=False)
            )
        finally:
            if line.idle and self._lines.get(name) is line:
                del self._lines[name]


def bucket_key(operation: Operation, caller: Caller) -> str:
    """Return the name of the bucket that counts this caller's calls of `operation`."""
    if caller.seller_id is None:
        return _application_key(operation, caller)
    return f"{_application_key(operation, caller)}/{quote(caller.seller_id, safe='')}"


def _application_key(operation: Operation, caller: Caller) -> str:
    # Two operations share a name but not a method, hence both.
    application = quote(caller.application_id, safe="")
    return f"{application}/{caller.region}/{operation.method}:{operation.name}"


def _bound(kept: OrderedDict[Any, Any]) -> None:
    if len(kept) > _REMEMBERED:
        kept.popitem(last=False)
