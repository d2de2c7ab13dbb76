"""Control of what the simulator plays: work, notifications and orders."""

from __future__ import annotations

from dataclasses import fields as fields_of
from typing import TYPE_CHECKING

from gateway.errors import InvalidInputError
from gateway.simulator.control.fields import Fields, Routes, text
from gateway.simulator.payloads import KINDS, Subject
from gateway.simulator.work import read_recipe

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.simulator.apis.assembly import Apis
    from gateway.simulator.orders import OrderBook
    from gateway.simulator.work import Work

_SUBJECT = frozenset(field.name for field in fields_of(Subject)) - {"seller_id", "at_ms"}


class PlayControl:
    """Routes over what happens at Amazon."""

    def __init__(self, *, apis: Apis, work: Work, orders: OrderBook, clock: Clock) -> None:
        self._apis = apis
        self._work = work
        self._orders = orders
        self._clock = clock

    def routes(self) -> Routes:
        """Return the routes by method and path."""
        return {
            ("GET", "/work"): lambda _: {"items": self._work.show()},
            ("POST", "/work"): self._add_recipe,
            ("DELETE", "/work"): self._no_recipes,
            ("GET", "/notifications"): lambda _: self._notifications(),
            ("POST", "/notifications"): self._publish,
            ("POST", "/orders/lose"): self._lose,
        }

    def _add_recipe(self, fields: Fields) -> object:
        self._work.add(read_recipe(fields))
        return {"items": self._work.show()}

    def _no_recipes(self, _: Fields) -> object:
        self._work.clear()
        return {}

    def _notifications(self) -> object:
        publisher = self._apis.publisher
        return {
            "destinations": [
                {"application": destination.application, **destination.shown()}
                for destination in self._apis.destinations.all()
            ],
            "subscriptions": [
                {
                    "application": subscription.application,
                    "seller": subscription.seller,
                    "type": subscription.type,
                    **subscription.shown(),
                }
                for subscription in self._apis.subscriptions.all()
            ],
            "published": publisher.published,
            "lost": publisher.lost,
        }

    def _publish(self, fields: Fields) -> object:
        type_ = text(fields, "type")
        if type_ not in KINDS:
            raise InvalidInputError(f"no notification {type_!r}; known are {', '.join(KINDS)}")
        about = Subject(
            seller_id=text(fields, "seller"),
            at_ms=self._clock.now_ms(),
            **{name: text(fields, name) for name in _SUBJECT & set(fields)},  # type: ignore[arg-type]
        )
        return {"notification_ids": self._apis.publisher.publish(type_, about)}

    def _lose(self, fields: Fields) -> object:
        self._orders.lose(text(fields, "order"))
        return {}
