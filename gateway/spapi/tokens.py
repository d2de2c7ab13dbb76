"""Access tokens in memory: each has one owner and is lent to nobody else.

It decides when a token is asked for, kept and given up. One request is in flight for each owner,
however many calls wait; a token is renewed by the first call that meets it late in its life, while
the others go on with the old one. Lives are measured on the monotonic clock, so a wrong wall clock
makes no token look old or young. It never asks for a token itself.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from gateway.clock import Clock
from gateway.errors import SpApiRetryableError
from gateway.spapi.singleflight import SingleFlight

_DEFAULT_LIFE_S = 3600.0
_LATE_S = 300.0  # from here on one call renews, the others don't wait for it
_LAST_S = 60.0  # from here on every call waits for the new token
_REFUSAL_PAUSE_S = 60.0  # a token this young that is refused is not the token's fault
_RENEWAL_PAUSE_S = 10.0  # between early renewals that fail
_KEPT = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenOwner:
    """What a token is good for, and nothing else.

    Attributes:
        seller_id: Whose calls in `region`; None for a grantless token.
        scope: Which grantless operations; None for a seller's token.
        resource: Which restricted resource, personal data included; empty for an ordinary token.
    """

    application_id: str
    seller_id: str | None = None
    region: str | None = None
    scope: str | None = None
    resource: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AccessToken:
    """A token and when it ages, on the monotonic clock in seconds.

    Attributes:
        grant: Refresh token it came from; another one makes it void.
        forced: Whether it replaced one that Amazon had refused.
    """

    owner: TokenOwner
    value: str = field(repr=False)
    grant: str = field(repr=False)
    born_s: float
    late_s: float
    last_s: float
    forced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """What Amazon gave: the token, and its life in seconds as Amazon states it."""

    value: str = field(repr=False)
    life: object


class TokenCache:
    """Keeps tokens; safe for any number of tasks."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tokens: OrderedDict[TokenOwner, AccessToken] = OrderedDict()
        self._refused: set[TokenOwner] = set()
        self._not_before_s: dict[TokenOwner, float] = {}
        self._flights: SingleFlight[tuple[TokenOwner, str], AccessToken] = SingleFlight()

    async def get(
        self, owner: TokenOwner, grant: str, issue: Callable[[], Awaitable[Issued]]
    ) -> AccessToken:
        """Return the owner's token, issued anew where there is none that is good.

        Args:
            owner: Whose.
            grant: What it is issued for; a token of another grant is not used.
            issue: Asks Amazon.

        Raises:
            Exception: Whatever `issue` raises, to each of those who wait for it.
        """
        kept = self._tokens.get(owner)
        now_s = self._clock.monotonic_s()
        flight = (owner, grant)
        if kept is None or kept.grant != grant or now_s >= kept.last_s:
            return await self._flights.run(flight, lambda: self._issue(owner, grant, issue))
        waits = now_s < self._not_before_s.get(owner, kept.late_s)
        if waits or self._flights.flying(flight):
            return kept
        try:
            return await self._flights.run(flight, lambda: self._issue(owner, grant, issue))
        except SpApiRetryableError:
            self._not_before_s[owner] = self._clock.monotonic_s() + _RENEWAL_PAUSE_S
            return kept

    def refuse(self, token: AccessToken, *, expired: bool) -> bool:
        """Take note that Amazon refused `token`; return whether another is worth a try.

        It is not where the token itself is fresh from a refusal: then the fault lies elsewhere (a
        missing role, the wrong region), and asking on would only load Amazon.

        Args:
            token: What the refused call carried.
            expired: Whether Amazon said that it is the token's age.
        """
        if self._tokens.get(token.owner) is not token:
            return True
        young = self._clock.monotonic_s() - token.born_s < _REFUSAL_PAUSE_S
        if token.forced and young and not expired:
            return False
        del self._tokens[token.owner]
        self._refused.add(token.owner)
        return True

    def forget(self, owner: TokenOwner) -> None:
        """Drop the owner's token, because its grant is void."""
        self._tokens.pop(owner, None)

    async def _issue(
        self, owner: TokenOwner, grant: str, issue: Callable[[], Awaitable[Issued]]
    ) -> AccessToken:
        born_s = self._clock.monotonic_s()
        issued = await issue()
        life_s = _life_s(issued.life)
        token = AccessToken(
            owner=owner,
            value=issued.value,
            grant=grant,
            born_s=born_s,
            late_s=born_s + life_s - min(_LATE_S, life_s / 4),
            last_s=born_s + life_s - min(_LAST_S, life_s / 10),
            forced=owner in self._refused,
        )
        self._refused.discard(owner)
        self._not_before_s.pop(owner, None)
        self._tokens[owner] = token
        self._tokens.move_to_end(owner)
        if len(self._tokens) > _KEPT:
            self._tokens.popitem(last=False)
        return token


def _life_s(value: object) -> float:
    try:
        life_s = float(value)  # type: ignore[arg-type]  # whatever Amazon sent; checked right here
    except (TypeError, ValueError):
        return _DEFAULT_LIFE_S
    return life_s if 0 < life_s <= 24 * 3600 else _DEFAULT_LIFE_S
