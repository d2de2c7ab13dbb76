"""Finances 2024-06-19: listTransactions. One transaction for each order that was shipped.

Source: Amazon's page "Finances API v2024-06-19".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gateway.clock import rfc3339
from gateway.simulator.apis import pages
from gateway.simulator.order_life import OrderStatus
from gateway.simulator.spapi.answers import bad_input
from gateway.simulator.spapi.call import Answer, Call

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.simulator.orders import Order, OrderBook
    from gateway.simulator.spapi.call import Answering

_PAGE = 10
_FRESH_MS = 120_000
_MAX_SPAN_MS = 180 * 86_400_000


class Finances:
    """The movements of money."""

    def __init__(self, orders: OrderBook, *, clock: Clock) -> None:
        self._orders = orders
        self._clock = clock

    def answers(self) -> Mapping[str, Answering]:
        """See `Api`."""
        return {"finances.2024-06-19.listTransactions": self._list}

    def _list(self, call: Call) -> Answer:
        since_ms, until_ms = self._span(call)
        name = call.query.get("relatedIdentifierName")
        related = call.query.get("relatedIdentifierValue") if name == "ORDER_ID" else None
        place, status = call.query.get("marketplaceId"), call.query.get("transactionStatus")
        found = [
            order
            for order in self._orders.listed(call.seller.id, call.seller.marketplaces)
            if order.status is OrderStatus.SHIPPED
            and since_ms <= order.updated_at_ms < until_ms
            and related in {None, order.id}
            and place in {None, order.place.id}
        ]
        if status not in {None, "RELEASED"}:
            found = []
        text = call.query.get("nextToken")
        start = pages.opened(text, "nextToken")["start"] if text else 0
        shown, following = pages.page(found, start=start, size=_PAGE)
        payload: dict[str, Any] = {"transactions": [_shown(order) for order in shown]}
        if following is not None:
            payload["nextToken"] = pages.token(following)
        return Answer(body={"payload": payload})

    def _span(self, call: Call) -> tuple[int, int]:
        since_ms, until_ms = call.time_ms("postedAfter"), call.time_ms("postedBefore")
        fresh_ms = self._clock.now_ms() - _FRESH_MS
        if since_ms is None:
            if call.query.get("relatedIdentifierValue") is None:
                raise bad_input("postedAfter is required.", "postedAfter")
            return 0, until_ms or fresh_ms
        if until_ms is None:
            return since_ms, fresh_ms
        # Amazon answers a span of more than 180 days with an empty list.
        return since_ms, until_ms if until_ms - since_ms <= _MAX_SPAN_MS else since_ms


def _shown(order: Order) -> Mapping[str, Any]:
    amount = {"currencyCode": order.place.currency, "currencyAmount": float(order.total)}
    return {
        "sellingPartnerMetadata": {
            "sellingPartnerId": order.seller_id,
            "accountType": "Standard Orders",
            "marketplaceId": order.place.id,
        },
        "relatedIdentifiers": [
            {"relatedIdentifierName": "ORDER_ID", "relatedIdentifierValue": order.id}
        ],
        "transactionType": "Shipment",
        "transactionId": f"T-{order.id}",
        "transactionStatus": "RELEASED",
        "description": "Order Payment",
        "postedDate": rfc3339(order.updated_at_ms),
        "totalAmount": amount,
        "marketplaceDetails": {
            "marketplaceId": order.place.id,
            "marketplaceName": order.place.shop,
        },
        "items": [
            {
                "description": item.title,
                "totalAmount": {
                    "currencyCode": order.place.currency,
                    "currencyAmount": float(item.unit_price * item.quantity),
                },
            }
            for item in order.items
        ],
        "breakdowns": [{"breakdownType": "Sales", "breakdownAmount": amount}],
    }
