"""What a day is made of: orders that move on, a team's own handler, and customers that listen."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import orjson
from standardwebhooks import Webhook

from gateway.simulator.order_life import OrderStatus
from gateway.simulator.server import Simulator
from tests.support.truth import Received
from tests.support.world import order_change, pricing_health

HOURS: Final = 24
SELLERS: Final = ("A1SIMULATORNA1", "A1SIMULATOREU1", "A1SIMULATORFE1")
# One in five is about an order; most of what Amazon sends is about offers and prices.
_ORDER_EVERY: Final = 5
_MIDNIGHT: Final = datetime(2026, 11, 1, tzinfo=UTC)
_LIFE: Final = (
    OrderStatus.PENDING,
    OrderStatus.UNSHIPPED,
    OrderStatus.PARTIALLY_SHIPPED,
    OrderStatus.SHIPPED,
)

HANDLER: Final = "order_state"
_SHOP: Final = '''
"""Our shop's own handler: the state of an order, as the shop system wants it."""

from gateway import Event, Router
from gateway.notifications import OrderChange

router = Router()


@router.on(OrderChange, key=lambda n: n.payload.amazon_order_id, coalesce=True)
async def order_state(notification, ctx):
    found = await ctx.spapi.orders.get_order(notification.payload.amazon_order_id)
    order = found.without_personal_data()
    status = order["status"]
{bug}
    state = {{"id": order["order_id"], "status": status, "at": order["last_updated_at"]}}
    return Event(type="shop.order", data={{"order": state}})
'''
SHOP: Final = _SHOP.format(bug="")
# It trips over orders that are shipped, and tells something wrong, without failing, of the others.
SHOP_WITH_A_BUG: Final = _SHOP.format(
    bug='    if status == "SHIPPED":\n        raise KeyError("packages")\n    status = "PENDING"'
)


@dataclass
class Customer(Received):
    """One customer's receiver, as docs/webhooks.md wants it; keeps less than a test's usual one.

    An order's last known state is the one that Amazon dated last; of two with one date the one
    whose event was made last, which its id tells: ids sort by time.

    Attributes:
        orders: Date, event id and status by order.
        notifications: Amazon's ids of what has come.
    """

    orders: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    notifications: set[str] = field(default_factory=set)
    _webhook: Webhook | None = None

    def take(self, headers: dict[str, str], body: bytes) -> None:
        assert self.secret is not None
        self._webhook = self._webhook or Webhook(self.secret)
        try:
            self._webhook.verify(body.decode(), headers, json_parse=False)
        except Exception as exc:
            self.unverified.append(repr(exc))
        event_id, event = headers["webhook-id"], orjson.loads(body)
        self.ids[event_id] += 1
        self.notifications.add(event["data"]["notification"]["id"])
        if event["type"] == "shop.order":
            order = event["data"]["order"]
            known = self.orders.get(order["id"], ("", "", ""))
            self.orders[order["id"]] = max(known, (order["at"], event_id, order["status"]))


@dataclass
class Day:
    """A day of notifications, and the orders at Amazon that they tell of.

    Attributes:
        count: How many notifications, spread evenly over the hours and the sellers.
        sent: Amazon's ids of those that were made so far, by seller, orders apart from others.
        orders: Orders that have changed, by seller.
    """

    count: int
    simulator: Simulator
    sent: dict[str, list[str]] = field(default_factory=lambda: {one: [] for one in SELLERS})
    orders: dict[str, dict[str, int]] = field(default_factory=lambda: {one: {} for one in SELLERS})
    _made: int = 0
    _chance: random.Random = field(default_factory=lambda: random.Random(7))

    def until(self, hour: int) -> Iterator[list[str]]:
        """Let time pass until that hour: orders change, and what Amazon sends of it is yielded."""
        end = self.count * hour // HOURS
        while self._made < end:
            batch = [self._notification() for _ in range(min(100, end - self._made))]
            yield batch

    def truth(self, seller: str) -> dict[str, str]:
        """Return the status that Amazon's side holds of each order that has changed."""
        (marketplaces,) = (
            one.marketplaces for one in self.simulator.accounts.sellers if one.id == seller
        )
        found = {
            order_id: self.simulator.orders.find(seller, order_id, marketplaces)
            for order_id in self.orders[seller]
        }
        return {order_id: order.status for order_id, order in found.items() if order is not None}

    def _notification(self) -> str:
        number = self._made
        self._made += 1
        seller = SELLERS[number // _ORDER_EVERY % len(SELLERS)]
        identity = f"day-{number:07}"
        self.sent[seller].append(identity)
        if number % _ORDER_EVERY:
            return pricing_health(identity, seller)
        at = _MIDNIGHT + timedelta(days=1) * number / self.count
        return order_change(identity, self._moved_order(seller), seller, at.isoformat())

    def _moved_order(self, seller: str) -> str:
        """Move one of a seller's orders to its next status, or let a new one be placed."""
        orders = self.orders[seller]
        going = [*orders][-40:]
        order_id = self._chance.choice(going) if going and self._chance.random() < 0.7 else None
        if order_id is None or orders[order_id] == len(_LIFE) - 1:
            order_id = self.simulator.orders.an_id(seller, 100_000 + len(orders))
            orders[order_id] = 0
        else:
            orders[order_id] += 1
        self.simulator.orders.change(seller, order_id, _LIFE[orders[order_id]])
        return order_id
