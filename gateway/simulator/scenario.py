"""A day of busy sellers, played in minutes: when who sells what. Pure but for the placing."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING

from gateway.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.simulator.apis.order_traffic import OrderTraffic
    from gateway.simulator.spapi.accounts import Seller

_HOUR_S = 3_600
# How busy each hour of the day is, from midnight on.
_BUSY = (2, 1, 1, 1, 1, 2, 4, 6, 7, 7, 7, 8, 9, 8, 7, 7, 8, 9, 11, 13, 15, 14, 10, 5)


ORDERS, SPEED, WITHHOLD = 300, 480.0, 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A day to play.

    Attributes:
        orders: How many are placed, over all sellers; the first seller has half of them.
        speed: How many times faster than life it goes.
        withhold: Share of changes that no notification tells of, from 0 to 1.
    """

    orders: int = ORDERS
    speed: float = SPEED
    withhold: float = WITHHOLD

    def __post_init__(self) -> None:
        if not 1 <= self.orders <= 100_000:
            raise InvalidInputError("orders takes a number from 1 to 100000")
        if not 1 <= self.speed <= 100_000:
            raise InvalidInputError("speed takes a number from 1 to 100000")
        if not 0 <= self.withhold <= 1:
            raise InvalidInputError("withhold takes a share from 0 to 1")

    @property
    def lasts_s(self) -> float:
        """Seconds until the last order is placed."""
        return 24 * _HOUR_S / self.speed


def moments(day: Day, sellers: int, *, seed: int) -> Sequence[tuple[float, int]]:
    """Return when orders are placed, in seconds from the begin, and the seller's number."""
    draw = Random(seed)  # noqa: S311 it draws samples, not secrets
    hours = draw.choices(range(24), cum_weights=list(accumulate(_BUSY)), k=day.orders)
    weights = [max(1.0, sellers - 1.0)] + [1.0] * (sellers - 1)
    whose = draw.choices(range(sellers), weights=weights, k=day.orders)
    times = [(hour + draw.random()) * _HOUR_S / day.speed for hour in hours]
    return sorted(zip(times, whose, strict=True))


def play(
    day: Day, sellers: Sequence[Seller], traffic: OrderTraffic, *, now_ms: int, seed: int
) -> None:
    """Put a whole day's orders on the way."""
    for at_s, number in moments(day, len(sellers), seed=seed):
        traffic.plan(
            sellers[number],
            at_ms=now_ms + round(at_s * 1_000),
            speed=day.speed,
            withhold=day.withhold,
        )
