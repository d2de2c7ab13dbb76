"""Believable orders, the same ones for the same (seed, seller, order id); decides their facts.

How an order looks in a version of the API or in a notification is said elsewhere. People and places
are invented; e-mail addresses are of a domain that nobody can own.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING

from gateway.simulator.marketplaces import Marketplace, marketplace
from gateway.simulator.order_life import OrderStatus, Step, life, reached

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateway.clock import Clock

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_EPOCH_MS = 1_780_272_000_000  # 2026-06-01T00:00:00Z
_SPAN_MS = 90 * _DAY_MS
HISTORY = 40

_GOODS = (
    ("Enamel Camping Mug, 350 ml", 12),
    ("Waxed Canvas Tool Roll", 39),
    ("Bamboo Cutting Board, Large", 27),
    ("LED Reading Lamp with Clamp", 22),
    ("Merino Hiking Socks, 2 Pairs", 24),
    ("Cast Iron Skillet, 26 cm", 45),
    ("Wireless Door Chime", 19),
    ("Linen Table Runner", 31),
    ("Stainless Steel Water Bottle, 1 l", 28),
    ("Mechanical Kitchen Timer", 14),
    ("Adjustable Phone Stand", 16),
    ("Cotton Bath Towel, Set of 4", 49),
)
_FIRST_NAMES = ("Robin", "Alex", "Noor", "Kim", "Sasha", "Jo", "Mika", "Ira", "Toni", "Lou")
_LAST_NAMES = ("Example", "Sample", "Muster", "Ejemplo", "Esempio", "Dupont-Test", "Prova")
_STREETS = ("Harbour Lane", "Mill Road", "Orchard Street", "Station Square", "Linden Avenue")
_CITIES = ("Northbridge", "Eastport", "Lakeside", "Oldham Green", "Rivertown")


_DRAWN = (
    (OrderStatus.UNSHIPPED, 50),
    (OrderStatus.SHIPPED, 35),
    (OrderStatus.PENDING, 8),
    (OrderStatus.CANCELLED, 7),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One line of an order; `unit_price` is in the marketplace's currency."""

    id: str
    asin: str
    sku: str
    title: str
    quantity: int
    shipped: int
    unit_price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A made-up buyer and where the goods go."""

    name: str
    email: str
    street: str
    city: str
    postal_code: str
    phone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The facts of one order."""

    id: str
    seller_id: str
    place: Marketplace
    status: OrderStatus
    by_amazon: bool
    prime: bool
    business: bool
    items: Sequence[Item]
    shipping: Decimal
    tax: Decimal
    buyer: Person
    created_at_ms: int
    updated_at_ms: int

    @property
    def total(self) -> Decimal:
        """What the buyer pays."""
        goods = sum((item.unit_price * item.quantity for item in self.items), Decimal())
        return goods + self.shipping + self.tax


class OrderBook:
    """All orders that anybody asks for, those that were placed, and what was decided about some.

    An order of any id is there, drawn from the seed. A seller's lists hold `HISTORY` orders of the
    past, and those that were placed since, which move through their states as time passes.
    """

    def __init__(self, *, clock: Clock, seed: int = 0) -> None:
        self.seed = seed
        self._clock = clock
        self._changed: dict[tuple[str, str], tuple[OrderStatus, int]] = {}
        self._placed: defaultdict[str, dict[str, Sequence[Step]]] = defaultdict(dict)
        self._missing: set[str] = set()

    def find(self, seller_id: str, order_id: str, marketplaces: Sequence[str]) -> Order | None:
        """Return a seller's order; None for one that was declared missing or is still to come."""
        if order_id in self._missing:
            return None
        order = _drawn(self.seed, seller_id, order_id, tuple(marketplaces))
        steps = self._placed[seller_id].get(order_id)
        if steps is not None:
            if steps[0].at_ms > self._clock.now_ms():
                return None
            step = reached(steps, self._clock.now_ms())
            order = _moved(order, step.status, step.at_ms)
            order = replace(order, created_at_ms=steps[0].at_ms)
        changed = self._changed.get((seller_id, order_id))
        return order if changed is None else _moved(order, *changed)

    def place(
        self,
        seller_id: str,
        marketplaces: Sequence[str],
        *,
        at_ms: int | None = None,
        speed: float = 1.0,
    ) -> tuple[str, Sequence[Step]]:
        """Let a buyer place an order, now or at a time to come; return its id and its states."""
        placed = self._placed[seller_id]
        order_id = self.an_id(seller_id, HISTORY + len(placed))
        order = _drawn(self.seed, seller_id, order_id, tuple(marketplaces))
        placed[order_id] = life(
            _random(self.seed, seller_id, order_id, "life"),
            created_at_ms=self._clock.now_ms() if at_ms is None else at_ms,
            parts=len(order.items),
            speed=speed,
        )
        return order_id, placed[order_id]

    def listed(self, seller_id: str, marketplaces: Sequence[str]) -> Sequence[Order]:
        """Return the orders that a seller's lists hold by now."""
        ids = [order_id for order_id, _, _ in self.times(seller_id, marketplaces)]
        found = (self.find(seller_id, order_id, marketplaces) for order_id in ids)
        return [order for order in found if order is not None]

    def times(self, seller_id: str, marketplaces: Sequence[str]) -> Iterator[tuple[str, int, int]]:
        """Yield id, creation and last update of each order in a seller's lists, in milliseconds.

        Placed orders are not drawn for it: a busy day has many.
        """
        for order in self.some(seller_id, HISTORY, marketplaces):
            yield order.id, order.created_at_ms, order.updated_at_ms
        now_ms = self._clock.now_ms()
        for order_id, steps in self._placed[seller_id].items():
            if steps[0].at_ms <= now_ms and order_id not in self._missing:
                changed = self._changed.get((seller_id, order_id))
                updated_at_ms = reached(steps, now_ms).at_ms if changed is None else changed[1]
                yield order_id, steps[0].at_ms, updated_at_ms

    def change(self, seller_id: str, order_id: str, status: OrderStatus) -> None:
        """Let an order have reached a status now."""
        self._changed[seller_id, order_id] = status, self._clock.now_ms()

    def lose(self, order_id: str) -> None:
        """Let nobody have an order of this id."""
        self._missing.add(order_id)

    def some(
        self, seller_id: str, count: int, marketplaces: Sequence[str], *, start: int = 0
    ) -> Sequence[Order]:
        """Return the `count` orders of a seller that begin with the one numbered `start`."""
        found = (
            self.find(seller_id, self.an_id(seller_id, number), marketplaces)
            for number in range(start, start + count)
        )
        return [order for order in found if order is not None]

    def an_id(self, seller_id: str, number: int) -> str:
        """Return the id of a seller's n-th order."""
        draw = _random(self.seed, seller_id, str(number))
        return f"{draw.randint(100, 999)}-{draw.randint(0, 9_999_999):07}-{number % 10**7:07}"


def _moved(order: Order, status: OrderStatus, at_ms: int) -> Order:
    items = tuple(replace(item, shipped=_shipped(status, item.quantity)) for item in order.items)
    return replace(order, status=status, updated_at_ms=at_ms, items=items)


def _random(seed: int, *parts: str) -> Random:
    digest = hashlib.sha256("\n".join((str(seed), *parts)).encode()).digest()
    return Random(int.from_bytes(digest[:8], "big"))  # noqa: S311 it draws samples, not secrets


# Lists look at every order of a seller, page after page.
@lru_cache(maxsize=20_000)
def _drawn(seed: int, seller_id: str, order_id: str, marketplaces: tuple[str, ...]) -> Order:
    draw = _random(seed, seller_id, order_id)
    place = marketplace(draw.choice(marketplaces or ("",)))
    status = draw.choices(
        [status for status, _ in _DRAWN], weights=[weight for _, weight in _DRAWN]
    )[0]
    created_at_ms = _EPOCH_MS + draw.randrange(_SPAN_MS)
    items = tuple(
        _item(draw, place, status, number) for number in range(draw.choice((1, 1, 1, 2, 3)))
    )
    goods = sum((item.unit_price * item.quantity for item in items), Decimal())
    return Order(
        id=order_id,
        seller_id=seller_id,
        place=place,
        status=status,
        by_amazon=draw.random() < 0.4,
        prime=draw.random() < 0.3,
        business=draw.random() < 0.1,
        items=items,
        shipping=_money(place, draw.choice((0, 0, 5))),
        tax=_money(place, goods / 10, scaled=True),
        buyer=_person(draw, place),
        created_at_ms=created_at_ms,
        updated_at_ms=created_at_ms + draw.randrange(_HOUR_MS, 2 * _DAY_MS),
    )


def _item(draw: Random, place: Marketplace, status: OrderStatus, number: int) -> Item:
    title, price = draw.choice(_GOODS)
    quantity = draw.choice((1, 1, 1, 2, 4))
    return Item(
        id=f"{draw.randrange(10**13, 10**14)}",
        asin="B0" + "".join(draw.choices("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789", k=8)),
        sku=f"SKU-{draw.randrange(10_000):04}-{number + 1}",
        title=title,
        quantity=quantity,
        shipped=_shipped(status, quantity),
        unit_price=_money(place, price),
    )


def _shipped(status: OrderStatus, quantity: int) -> int:
    if status is OrderStatus.SHIPPED:
        return quantity
    return quantity // 2 if status is OrderStatus.PARTIALLY_SHIPPED else 0


def _money(place: Marketplace, amount: Decimal | int, *, scaled: bool = False) -> Decimal:
    """Return an amount in the marketplace's own digits; yen are a hundred times as many."""
    factor = 1 if scaled or place.decimals else 100
    return (Decimal(amount) * factor).quantize(Decimal(1).scaleb(-place.decimals))


def _person(draw: Random, place: Marketplace) -> Person:
    alias = "".join(draw.choices("abcdefghjkmnpqrstuvwxyz0123456789", k=14))
    return Person(
        name=f"{draw.choice(_FIRST_NAMES)} {draw.choice(_LAST_NAMES)}",
        email=f"{alias}@marketplace.{place.shop.lower()}.example",
        street=f"{draw.randint(1, 240)} {draw.choice(_STREETS)}",
        city=draw.choice(_CITIES),
        postal_code=f"{draw.randint(10_000, 99_999)}",
        phone=f"+00 555 {draw.randint(0, 9_999):04}",
    )
