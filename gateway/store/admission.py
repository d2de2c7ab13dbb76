"""Which endpoints may get deliveries now, and how many: pauses, open breakers, rates.

A rate is a token bucket in the endpoint's health row, so it holds over all replicas; it is looked
at only for endpoints that have one. Of an endpoint whose breaker is open one delivery at a time is
let through, as a probe, once its back-off has passed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from gateway.store.statements import Many, Plan, Row

# Floats add up to a hair less than a whole token at the very time the token exists.
_HAIR: Final = 1e-6

_OF: Final = Many(
    """
    SELECT endpoint_id, open_until_ms, tokens, tokens_at_ms FROM endpoint_health
    WHERE endpoint_id IN ({rows}) ORDER BY endpoint_id {skip_locked}
    """,
    ("text",),
)
_SPEND: Final = Many(
    """
    WITH v(id, open_until_ms, tokens, tokens_at_ms) AS ({rows})
    UPDATE endpoint_health SET open_until_ms = v.open_until_ms, tokens = v.tokens,
      tokens_at_ms = v.tokens_at_ms
    FROM v WHERE endpoint_health.endpoint_id = v.id
    """,
    ("text", "bigint", "double precision", "bigint"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an endpoint's row says, as far as it limits a claim.

    Attributes:
        rate_per_s: None for no rate.
        burst: 0 for a second's worth.
        is_open: Whether its breaker is open.
    """

    rate_per_s: float | None
    burst: int
    is_open: bool

    def bucket(self) -> float:
        """Return how many tokens its bucket holds at most."""
        return float(self.burst or max(1, math.ceil(self.rate_per_s or 0)))


@dataclass(slots=True)
class _Admitted:
    """What one endpoint may get, and what it has."""

    limits: Limits
    open_until_ms: int | None
    tokens: float | None
    places: int


@dataclass(slots=True)
class Admission:
    """The limited endpoints of one claim.

    Attributes:
        next_ms: When the first of those that get nothing, or no more, may get something.
    """

    now_ms: int
    next_ms: int | None = None
    _admitted: dict[str, _Admitted] = field(default_factory=dict)

    def later(self, at_ms: int) -> None:
        """Note that there is something to claim at `at_ms`."""
        self.next_ms = at_ms if self.next_ms is None else min(at_ms, self.next_ms)

    def places(self, endpoint_id: str, room: int) -> int:
        """Return how many of `room` an endpoint may get."""
        admitted = self._admitted.get(endpoint_id)
        return room if admitted is None else min(room, admitted.places)

    def is_probe(self, endpoint_id: str) -> bool:
        """Whether what the endpoint gets is a probe."""
        admitted = self._admitted.get(endpoint_id)
        return admitted is not None and admitted.limits.is_open

    def admit(self, limited: dict[str, Limits]) -> Plan[None]:
        """Lock and read the limited endpoints; one that another claim has at hand gets nothing."""
        rows = yield _OF([(one,) for one in sorted(limited)])
        for endpoint, limits in limited.items():
            self._admitted[endpoint] = _Admitted(limits, None, None, 0)
        for row in rows:
            self._admitted[row[0]] = self._read(limited[row[0]], row)

    def _read(self, limits: Limits, row: Row) -> _Admitted:
        _, open_until_ms, tokens, tokens_at_ms = row
        limits = replace(limits, is_open=open_until_ms is not None)
        places = 1_000_000
        if open_until_ms is not None:
            places = 1 if open_until_ms <= self.now_ms else 0
            if not places:
                self.later(open_until_ms)
        if limits.rate_per_s is None:
            return _Admitted(limits, open_until_ms, None, places)
        most = limits.bucket()
        held = most if tokens is None else float(tokens)
        passed_s = max(0, self.now_ms - (tokens_at_ms or self.now_ms)) / 1000
        held = min(most, held + passed_s * limits.rate_per_s)
        places = min(places, math.floor(held + _HAIR))
        if held + _HAIR < 1:
            self.later(self.now_ms + _until_token_ms(held, limits.rate_per_s))
        return _Admitted(limits, open_until_ms, held, places)

    def spend(self, endpoints: Iterable[str], lease_until_ms: int) -> Plan[None]:
        """Take the tokens of what was picked, one for each; a probe holds off the next one."""
        picked: dict[str, int] = {}
        for endpoint in endpoints:
            if endpoint in self._admitted:
                picked[endpoint] = picked.get(endpoint, 0) + 1
        rows = [self._spent(e, count, lease_until_ms) for e, count in sorted(picked.items())]
        if rows:
            yield _SPEND(rows)

    def _spent(self, endpoint: str, count: int, lease_until_ms: int) -> Sequence[Any]:
        admitted = self._admitted[endpoint]
        limits = admitted.limits
        open_until_ms = lease_until_ms if limits.is_open else admitted.open_until_ms
        if limits.rate_per_s is None or admitted.tokens is None:
            return endpoint, open_until_ms, None, None
        left = admitted.tokens - count
        if left + _HAIR < 1:
            self.later(self.now_ms + _until_token_ms(left, limits.rate_per_s))
        return endpoint, open_until_ms, left, self.now_ms


def _until_token_ms(held: float, rate_per_s: float) -> int:
    return max(1, math.ceil((1 - held) / rate_per_s * 1000))
