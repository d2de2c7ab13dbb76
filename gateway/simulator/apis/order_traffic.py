"""Orders that are placed and move on by themselves, and the ORDER_CHANGE of each change.

It keeps the truth: which order came to which status when, and whether Amazon's notification of it
was sent. A share of them can be withheld, as Amazon loses some, to try out the repair of gaps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from gateway.clock import rfc3339
from gateway.simulator.apis.order_views import V0_STATUS
from gateway.simulator.order_life import OrderStatus, Step
from gateway.simulator.payloads import Subject

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.clock import Clock
    from gateway.simulator.agenda import Agenda
    from gateway.simulator.apis.publishing import Publisher
    from gateway.simulator.orders import OrderBook
    from gateway.simulator.spapi.accounts import Seller


@dataclass(slots=True, kw_only=True)
class Change:
    """One change of an order, as it was.

    Attributes:
        notification_ids: Ids of the notifications that told of it.
        withheld: Whether it was kept back on purpose.
    """

    seller: str
    order: str
    status: OrderStatus
    at_ms: int
    notification_ids: Sequence[str] = field(default_factory=list)
    withheld: bool = False


class OrderTraffic:
    """Places orders and tells of what becomes of them.

    Attributes:
        changes: Every change so far, in its order.
    """

    def __init__(
        self, orders: OrderBook, *, publisher: Publisher, agenda: Agenda, clock: Clock
    ) -> None:
        self.changes: list[Change] = []
        self._orders = orders
        self._publisher = publisher
        self._agenda = agenda
        self._clock = clock
        self._random = Random(orders.seed)  # noqa: S311 it draws samples, not secrets

    def place(
        self,
        seller: Seller,
        *,
        at_ms: int | None = None,
        speed: float = 1.0,
        withhold: float = 0.0,
    ) -> str:
        """Let an order be placed and live; return its id.

        Args:
            seller: Whose order.
            at_ms: When; now unless given.
            speed: How many times faster than life it goes.
            withhold: Share of its changes that no notification tells of, from 0 to 1.
        """
        order_id, steps = self._orders.place(
            seller.id, seller.marketplaces, at_ms=at_ms, speed=speed
        )
        for step in steps:
            withheld = self._random.random() < withhold
            self._note(seller, order_id, step, withheld)
        return order_id

    def plan(self, seller: Seller, *, at_ms: int, speed: float, withhold: float) -> None:
        """Let an order be placed at a time to come; nothing is drawn until then."""
        self._agenda.at(
            at_ms, lambda: self.place(seller, at_ms=at_ms, speed=speed, withhold=withhold)
        )

    def move(self, seller: Seller, order_id: str, status: OrderStatus) -> None:
        """Let an order come to a status now, and tell of it."""
        self._orders.change(seller.id, order_id, status)
        step = Step(status=status, at_ms=self._clock.now_ms())
        self._tell(seller, order_id, step, withheld=False)

    def truth(self) -> Sequence[Mapping[str, Any]]:
        """Return every change so far as plain data."""
        return [
            {
                "seller": change.seller,
                "order": change.order,
                "status": change.status,
                "at": rfc3339(change.at_ms),
                "notification_ids": change.notification_ids,
                "withheld": change.withheld,
            }
            for change in self.changes
        ]

    def _note(self, seller: Seller, order_id: str, step: Step, withheld: bool) -> None:
        self._agenda.at(step.at_ms, lambda: self._tell(seller, order_id, step, withheld=withheld))

    def _tell(self, seller: Seller, order_id: str, step: Step, *, withheld: bool) -> None:
        order = self._orders.find(seller.id, order_id, seller.marketplaces)
        if order is None:
            return
        about = Subject(
            seller_id=seller.id,
            at_ms=step.at_ms,
            marketplace_id=order.place.id,
            order_id=order_id,
            order_status=V0_STATUS[step.status],
            order_change_type="BuyerRequestedChange" if step.by_buyer else "OrderStatusChange",
            sku=order.items[0].sku,
        )
        ids = [] if withheld else self._publisher.publish_anyway("ORDER_CHANGE", about)
        self.changes.append(
            Change(
                seller=seller.id,
                order=order_id,
                status=step.status,
                at_ms=step.at_ms,
                notification_ids=ids,
                withheld=withheld,
            )
        )
