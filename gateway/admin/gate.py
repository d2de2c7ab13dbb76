"""Who may do what: the bearer key of a request, its scopes, its tenant, and how fast it may ask.

A request without a usable key is refused before anything of it is read. Keys stand in the header
`Authorization` only, never in a URL, where logs would keep them. Each request asks the store, so a
key that is revoked is useless at once, on every replica.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Final, Protocol

from gateway.access import ApiKey, read_api_key
from gateway.admin.problems import Refusal, forbidden, too_many, unauthorized
from gateway.admin.routes import Route
from gateway.clock import Clock
from gateway.errors import NotFoundError

_NOTE_USE_EVERY_MS: Final = 60_000
_BUCKETS_MAX: Final = 10_000
_FAILURES_PER_S: Final = 1.0
_FAILURES_AT_ONCE: Final = 30


class KeyStore(Protocol):
    """Where keys are kept."""

    async def get(self, key_id: str) -> ApiKey:
        """Return a key; raise `NotFoundError` where there is none."""
        ...

    async def exist(self) -> bool:
        """Whether any key was ever made."""
        ...

    async def used(self, key_id: str, at_ms: int) -> None:
        """Note that a key was used."""
        ...


class Buckets:
    """Token buckets by name, the least used forgotten beyond a bound.

    Args:
        rate_per_s: Tokens that come back each second.
        burst: Most tokens that are kept.
    """

    def __init__(self, clock: Clock, *, rate_per_s: float, burst: float) -> None:
        self._clock = clock
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str) -> float:
        """Take a token and return 0, or return the seconds until there would be one."""
        now_s = self._clock.monotonic_s()
        level, since_s = self._levels.pop(name, (self._burst, now_s))
        level = min(self._burst, level + (now_s - since_s) * self._rate_per_s)
        wait_s = max(0.0, (1.0 - level) / self._rate_per_s)
        self._levels[name] = (level if wait_s else level - 1.0, now_s)
        if len(self._levels) > _BUCKETS_MAX:
            self._levels.popitem(last=False)
        return wait_s


class Gate:
    """See the module.

    Args:
        keys: Where keys are kept.
        clock: Time.
        rate_per_s: Requests a second that one key may make in this process.
        burst: Requests that it may make at once after a rest.
        failures_at_once: Requests without a usable key that one address may make, one more each
            second; who has a key is not held up by them.
    """

    def __init__(
        self,
        keys: KeyStore,
        clock: Clock,
        *,
        rate_per_s: float,
        burst: int,
        failures_at_once: int = _FAILURES_AT_ONCE,
    ) -> None:
        self._keys = keys
        self._clock = clock
        self._requests = Buckets(clock, rate_per_s=rate_per_s, burst=burst)
        self._failures = Buckets(clock, rate_per_s=_FAILURES_PER_S, burst=failures_at_once)
        self._noted_ms: OrderedDict[str, int] = OrderedDict()

    async def admit(self, route: Route, authorization: str | None, peer: str) -> ApiKey:
        """Return the key that may use `route`.

        Args:
            route: What is asked for.
            authorization: The header.
            peer: The caller's address, whose failures are bounded.

        Raises:
            Refusal: There is no usable key (401), it may not (403), or it is too fast (429).
            StoreUnavailableError: The keys can't be looked at.
        """
        try:
            key = await self._known(authorization)
        except Refusal:
            if wait_s := self._failures.take(peer):
                raise too_many(
                    math.ceil(wait_s), "too many requests without a usable key"
                ) from None
            raise
        if wait_s := self._requests.take(key.id):
            raise too_many(math.ceil(wait_s), "this key asks too fast; admin.rate_per_s bounds it")
        _check(route, key)
        await self._note(key)
        return key

    async def _known(self, authorization: str | None) -> ApiKey:
        scheme, _, written = (authorization or "").partition(" ")
        presented = read_api_key(written.strip()) if scheme.lower() == "bearer" else None
        if presented is None:
            raise unauthorized(await self._how())
        try:
            key = await self._keys.get(presented.id)
        except NotFoundError:
            raise unauthorized("the API key is unknown, revoked or expired") from None
        if not presented.proves(key) or not key.usable_at(self._clock.now_ms()):
            raise unauthorized("the API key is unknown, revoked or expired")
        return key

    async def _how(self) -> str:
        if await self._keys.exist():
            return "send an API key as `Authorization: Bearer spgw_…`"
        return "there is no API key yet; make one: gateway keys create --scopes admin"

    async def _note(self, key: ApiKey) -> None:
        now_ms = self._clock.now_ms()
        noted_ms = max(self._noted_ms.get(key.id, 0), key.last_used_at_ms or 0)
        if now_ms - noted_ms < _NOTE_USE_EVERY_MS:
            return
        self._noted_ms[key.id] = now_ms
        self._noted_ms.move_to_end(key.id)
        if len(self._noted_ms) > _BUCKETS_MAX:
            self._noted_ms.popitem(last=False)
        await self._keys.used(key.id, now_ms)


def _check(route: Route, key: ApiKey) -> None:
    if route.operators_only and key.tenant is not None:
        raise forbidden("a tenant's key can't do this; it takes an operator's")
    if route.scope is not None and not key.allows(route.scope):
        raise forbidden(f"the key lacks the scope `{route.scope}`")
