"""Control of orders: place them, play a day of them, and see what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.errors import InvalidInputError
from gateway.simulator.control.fields import Fields, Routes, number, text
from gateway.simulator.scenario import ORDERS, SPEED, WITHHOLD, Day, play

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.clock import Clock
    from gateway.simulator.apis.order_traffic import OrderTraffic
    from gateway.simulator.spapi.accounts import Seller

SCENARIOS = ("order-day",)


class TrafficControl:
    """Routes over orders that live."""

    def __init__(
        self, traffic: OrderTraffic, *, sellers: Sequence[Seller], seed: int, clock: Clock
    ) -> None:
        self._traffic = traffic
        self._sellers = {seller.id: seller for seller in sellers}
        self._seed = seed
        self._clock = clock

    def routes(self) -> Routes:
        """Return the routes by method and path."""
        return {
            ("GET", "/orders"): lambda _: {"items": self._traffic.truth()},
            ("POST", "/orders"): self._place,
            ("POST", "/scenarios"): self._play,
        }

    def _place(self, fields: Fields) -> object:
        day = Day(speed=number(fields, "speed", 1.0), withhold=number(fields, "withhold", WITHHOLD))
        [seller] = self._named([text(fields, "seller")])
        order_id = self._traffic.place(seller, speed=day.speed, withhold=day.withhold)
        return {"order": order_id}

    def _play(self, fields: Fields) -> object:
        if text(fields, "name") not in SCENARIOS:
            raise InvalidInputError(f"name is one of {', '.join(SCENARIOS)}")
        day = Day(
            orders=int(number(fields, "orders", ORDERS)),
            speed=number(fields, "speed", SPEED),
            withhold=number(fields, "withhold", WITHHOLD),
        )
        sellers = self._named(fields.get("sellers") or list(self._sellers))
        play(day, sellers, self._traffic, now_ms=self._clock.now_ms(), seed=self._seed)
        return {"orders": day.orders, "sellers": len(sellers), "lasts_s": day.lasts_s}

    def _named(self, ids: object) -> Sequence[Seller]:
        if not isinstance(ids, list) or not set(map(str, ids)) <= set(self._sellers):
            raise InvalidInputError(f"sellers lists some of {', '.join(self._sellers)}")
        return [self._sellers[str(one)] for one in ids]
